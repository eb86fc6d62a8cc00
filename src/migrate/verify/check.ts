import type { AnyDatabase } from '../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import type { Model, OwnTable } from '../model.ts';
import { execute } from '../sql-text.ts';

/** What one check found. */
export interface VerifyCheck {
  /** Which sentence was checked, such as `total` or `closed`. */
  readonly name: string;
  readonly table: string;
  /** `skip`: could not be judged, for the reason that `detail` gives. */
  readonly status: 'pass' | 'fail' | 'skip';
  readonly detail: string;
}

/** What checks work with: a snapshot of the database and the definition held against it. */
export interface Checker {
  readonly tx: AnyDatabase;
  readonly model: Model;
  /** The tenant column, quoted. */
  readonly column: string;
  /** Steps that are done. */
  readonly done: ReadonlySet<string>;
  /** Writes of the application to a table since the baseline. */
  readonly writes: ReadonlyMap<string, number>;
}

/** Runs a query that gives numbers in one row. */
export async function numbers<Name extends string>(tx: AnyDatabase, query: string): Promise<Record<Name, number>> {
  const found = await execute<Record<Name, string | null>>(tx, query);
  const row = Object.entries<string | null>(found.rows[0] ?? {}).map(([name, value]) => [name, Number(value ?? 0)]);
  return Object.fromEntries(row);
}

/** Turns a count of what should not be into a check. */
export function none(name: string, table: string, wrong: number, what: string, good: string): VerifyCheck {
  return wrong === 0
    ? { name, table, status: 'pass', detail: good }
    : { name, table, status: 'fail', detail: `${wrong} ${what}` };
}

/** Whether rows of a table may wait for, or have gone to, quarantine. */
export function mayBeQuarantined(table: OwnTable): boolean {
  return table.unresolved.kind === 'quarantine' || (table.via !== undefined && mayBeQuarantined(table.via.parent));
}

/** The chain of joins from a table `t` up to the source `s`. */
export function joinsToSource(table: OwnTable): string {
  const joins: string[] = [];
  let below = 't';
  for (let at = table, level = 0; at.via !== undefined; at = at.via.parent, level += 1) {
    const child = at;
    const { columns, parent, parentKey } = at.via;
    const alias = parent.via === undefined ? 's' : `j${level}`;
    const on = columns.map((column, place) => {
      const key = parentKey[place] ?? '';
      const cast = sameType(child, column, parent, key) ? '' : '::text';
      return `${alias}.${quoteIdentifier(key)}${cast} = ${below}.${quoteIdentifier(column)}${cast}`;
    });
    joins.push(`left join ${parent.sql} as ${alias} on ${on.join(' and ')}`);
    below = alias;
  }
  return joins.join(' ');
}

function sameType(child: OwnTable, column: string, parent: OwnTable, key: string): boolean {
  const typeOf = (table: OwnTable, name: string): string | undefined =>
    table.table.columns.find((candidate) => candidate.name === name)?.type;
  return typeOf(child, column) === typeOf(parent, key);
}

/** The quarantined rows of a table as a relation with the table's own columns. */
export function quarantined(model: Model, table: OwnTable): string {
  return `(select q.* from tenantry.migration_quarantine k cross join lateral json_populate_record(null::${table.sql}, k.row_data) as q
    where k.migration = ${quoteLiteral(model.name)} and k.table_name = ${quoteLiteral(table.name)})`;
}
