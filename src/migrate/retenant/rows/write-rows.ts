import type { AnyDatabase } from '../../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { execute } from '../../sql-text.ts';
import { adjustedColumns } from './library-rules.ts';
import { keyOfRow, ledger, listColumns, ofTable, ofUnits, rowOfEntry } from './row-sql.ts';
import type { RowColumn, RowModel, RowTable } from './table.ts';

type Params = readonly [string, readonly string[]];

/**
 * Does what is written down of rows. Copies are made first, parents before children; then all rows move, and what lost its
 * place goes, in one statement, at whose end every foreign key holds, whether it can be deferred or not; then what won
 * takes over. Gives how many rows of the application moved.
 */
export async function writeRows(tx: AnyDatabase, model: RowModel, params: Params): Promise<number> {
  const has = await entriesOf(tx, params);
  await prepare(tx, model, params, has);
  const moving = model.tables.filter((table) => has(table, 'move'));
  const ending = model.tables.filter((table) => has(table, 'join') || has(table, 'drop'));
  let moved = 0;
  if (moving.length + ending.length > 0) {
    const parts = [
      ...moving.map((table, place) => `moved_${place} as (${moveSql(table, ledger.rows)} returning 1)`),
      ...ending.map((table, place) => `ended_${place} as (${endSql(table)} returning 1)`),
    ];
    const counts = moving.flatMap(({ library }, place) =>
      library === null ? [`(select count(*) from moved_${place})`] : [],
    );
    const found = await execute<{ moved: string }>(
      tx,
      `with ${parts.join(',\n')} select (${['0', ...counts].join(' + ')})::text as moved`,
      params,
    );
    moved = Number(found.rows[0]?.moved ?? 0);
  }
  await win(tx, model, params, has);
  return moved;
}

/** Makes the copies, parents before children, and empties references of rows that stay to rows that leave. */
export async function prepareUnit(tx: AnyDatabase, model: RowModel, params: Params): Promise<void> {
  await prepare(tx, model, params, await entriesOf(tx, params));
}

type Has = (table: RowTable, action: string) => boolean;

async function prepare(tx: AnyDatabase, model: RowModel, params: Params, has: Has): Promise<void> {
  for (const table of model.tables) if (has(table, 'change')) await execute(tx, changeSql(table, 'staying'), params);
  for (const table of model.tables) if (has(table, 'copy')) await makeCopies(tx, table, params);
}

/** Moves the rows of one table behind a key; `last` is the key up to which it came, null when none is left. */
export async function moveBatch(
  tx: AnyDatabase,
  table: RowTable,
  params: Params,
  behind: string,
  size: number,
): Promise<{ readonly rows: number; readonly last: string | null }> {
  const found = await execute<{ rows: string; last: string | null }>(
    tx,
    `with batch as materialized (select j.* from ${ledger.rows} j where ${ofUnits('j')} and ${ofTable('j', table)}
  and j.action = 'move' and j.old_key > $3 order by j.old_key limit $4::integer),
moved as (${moveSql(table, 'batch')} returning 1)
select (select count(*) from moved)::text as rows, case when count(*) = $4::integer then max(old_key) end as last from batch`,
    [...params, behind, size],
  );
  return { rows: Number(found.rows[0]?.rows ?? 0), last: found.rows[0]?.last ?? null };
}

/** Ends the rows that lost their place, and lets those that won take over what they said. */
export async function settleUnit(tx: AnyDatabase, model: RowModel, params: Params): Promise<void> {
  const has = await entriesOf(tx, params);
  for (const table of model.tables.toReversed()) if (has(table, 'join')) await execute(tx, endSql(table), params);
  await win(tx, model, params, has);
}

async function win(tx: AnyDatabase, model: RowModel, params: Params, has: Has): Promise<void> {
  for (const table of model.tables) if (has(table, 'change')) await execute(tx, changeSql(table, 'winning'), params);
}

/** Which actions there are for which tables. */
async function entriesOf(tx: AnyDatabase, params: Params): Promise<Has> {
  const found = await execute<{ kind: string }>(
    tx,
    `select distinct j.action || ' ' || j.table_name as kind from ${ledger.rows} j where ${ofUnits('j')}`,
    params,
  );
  const kinds = new Set(found.rows.map(({ kind }) => kind));
  return (table, action) => kinds.has(`${action} ${table.name}`);
}

/** The columns whose values an entry may change, each with the value that it says or the row's own. */
function changes(table: RowTable, columns: readonly RowColumn[]): string[] {
  return columns.map((column) => `${quoteIdentifier(column.name)} = ${valueSql(table, column)}`);
}

function valueSql(table: RowTable, { name }: RowColumn): string {
  const own = quoteIdentifier(name);
  return `case when j.after -> ${quoteLiteral(name)} is null then x.${own} else (json_populate_record(null::${table.sql}, j.after)).${own} end`;
}

