import type { AnyDatabase } from '../../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { execute } from '../../sql-text.ts';
import { keyOfRow, type Ledger, ledger, ofTable, ofUnits, rowOfEntry } from './row-sql.ts';
import { settleTogether } from './settle-together.ts';
import type { RowTable, RowUnique } from './table.ts';
import { uniquePart } from './unique-part.ts';

/** Rows that cannot stand side by side at a target. */
export interface UniqueConflict {
  readonly table: string;
  readonly unique: string;
  readonly policy: string;
  readonly rows: number;
  /** Keys of rows that come, at most ten. */
  readonly samples: readonly string[];
}

/** Looks for rows of one table that would meet their like at the target, and settles them as the policies say. */
export async function settleUniques(
  tx: AnyDatabase,
  table: RowTable,
  at: Ledger,
  params: readonly [string, readonly string[]],
  { together = false }: { readonly together?: boolean } = {},
): Promise<UniqueConflict[]> {
  const conflicts: UniqueConflict[] = [];
  for (const unique of table.uniques) {
    if (
      table.globalKey &&
      table.key.every(({ name }) => unique.parts.includes(quoteIdentifier(name)) || unique.parts.includes(name))
    )
      continue;
    if (together && (await settleTogether(tx, table, unique, at, params))) continue;
    // Who writes to the target's row at this moment is waited for, so that nothing of it is overwritten.
    if (at.rows === ledger.rows) await execute(tx, lockWinnersSql(table, unique, at), params);
    const found = await execute<{ rows: string; samples: string[] | null }>(
      tx,
      `with met as (${metSql(table, unique, at)})
select count(*)::text as rows, (select array_agg(old_key) from (select old_key from met order by old_key limit 10) as s) as samples from met`,
      params,
    );
    const rows = Number(found.rows[0]?.rows ?? 0);
    if (rows === 0) continue;
    const { policy } = unique;
    const name = typeof policy === 'string' ? policy : (Object.keys(policy)[0] ?? 'fail');
    conflicts.push({
      table: table.name,
      unique: unique.name,
      policy: name,
      rows,
      samples: found.rows[0]?.samples ?? [],
    });
    for (const statement of settleSql(table, unique, at)) await execute(tx, statement, params);
  }
  return conflicts;
}

/** Entries `j` whose row `x` meets a row `o` that stands at the target, and stays there. */
function metSql(table: RowTable, unique: RowUnique, at: Ledger): string {
  const equal = unique.nullsEqual ? 'is not distinct from' : '=';
  const on = unique.parts.map(
    (part) => `${uniquePart(table, part, 'o', null)} ${equal} ${uniquePart(table, part, 'x', 'j')}`,
  );
  const condition =
    unique.condition === null
      ? []
      : [uniquePart(table, unique.condition, 'o', null), uniquePart(table, unique.condition, 'x', 'j')];
  return `select j.retenanting, j.unit, j.table_name, j.old_tenant_id, j.old_key, j.new_tenant_id, ${keyOfRow(table, 'o')} as winner,
  o.ctid as winner_at, o.tableoid as winner_in, x.ctid as row_at, x.tableoid as row_in
from ${at.rows} j join ${table.sql} x on ${rowOfEntry(table, 'x', 'j')}
join ${table.sql} o on ${[`o.${table.column} = j.new_tenant_id`, ...on, ...condition].join(' and ')}
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action in ('move', 'copy')
  and not exists (select from ${at.rows} g where g.retenanting = j.retenanting and ${ofTable('g', table)}
    and g.old_tenant_id = o.${table.column} and g.old_key = ${keyOfRow(table, 'o')} and g.action = 'move' and g.unit <> j.unit and g.unit = any($2::text[]))`;
}

function lockWinnersSql(table: RowTable, unique: RowUnique, at: Ledger): string {
  return `with met as materialized (${metSql(table, unique, at)})
select count(*) from (select from ${table.sql} o join met m on o.ctid = m.winner_at and o.tableoid = m.winner_in for update of o) as locked`;
}

const sameEntry =
  'j.retenanting = m.retenanting and j.unit = m.unit and j.table_name = m.table_name and j.old_tenant_id = m.old_tenant_id and j.old_key = m.old_key and j.new_tenant_id = m.new_tenant_id';

