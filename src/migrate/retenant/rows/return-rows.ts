import { TenantryError } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { keyEquals } from '../../model.ts';
import { execute } from '../../sql-text.ts';
import type { KeptRow } from '../people/index.ts';
import { keptCopiesSql, keptSinceSql } from './kept-sql.ts';
import { membersName } from './library-tables.ts';
import { meetStanding } from './meet-standing.ts';
import { ofUnit, type ReturningRows, restoredColumns, usedSql } from './returning.ts';
import { keyOfRow, ledger, ofTable, parentKey, rowAfterEntry } from './row-sql.ts';
import { setApart } from './set-apart.ts';
import { type RowModel, type RowReference, type RowTable, tableOf } from './table.ts';

/**
 * Returns the rows of a unit: each is again where and what it was, with what was written to it since. Rows that were made
 * since go along when they belong to one that goes, or when their tenant ends. Gives what has no place, which stays where it
 * is or is only written down.
 */
export async function returnRows(
  tx: AnyDatabase,
  whole: RowModel,
  unit: ReturningRows,
): Promise<{ readonly rows: number; readonly kept: KeptRow[] }> {
  const has = await entriesOf(tx, unit);
  const model = await concernedTables(tx, whole, unit, has);
  await execute(
    tx,
    `create temporary table if not exists retenant_back (table_name text collate "C", tenant_id uuid, key text collate "C",
  old_tenant_id uuid, since boolean, lost boolean not null default false, image json, final text collate "C", place text collate "C",
  primary key (table_name, tenant_id, key)) on commit delete rows`,
  );
  await execute(tx, 'delete from pg_temp.retenant_back');
  await gather(tx, model, unit, has);
  const kept: KeptRow[] = [];
  kept.push(...(await setApart(tx, model, unit)));
  for (const table of model.tables) {
    if (!has(table, 'changed')) continue;
    kept.push(...(await keptRows(tx, table, keptSinceSql(table, unit))));
  }
  for (const table of model.tables) if (has(table, 'change')) await execute(tx, unchangeSql(table, unit, 'winning'));
  kept.push(...(await meetStanding(tx, model, unit, has)));
  const rows = await moveBack(tx, model);
  for (const table of model.tables) if (has(table, 'change')) await execute(tx, unchangeSql(table, unit, 'staying'));
  for (const table of model.tables.toReversed()) {
    if (table.rule.kind !== 'copied') continue;
    kept.push(...(await keptRows(tx, table, keptCopiesSql(model, table, unit))));
    await execute(tx, dropCopiesSql(model, table, unit));
  }
  await refuseLeft(tx, model, unit);
  return { rows, kept };
}

/** What is written down of the unit: whether there are entries of an action for a table, or `changed` ones. */
export type HasEntries = (table: RowTable, action: string) => boolean;

async function entriesOf(tx: AnyDatabase, unit: ReturningRows): Promise<HasEntries> {
  const found = await execute<{ name: string; action: string; changed: boolean }>(
    tx,
    `select j.table_name as name, j.action, bool_or(j.after is not null) as changed from ${ledger.rows} j where ${ofUnit('j', unit)} group by 1, 2`,
  );
  const kinds = new Set(
    found.rows.flatMap(({ name, action, changed }) => [
      `any ${name}`,
      `${action} ${name}`,
      ...(changed ? [`changed ${name}`] : []),
    ]),
  );
  return ({ name }, action) => kinds.has(`${action} ${name}`);
}