/** The columns that re-tenanting itself may rewrite when a row moves. */
function rewritten(table: RowTable): RowColumn[] {
  const names = new Set(table.references.flatMap(({ columns }) => columns));
  for (const { policy } of table.uniques) {
    if (typeof policy !== 'string' && 'suffix' in policy) names.add(policy.suffix);
    if (typeof policy !== 'string' && 'renumber' in policy) names.add(policy.renumber);
  }
  for (const name of adjustedColumns(table)) names.add(name);
  return table.columns.filter(({ name }) => names.has(name));
}

function moveSql(table: RowTable, entries: string): string {
  const sets = [`${table.column} = j.new_tenant_id`, ...changes(table, rewritten(table))];
  return `update ${table.sql} x set ${sets.join(', ')} from ${entries} j
  where ${ofUnits('j')} and ${ofTable('j', table)} and j.action = 'move' and ${rowOfEntry(table, 'x', 'j')}`;
}

/** A copy is remembered as it was made, so that a way back knows what was written to it since. */
async function makeCopies(tx: AnyDatabase, table: RowTable, params: Params): Promise<void> {
  const written = table.columns.filter(({ generated }) => !generated);
  const values = written.map((column) => {
    const place = table.key.findIndex(({ name }) => name === column.name);
    if (place < 0) return valueSql(table, column);
    return table.key.length === 1 ? `j.new_key::${column.type}` : `(j.new_key::jsonb ->> ${place})::${column.type}`;
  });
  await execute(
    tx,
    `insert into ${table.sql} (${table.column}, ${written.map(({ name }) => quoteIdentifier(name)).join(', ')}) overriding system value
select j.new_tenant_id, ${values.join(', ')} from ${ledger.rows} j join ${table.sql} x on ${rowOfEntry(table, 'x', 'j')}
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action = 'copy'`,
    params,
  );
  await execute(
    tx,
    `update ${ledger.rows} j set before = null, after = row_to_json(c) from ${table.sql} c
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action = 'copy' and c.${table.column} = j.new_tenant_id and ${keyOfRow(table, 'c')} = j.new_key`,
    params,
  );
}

const endSql = (table: RowTable): string =>
  `delete from ${table.sql} x using ${ledger.rows} j where ${ofUnits('j')} and ${ofTable('j', table)} and j.action in ('join', 'drop') and ${rowOfEntry(table, 'x', 'j')}`;

/** Rows that stay with the old tenant and lose a reference, or rows of a target that take something over. */
function changeSql(table: RowTable, which: 'staying' | 'winning'): string {
  const columns = table.columns.filter(
    ({ name, generated }) => !generated && !table.key.some((part) => part.name === name),
  );
  // Of several units that add to one row the last one has the sum.
  return `update ${table.sql} x set ${changes(table, columns).join(', ')} from (
  select distinct on (j.old_tenant_id, j.old_key) j.* from ${ledger.rows} j join ${ledger.units} u on u.retenanting = j.retenanting and u.unit = j.unit
  where ${ofUnits('j')} and ${ofTable('j', table)} and j.action = 'change' and j.old_tenant_id::text ${which === 'staying' ? '=' : '<>'} j.unit
  order by j.old_tenant_id, j.old_key, u.position desc) j
where ${rowOfEntry(table, 'x', 'j')}`;
}

/** Sums up what stands in the rows of the old tenants before anything moves. */
export async function writeBaselines(tx: AnyDatabase, model: RowModel, params: Params): Promise<void> {
  for (const table of model.tables) {
    await execute(
      tx,
      `insert into tenantry.retenant_baselines (retenanting, unit, table_name, row_count, checksum)
select u.retenanting, u.unit, ${quoteLiteral(table.name)}, count(x.${table.column}),
  coalesce(sum(hashtextextended(row(${listColumns(table.columns, 'x')})::text, 0)::numeric) filter (where x.${table.column} is not null), 0)
from ${ledger.units} u left join ${table.sql} x on x.${table.column} = u.old_tenant_id where ${ofUnits('u')} group by 1, 2
on conflict (retenanting, unit, table_name) do update set row_count = excluded.row_count, checksum = excluded.checksum`,
      params,
    );
  }
}

/** How many rows of the application each unit moved. */
export async function rowsOfUnits(
  tx: AnyDatabase,
  { tables }: RowModel,
  params: Params,
): Promise<ReadonlyMap<string, number>> {
  const names = tables.flatMap(({ name, library }) => (library === null ? [name] : []));
  const found = await execute<{ unit: string; rows: number }>(
    tx,
    `with counted as (
  select j.unit, count(*) as rows from ${ledger.rows} j where ${ofUnits('j')} and j.action = 'move' and j.table_name = any($3::text[]) group by 1
), stored as (
  update ${ledger.units} u set row_count = c.rows from counted c where ${ofUnits('u')} and u.unit = c.unit
) select unit, rows::float8 as rows from counted`,
    [...params, names],
  );
  return new Map(found.rows.map(({ unit, rows }) => [unit, rows]));
}