function settleSql(table: RowTable, unique: RowUnique, at: Ledger): string[] {
  const { policy } = unique;
  const met = `met as materialized (${metSql(table, unique, at)})`;
  const lose = `update ${at.rows} j set action = case j.action when 'copy' then 'use' else 'join' end, new_key = m.winner,
    before = row_to_json(x), part = 0 from met m join ${table.sql} x on x.ctid = m.row_at and x.tableoid = m.row_in where ${sameEntry}`;
  if (policy === 'fail') return [];
  if (policy === 'keepTarget') return [`with ${met} ${lose}`];
  if ('suffix' in policy) return [suffixSql(table, unique, policy.suffix, met, at)];
  if ('renumber' in policy) return [renumberSql(table, policy.renumber, met, at)];
  const after =
    'sum' in policy
      ? `json_build_object(${policy.sum.map((name) => `${quoteLiteral(name)}, ${addedSql(name)}`).join(', ')})`
      : newestSql(table);
  const wins =
    'sum' in policy
      ? 'true'
      : 'prefer' in policy
        ? policy.prefer
        : `x.${quoteIdentifier(policy.keepNewest)} > o.${quoteIdentifier(policy.keepNewest)}`;
  const change = `insert into ${at.rows} (retenanting, unit, table_name, old_tenant_id, old_key, new_tenant_id, new_key, action, before, after)
  select m.retenanting, m.unit, m.table_name, m.new_tenant_id, m.winner, m.new_tenant_id, m.winner, 'change', row_to_json(o), ${after}
  from met m join ${table.sql} x on x.ctid = m.row_at and x.tableoid = m.row_in join ${table.sql} o on o.ctid = m.winner_at and o.tableoid = m.winner_in
  where ${wins} and exists (select from ${at.rows} j where ${sameEntry} and j.action = 'move') on conflict do nothing`;
  return [`with ${met}, changed as (${change}) ${lose}`];
}

const addedSql = (name: string): string =>
  `case when o.${quoteIdentifier(name)} is null and x.${quoteIdentifier(name)} is null then null else coalesce(o.${quoteIdentifier(name)}, 0) + coalesce(x.${quoteIdentifier(name)}, 0) end`;

/** What the newer row says beside its key and its tenant. */
function newestSql(table: RowTable): string {
  const columns = table.columns.filter(
    ({ name, generated }) => !generated && !table.key.some((part) => part.name === name),
  );
  return `json_build_object(${columns.map(({ name }) => `${quoteLiteral(name)}, x.${quoteIdentifier(name)}`).join(', ')})`;
}

/** The key of an entry once a column of its row got another value. */
function keyWith({ key }: RowTable, column: string, value: string): string {
  if (!key.some(({ name }) => name === column)) return 'j.new_key';
  if (key.length === 1) return `${value}::text`;
  return `jsonb_build_array(${key.map(({ name }) => (name === column ? value : `x.${quoteIdentifier(name)}`)).join(', ')})::text`;
}

const changed = (column: string, value: string): string =>
  `before = row_to_json(x), after = (coalesce(j.after::jsonb, '{}') || jsonb_build_object(${quoteLiteral(column)}, ${value}))::json`;

/** The lowest number behind the text that neither the target nor what comes along has. */
function suffixSql(table: RowTable, unique: RowUnique, column: string, met: string, at: Ledger): string {
  const own = quoteIdentifier(column);
  const parts = (other: string, entry: string | null, own: 'same' | 'next'): string[] =>
    unique.parts.map((part) => {
      const isColumn = part === column || part === quoteIdentifier(column);
      if (own === 'next' && (isColumn || part.includes(column))) {
        const next = isColumn ? `x.${quoteIdentifier(column)} || '-' || n` : nextPart(table, part, column);
        return `${uniquePart(table, part, other, entry)} = ${next}`;
      }
      return `${uniquePart(table, part, other, entry)} is not distinct from ${uniquePart(table, part, 'x', 'j')}`;
    });
  return `with ${met}, named as (
  select m.*, (select x.${own} || '-' || n from generate_series(2, 1000000) as n
    where not exists (select from ${table.sql} o where ${[`o.${table.column} = m.new_tenant_id`, ...parts('o', null, 'next')].join(' and ')})
      and not exists (select from ${table.sql} o where ${[`o.${table.column} = m.old_tenant_id`, ...parts('o', null, 'next')].join(' and ')})
    limit 1) as next
  from met m join ${table.sql} x on x.ctid = m.row_at and x.tableoid = m.row_in join ${at.rows} j on ${sameEntry}
)
update ${at.rows} j set ${changed(column, 'm.next')}, new_key = ${keyWith(table, column, 'm.next')}
from named m join ${table.sql} x on x.ctid = m.row_at and x.tableoid = m.row_in where ${sameEntry}`;
}

function nextPart(table: RowTable, part: string, column: string): string {
  const columns = table.columns.map(({ name }) => {
    const own = quoteIdentifier(name);
    return name === column ? `x.${own} || '-' || n as ${own}` : `x.${own}`;
  });
  return `(select (${part}) from (select ${columns.join(', ')}) as ${quoteIdentifier(table.name)})`;
}

/** Numbers behind the highest of the target and of what comes along, in the order of what comes. */
function renumberSql(table: RowTable, column: string, met: string, at: Ledger): string {
  const own = quoteIdentifier(column);
  const highest = (tenant: string): string =>
    `coalesce((select max(o.${own}) from ${table.sql} o where o.${table.column} = ${tenant}), 0)`;
  return `with ${met}, numbered as (
  select m.*, greatest(${highest('m.new_tenant_id')}, ${highest('m.old_tenant_id')})
    + row_number() over (partition by m.new_tenant_id order by x.${own}) as next
  from met m join ${table.sql} x on x.ctid = m.row_at and x.tableoid = m.row_in
)
update ${at.rows} j set ${changed(column, 'm.next')}, new_key = ${keyWith(table, column, 'm.next')}
from numbered m join ${table.sql} x on x.ctid = m.row_at and x.tableoid = m.row_in where ${sameEntry}`;
}
