import type { AnyDatabase } from '../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { isSource, keyText, type Model, type OwnTable } from '../model.ts';
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
  /** Whether the new application writes too. */
  readonly switched: boolean;
  /** Writes of the application to a table since the baseline. */
  readonly writes: ReadonlyMap<string, number>;
}

/** Whether nothing keeps the legacy rows of people and keys right any more. */
export function contracted(done: ReadonlySet<string>): boolean {
  return done.has('contract:drain');
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
export function joinsToSource({ source }: Model, table: OwnTable): string {
  const joins: string[] = [];
  let below = 't';
  let at = table;
  for (let level = 0; at.via !== undefined; at = at.via.parent, level += 1) {
    const child = at;
    const { columns, parent, parentKey } = at.via;
    const alias = isSource(parent) ? 's' : `j${level}`;
    const on = columns.map((column, place) => {
      const key = parentKey[place] ?? '';
      const cast = sameType(child, column, parent, key) ? '' : '::text';
      return `${alias}.${quoteIdentifier(key)}${cast} = ${below}.${quoteIdentifier(column)}${cast}`;
    });
    joins.push(`left join ${parent.sql} as ${alias} on ${on.join(' and ')}`);
    below = alias;
  }
  if (at.leads !== undefined) joins.push(joinLed(source, at.leads, below));
  return joins.join(' ');
}

/**
 * The tenant that a row `t` should have, over the joins of {@link joinsToSource}: that of its source row or, where the
 * chain breaks off, the default of the last table that it reaches.
 */
export function expectedTenant(model: Model, column: string, table: OwnTable): string {
  const reached: string[] = [];
  let alias = 't';
  let at = table;
  for (let level = 0; ; level += 1) {
    const otherwise = defaultSql(model, column, at);
    if (otherwise !== undefined) reached.unshift(`case when ${alias}.tableoid is not null then ${otherwise} end`);
    if (at.via === undefined || isSource(at.via.parent)) break;
    alias = `j${level}`;
    at = at.via.parent;
  }
  return `coalesce(${[`s.${column}`, ...reached].join(', ')})`;
}

/** The default tenant of a table, found by the row that stands for it or by the record of the fallback. */
function defaultSql({ name, source }: Model, column: string, { unresolved }: OwnTable): string | undefined {
  if (unresolved.kind !== 'default-tenant') return undefined;
  if (unresolved.sourceKey === undefined) {
    return `(select f.tenant_id from tenantry.migration_parts f where f.migration = ${quoteLiteral(name)} and f.part = 'fallback')`;
  }
  return `(select d.${column} from ${source.sql} as d where ${keyText(source.key, 'd')} = ${quoteLiteral(unresolved.sourceKey)})`;
}

/** The join to the source of rows that are led there by a table that is looked into, or by SQL. */
function joinLed(source: OwnTable, { key, lookup }: NonNullable<OwnTable['leads']>, below: string): string {
  const sourceKey = keyText(source.key, 's');
  if (lookup === undefined) return `left join ${source.sql} as s on ${sourceKey} = ${key(below)}`;
  const [asked, gives, column] = [lookup.key, lookup.gives, lookup.column].map(quoteIdentifier);
  return `left join (select distinct ${asked} as asked, ${gives}::text as gives from ${lookup.sql}) as led on led.asked = ${below}.${column}
  left join ${source.sql} as s on ${sourceKey} = led.gives`;
}

function sameType(child: OwnTable, column: string, parent: OwnTable, key: string): boolean {
  const typeOf = (table: OwnTable, name: string): string | undefined =>
    table.table.columns.find((candidate) => candidate.name === name)?.type;
  return typeOf(child, column) === typeOf(parent, key);
}

/** The quarantined rows of a table as a relation with the table's own columns. */
export function quarantined(model: Model, table: OwnTable): string {
  const columns = table.table.columns.map(({ name, type }) => {
    const kept = `q.${quoteIdentifier(name)}`;
    return /^jsonb?$/.test(type) ? `(k.row_data ->> ${quoteLiteral(name)})::${type} as ${quoteIdentifier(name)}` : kept;
  });
  return `(select ${columns.join(', ')} from tenantry.migration_quarantine k cross join lateral json_populate_record(null::${table.sql}, k.row_data) as q
    where k.migration = ${quoteLiteral(model.name)} and k.table_name = ${quoteLiteral(table.name)})`;
}
