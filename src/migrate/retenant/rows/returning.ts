import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { adjustedColumns } from './library-rules.ts';
import type { RowModel, RowTable } from './table.ts';

/** A unit whose rows go back. */
export interface ReturningRows {
  readonly retenanting: string;
  readonly unit: string;
  readonly oldTenantId: string;
  /** Tenants that the unit made, which end now: everything that stands there goes to the old one. */
  readonly ending: readonly string[];
  /** Members who go back as they are now, and members who have no place any more. */
  readonly members: { readonly moved: readonly MemberKey[]; readonly gone: readonly MemberKey[] };
  /** Whether the old tenant has no members. */
  readonly memberless: boolean;
}

/** A member where they stand before the way back. */
export interface MemberKey {
  readonly tenantId: string;
  readonly id: string;
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
    if (typeof policy !== 'string' && 'sum' in policy) for (const name of policy.sum) names.add(name);
  }
  return [...new Set([...names, ...adjustedColumns(table)])];
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
