import type { AnyDatabase } from '../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { execute, qualified } from '../sql-text.ts';
import type { InspectedReference, SchemaTable } from './inspection.ts';
import type { ReferenceCandidate } from './references.ts';

/** Numbers that one query gives, by the names of its columns. */
export type Numbers = Readonly<Record<string, number>>;

/** Runs queries that each give numbers in one row, many of them in one statement. */
export async function measure(tx: AnyDatabase, queries: readonly string[]): Promise<Numbers[]> {
  const results: Numbers[] = [];
  for (let at = 0; at < queries.length; at += 25) {
    const parts = queries
      .slice(at, at + 25)
      .map((query, place) => `select ${place} as place, to_jsonb(q) as numbers from (${query}) as q`);
    const text = `${parts.join('\nunion all\n')}\norder by place`;
    const found = await execute<{ numbers: Record<string, number | null> }>(tx, text);
    for (const { numbers } of found.rows) {
      results.push(Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value ?? 0)])));
    }
  }
  return results;
}

/** Where the rows that are counted stand. */
export interface Place {
  readonly schema: string;
  readonly tables: ReadonlyMap<string, SchemaTable>;
  readonly source: string;
  /** Tables with more rows are sampled. */
  readonly exactUpTo: number;
}

const columnsOf = (alias: string, columns: readonly string[]): string[] =>
  columns.map((column) => `${alias}.${quoteIdentifier(column)}`);

const equal = (a: string, columns: readonly string[], b: string, others: readonly string[]): string =>
  columnsOf(a, columns)
    .map((left, place) => `${left} = ${columnsOf(b, others)[place]}`)
    .join(' and ');

const empty = (alias: string, columns: readonly string[]): string =>
  `(${columnsOf(alias, columns)
    .map((column) => `${column} is null`)
    .join(' or ')})`;

/** A table whole, or a repeatable sample of its pages when it is too large to count. */
function rowsOf({ schema, tables, exactUpTo }: Place, table: string): string {
  const { rows = 0, rowsExact = true } = tables.get(table) ?? {};
  if (rowsExact || rows <= exactUpTo) return qualified(schema, table);
  return `(select * from ${qualified(schema, table)} tablesample system (${(100 * exactUpTo) / rows}) repeatable (1))`;
}

/** Counts the rows of a table. */
export function countSql({ schema }: Pick<Place, 'schema'>, table: string): string {
  return `select count(*) as rows from ${qualified(schema, table)}`;
}

/** Looks up to 500 distinct values of a candidate in the table that it could lead to. */
export function lookupSql(place: Place, { table, column, target, targetColumn }: ReferenceCandidate): string {
  const value = quoteIdentifier(column.name);
  return `select count(*) as sampled, count(p.found) as found from (
  select distinct v from (select t.${value} as v from ${rowsOf(place, table)} as t where t.${value} is not null limit 20000) as first limit 500
) as d left join lateral (select 1 as found from ${qualified(place.schema, target)} as p where p.${quoteIdentifier(targetColumn)} = d.v limit 1) as p on true`;
}

/** Counts the rows that leave a reference empty, and those whose values are found nowhere. */
export function lossSql(place: Place, { table, columns, target, targetColumns }: InspectedReference): string {
  const none = empty('t', columns);
  return `select count(*) filter (where ${none}) as empty, count(*) filter (where not ${none} and p.here is null) as dangling
from ${rowsOf(place, table)} as t left join (select *, true as here from ${qualified(place.schema, target)}) as p on ${equal('t', columns, 'p', targetColumns)}`;
}

/** A way from a row to the source: the joins, and the key of the source row as one text. */
function wayTo(
  place: Place,
  chain: readonly InspectedReference[],
  alias: string,
  prefix: string,
): { joins: string; key: string } {
  let at = alias;
  const joins = chain.map(({ columns, target, targetColumns }, step) => {
    const next = `${prefix}${step + 1}`;
    const join = `left join ${qualified(place.schema, target)} as ${next} on ${equal(at, columns, next, targetColumns)}`;
    at = next;
    return join;
  });
  const parts = columnsOf(at, place.tables.get(place.source)?.primaryKey ?? []);
  const key =
    parts.length === 1
      ? `${parts[0]}::text`
      : `nullif(jsonb_build_array(${parts.join(', ')}), jsonb_build_array(${parts.map(() => 'null').join(', ')}))::text`;
  return { joins: joins.join(' '), key };
}