/** The tables in which something is written down of the unit, or where its tenants have rows that end or go along. */
async function concernedTables(
  tx: AnyDatabase,
  model: RowModel,
  unit: ReturningRows,
  has: HasEntries,
): Promise<RowModel> {
  const tenants = `array[${[unit.oldTenantId, ...unit.ending].map(quoteLiteral).join(', ')}]::uuid[]`;
  const { moved, gone } = unit.members;
  const names = new Set<string>();
  for (const table of model.tables) {
    const ofMembers = table.references.some(({ parent }) => parent === membersName) && moved.length + gone.length > 0;
    if (ofMembers || has(table, 'any')) names.add(table.name);
  }
  const others = model.tables.filter(
    ({ name, library }) => !names.has(name) && (unit.ending.length > 0 || (library !== null && unit.memberless)),
  );
  if (others.length > 0) {
    const parts = others.map(
      (table) =>
        `select ${quoteLiteral(table.name)} as name where exists (select from ${table.sql} x where x.${table.column} = any(${tenants}))`,
    );
    const found = await execute<{ name: string }>(tx, parts.join('\nunion all '));
    for (const { name } of found.rows) names.add(name);
  }
  // What refers to a row that goes back may have been made since.
  for (let more = true; more; ) {
    more = false;
    for (const table of model.tables) {
      if (names.has(table.name) || !table.references.some(({ parent }) => names.has(parent))) continue;
      names.add(table.name);
      more = true;
    }
  }
  const tables = model.tables.filter(({ name }) => names.has(name));
  return { ...model, tables, people: [...model.people, ...model.tables.filter(({ name }) => !names.has(name))] };
}

async function keptRows(tx: AnyDatabase, table: RowTable, text: string): Promise<KeptRow[]> {
  const found = await execute<{ key: string; row: unknown; reason: string }>(tx, text);
  return found.rows.map(({ key, row, reason }) => ({ table: table.name, key, row, reason }));
}

/** Finds the rows that go back: those that came, and those that were made since and belong to them. */
async function gather(tx: AnyDatabase, model: RowModel, unit: ReturningRows, has: HasEntries): Promise<void> {
  for (const table of model.tables) {
    if (!has(table, 'move')) continue;
    await execute(
      tx,
      `insert into pg_temp.retenant_back (table_name, tenant_id, key, since)
select ${quoteLiteral(table.name)}, j.new_tenant_id, j.new_key, false from ${ledger.rows} j join ${table.sql} x on ${rowAfterEntry(table, 'x', 'j')}
where ${ofUnit('j', unit)} and ${ofTable('j', table)} and j.action = 'move' on conflict do nothing`,
    );
  }
  const members = unit.members.moved.map(({ tenantId, id }) => ({ tenant_id: tenantId, key: id }));
  await execute(
    tx,
    `insert into pg_temp.retenant_back (table_name, tenant_id, key, since)
select ${quoteLiteral(membersName)}, r.tenant_id, r.key, false from jsonb_to_recordset($1::jsonb) as r (tenant_id uuid, key text) on conflict do nothing`,
    [JSON.stringify(members)],
  );
  await execute(tx, 'analyze pg_temp.retenant_back');
  for (let found = -1; found !== 0; ) {
    found = 0;
    for (const table of model.tables) {
      found += (await execute(tx, sinceSql(model, table, unit))).affected;
    }
  }
}

const isBack = (table: RowTable, tenant: string, key: string): string =>
  `exists (select from pg_temp.retenant_back k where ${ofTable('k', table)} and k.tenant_id = ${tenant} and k.key = ${key})`;

/** Rows that were made since: those of tenants that end, and those that refer to a row that goes and to none that stays. */
function sinceSql(model: RowModel, table: RowTable, unit: ReturningRows): string {
  const ending = `x.${table.column} = any(array[${unit.ending.map(quoteLiteral).join(', ')}]::uuid[])`;
  const below = table.references.map((reference) => {
    const parent = tableOf(model, reference.parent);
    const on = reference.columns.map(
      (name, place) => `x.${quoteIdentifier(name)} = q.${quoteIdentifier(reference.parentColumns[place] ?? '')}`,
    );
    return `union select x.ctid, x.tableoid from pg_temp.retenant_back k
  join ${parent.sql} q on q.${parent.column} = k.tenant_id and ${keyEquals(parent.key, 'q', 'k.key')}
  join ${table.sql} x on x.${table.column} = q.${parent.column} and ${on.join(' and ')} where ${ofTable('k', parent)}`;
  });
  const stays = table.references.map((reference) => staysSql(reference, tableOf(model, reference.parent), table, unit));
  const belongs = stays.length === 0 ? 'false' : `not (${stays.join(' or ')})`;
  // What a unit brought goes back with that unit.
  return `with candidate (row_at, row_in) as materialized (
  select x.ctid, x.tableoid from ${table.sql} x where ${ending}
  ${below.join('\n  ')}
), fresh as materialized (
  select x.ctid as row_at, x.tableoid as row_in from candidate c join ${table.sql} x on x.ctid = c.row_at and x.tableoid = c.row_in
  left join lateral (select true as known from ${ledger.rows} j where j.retenanting = ${quoteLiteral(unit.retenanting)} and ${ofTable('j', table)}
    and j.new_tenant_id = x.${table.column} and j.new_key = ${keyOfRow(table, 'x')} and j.action in ('move', 'copy') limit 1) as j on true
  where j.known is null
) insert into pg_temp.retenant_back (table_name, tenant_id, key, since)
select ${quoteLiteral(table.name)}, x.${table.column}, ${keyOfRow(table, 'x')}, true
from fresh f join ${table.sql} x on x.ctid = f.row_at and x.tableoid = f.row_in
where x.${table.column} <> ${quoteLiteral(unit.oldTenantId)}::uuid and (${ending} or ${belongs}) on conflict do nothing`;
}

