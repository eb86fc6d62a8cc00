import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import type { RowModel, RowTable } from './table.ts';

/** A unit whose rows go back. */
export interface ReturningRows {
  readonly retenanting: string;
  readonly unit: string;
  readonly oldTenantId: string;
  /** Tenants that the unit made, which end now: everything that stands there goes to the old one. */
  readonly ending: readonly string[];
}

/** Entries of the unit; names are written out, so that the statements need no parameters. */
export const ofUnit = (alias: string, { retenanting, unit }: Pick<ReturningRows, 'retenanting' | 'unit'>): string =>
  `${alias}.retenanting = ${quoteLiteral(retenanting)} and ${alias}.unit = ${quoteLiteral(unit)}`;

/** Columns that the unit may have changed of a row that moved. */
export function restoredColumns(table: RowTable): string[] {
  const names = new Set(table.references.flatMap(({ columns }) => columns));
  for (const { policy } of table.uniques) {
    if (typeof policy !== 'string' && 'suffix' in policy) names.add(policy.suffix);
    if (typeof policy !== 'string' && 'renumber' in policy) names.add(policy.renumber);
  }
  return [...names];
}

/** Whether rows of the same tenant refer to row `x`. */
export function usedSql(model: RowModel, table: RowTable): string {
  const uses = model.tables.flatMap((child) =>
    child.references
      .filter(({ parent }) => parent === table.name)
      .map(({ columns, parentColumns }) => {
        const on = columns.map(
          (name, place) => `c.${quoteIdentifier(name)} = x.${quoteIdentifier(parentColumns[place] ?? '')}`,
        );
        return `exists (select from ${child.sql} c where c.${child.column} = x.${table.column} and ${on.join(' and ')})`;
      }),
  );
  return uses.length === 0 ? 'false' : uses.join(' or ');
}