function listed(place: Place, table: string): string {
  const key = place.tables.get(table)?.primaryKey ?? [];
  return key.length === 0 ? 't.*' : columnsOf('t', key).join(', ');
}

/** A count of rows, and the statement that lists them. */
export interface Probe {
  readonly count: string;
  readonly list: string;
}

function probe(place: Place, table: string, joins: string, where: string): Probe {
  return {
    count: `select count(*) as rows from ${rowsOf(place, table)} as t ${joins} where ${where}`,
    list: `select ${listed(place, table)} from ${qualified(place.schema, table)} as t ${joins} where ${where}`,
  };
}

/** Finds the rows that lead to no source row. */
export function unresolvedProbe(place: Place, table: string, chain: readonly InspectedReference[]): Probe {
  const { joins, key } = wayTo(place, chain, 't', 'a');
  return probe(place, table, joins, `${key} is null`);
}

/** Counts the source rows that the rows of a table lead to. */
export function makersSql(place: Place, table: string, chain: readonly InspectedReference[]): string {
  const { joins, key } = wayTo(place, chain, 't', 'a');
  return `select count(distinct ${key}) as rows from ${rowsOf(place, table)} as t ${joins}`;
}

/** Finds the rows that lead to one source row by their chain, and to another by one more reference. */
export function disagreeProbe(
  place: Place,
  reference: InspectedReference,
  chains: { readonly mine: readonly InspectedReference[]; readonly theirs: readonly InspectedReference[] },
): Probe {
  const { joins, first, second } = twoWays(place, reference, chains);
  return probe(place, reference.table, joins, `${first} <> ${second}`);
}

/**
 * Finds the rows that stay and refer to rows which lead to no source row and would be moved aside. `mine` is null for
 * rows that no tenant owns, all of which stay.
 */
export function blockedProbe(
  place: Place,
  reference: InspectedReference,
  chains: { readonly mine: readonly InspectedReference[] | null; readonly theirs: readonly InspectedReference[] },
): Probe {
  const { joins, first, second } = twoWays(place, reference, { ...chains, mine: chains.mine ?? [] });
  const stays = chains.mine === null ? '' : ` and ${first} is not null`;
  return probe(place, reference.table, joins, `o.here and ${second} is null${stays}`);
}

function twoWays(
  place: Place,
  { columns, target, targetColumns }: InspectedReference,
  { mine, theirs }: { readonly mine: readonly InspectedReference[]; readonly theirs: readonly InspectedReference[] },
): { joins: string; first: string; second: string } {
  const own = wayTo(place, mine, 't', 'a');
  const other = wayTo(place, theirs, 'o', 'b');
  const through = `left join (select *, true as here from ${qualified(place.schema, target)}) as o on ${equal('t', columns, 'o', targetColumns)}`;
  return { joins: [own.joins, through, other.joins].join(' '), first: own.key, second: other.key };
}

/** A grouping of source rows, as SQL over the columns of the source. */
export function groupSql(place: Place, value: string): string {
  return `select count(*) as groups, coalesce(sum(n), 0) as rows, coalesce(max(n), 0) as largest from (
  select count(*) as n from ${rowsOf(place, place.source)} as t where btrim((${value})::text) <> '' group by ${value}
) as g`;
}

/** Counts digests of keys by their form, and those that stand on several rows. */
export function digestSql(place: Place, column: string): string {
  return `select coalesce(sum(n), 0) as rows, coalesce(sum(n) filter (where v ~* '^[0-9a-f]{64}$'), 0) as hex,
  coalesce(sum(n) filter (where v ~ '^[A-Za-z0-9+/]{43}=$'), 0) as base64, coalesce(sum(n) filter (where n > 1), 0) as doubled
from (select btrim(t.${quoteIdentifier(column)}::text) as v, count(*) as n from ${rowsOf(place, place.source)} as t
  where btrim(t.${quoteIdentifier(column)}::text) <> '' group by 1) as d`;
}

/** A text column without differences of case and surrounding spaces. */
export function looseSql(column: string): string {
  return `nullif(lower(btrim(${quoteIdentifier(column)})), '')`;
}

const open =
  `gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com me.com aol.com gmx.de gmx.net web.de
proton.me protonmail.com mail.ru qq.com 163.com`.split(/\s+/);

/** The domain of an e-mail address; NULL for those where anybody can have one. */
export function domainSql(column: string): string {
  const domain = `split_part(lower(btrim(${quoteIdentifier(column)})), '@', 2)`;
  return `case when ${domain} not in (${open.map(quoteLiteral).join(', ')}) then ${domain} end`;
}