/** Whether a reference leads to a row of the same tenant that stays, and that no copy or loser stands for in the old one. */
function staysSql(reference: RowReference, parent: RowTable, table: RowTable, unit: ReturningRows): string {
  const key = parentKey(reference, parent, 'x');
  const on = reference.columns.map(
    (name, place) => `q.${quoteIdentifier(reference.parentColumns[place] ?? '')} = x.${quoteIdentifier(name)}`,
  );
  const known = `exists (select from ${ledger.rows} p where ${ofUnit('p', unit)} and ${ofTable('p', parent)} and p.new_tenant_id = x.${table.column} and p.new_key = ${key})`;
  return `exists (select from ${parent.sql} q where q.${parent.column} = x.${table.column} and ${on.join(' and ')})
      and not ${isBack(parent, `x.${table.column}`, key)} and not ${known}`;
}

/** A row that took something over says again what it said, and what was written since. Amounts lose what was added. */
function unchangeSql(table: RowTable, unit: ReturningRows, which: 'staying' | 'winning'): string {
  const sums = new Set(
    table.uniques.flatMap(({ policy }) => (typeof policy !== 'string' && 'sum' in policy ? policy.sum : [])),
  );
  const columns = table.columns.filter(
    ({ name, generated }) => !generated && !table.key.some((part) => part.name === name),
  );
  if (columns.length === 0) return 'select 1';
  const sets = columns.map(({ name }) => {
    const own = quoteIdentifier(name);
    const since = sums.has(name)
      ? `coalesce(x.${own}, 0) - (coalesce(a.${own}, 0) - coalesce(b.${own}, 0))`
      : `x.${own}`;
    return `${own} = case when j.after -> ${quoteLiteral(name)} is null then x.${own} when x.${own}::text is not distinct from a.${own}::text then b.${own} else ${since} end`;
  });
  return `update ${table.sql} x set ${sets.join(', ')}
from ${ledger.rows} j cross join lateral json_populate_record(null::${table.sql}, j.after) as a
  cross join lateral json_populate_record(null::${table.sql}, j.before) as b
where ${ofUnit('j', unit)} and ${ofTable('j', table)} and j.action = 'change'
  and j.old_tenant_id::text ${which === 'staying' ? '=' : '<>'} j.unit and ${rowAfterEntry(table, 'x', 'j')}`;
}

/** Rows go back and lost ones are made again in one statement, at whose end every foreign key holds. */
async function moveBack(tx: AnyDatabase, model: RowModel): Promise<number> {
  const found = await execute<{ name: string; back: boolean; lost: boolean; aside: boolean }>(
    tx,
    `select table_name as name, bool_or(not lost and place is null) as back, bool_or(lost and place is null) as lost,
  bool_or(not lost and place is not null) as aside from pg_temp.retenant_back where old_tenant_id is not null group by 1`,
  );
  const of = new Map(found.rows.map((row) => [row.name, row]));
  const parts = model.tables.flatMap((table, place) => {
    const has = of.get(table.name);
    return [
      ...(has?.back ? [{ name: `moved_${place}`, counts: table.library === null, sql: backSql(table) }] : []),
      ...(has?.lost ? [{ name: `lost_${place}`, counts: table.library === null, sql: lostSql(table) }] : []),
      ...(has?.aside ? [{ name: `aside_${place}`, counts: false, sql: asideSql(table) }] : []),
    ];
  });
  if (parts.length === 0) return 0;
  const counts = parts.flatMap(({ name, counts: counted }) => (counted ? [`(select count(*) from ${name})`] : []));
  const moved = await execute<{ rows: string }>(
    tx,
    `with ${parts.map(({ name, sql }) => `${name} as (${sql} returning 1)`).join(',\n')} select (${['0', ...counts].join(' + ')})::text as rows`,
  );
  return Number(moved.rows[0]?.rows ?? 0);
}

function backSql(table: RowTable): string {
  const sets = restoredColumns(table).map((name) => {
    const own = quoteIdentifier(name);
    return `${own} = (json_populate_record(x, k.image)).${own}`;
  });
  return `update ${table.sql} x set ${[`${table.column} = k.old_tenant_id`, ...sets].join(', ')}
from pg_temp.retenant_back k where ${ofTable('k', table)} and not k.lost and k.place is null
  and x.${table.column} = k.tenant_id and ${keyEquals(table.key, 'x', 'k.key')}`;
}

const asideSql = (table: RowTable): string =>
  `delete from ${table.sql} x using pg_temp.retenant_back k where ${ofTable('k', table)} and not k.lost and k.place is not null
  and x.${table.column} = k.tenant_id and ${keyEquals(table.key, 'x', 'k.key')}`;

function lostSql(table: RowTable): string {
  const columns = table.columns.filter(({ generated }) => !generated).map(({ name }) => quoteIdentifier(name));
  return `insert into ${table.sql} (${[table.column, ...columns].join(', ')}) overriding system value
select k.old_tenant_id, ${columns.map((name) => `b.${name}`).join(', ')} from pg_temp.retenant_back k
cross join lateral json_populate_record(null::${table.sql}, k.image) as b
where ${ofTable('k', table)} and k.lost and k.place is null`;
}

/** A copy goes, unless somebody at a tenant that stays refers to it. */
function dropCopiesSql(model: RowModel, table: RowTable, unit: ReturningRows): string {
  return `delete from ${table.sql} x using ${ledger.rows} j where ${ofUnit('j', unit)} and ${ofTable('j', table)} and j.action = 'copy'
  and ${rowAfterEntry(table, 'x', 'j')} and not (${usedSql(model, table)})`;
}

/**
 * Refuses to leave rows with a tenant that ends, or that refer across tenants.
 *
 * @throws TenantryError `migration_conflict`.
 */
async function refuseLeft(tx: AnyDatabase, model: RowModel, unit: ReturningRows): Promise<void> {
  for (const table of model.tables) {
    for (const reference of table.references) {
      const parent = tableOf(model, reference.parent);
      const on = reference.columns.map(
        (name, place) => `p.${quoteIdentifier(reference.parentColumns[place] ?? '')} = x.${quoteIdentifier(name)}`,
      );
      const found = await execute<{ key: string }>(
        tx,
        `select ${keyOfRow(table, 'x')} as key from ${table.sql} x join ${parent.sql} p on ${on.join(' and ')}
where (x.${table.column} = ${quoteLiteral(unit.oldTenantId)}::uuid or p.${parent.column} = ${quoteLiteral(unit.oldTenantId)}::uuid)
  and x.${table.column} <> p.${parent.column}
  and not exists (select from ${parent.sql} p where p.${parent.column} = x.${table.column} and ${on.join(' and ')})
  and ${parent.globalKey ? 'true' : 'false'} limit 10`,
      );
      if (found.rows.length === 0) continue;
      throw new TenantryError('migration_conflict', {
        migration: unit.retenanting,
        table: table.name,
        rows: found.rows.length,
        keys: found.rows.map(({ key }) => key),
        remedy: `Since the move they refer to rows of "${parent.name}" that do not go back with them: let them refer to others, and roll back again.`,
      });
    }
  }
}
