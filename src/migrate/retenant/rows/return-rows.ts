import { TenantryError } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { keyEquals } from '../../model.ts';
import { execute } from '../../sql-text.ts';
import type { KeptRow } from '../people/index.ts';
import { keptCopiesSql, keptLostSql, keptSinceSql } from './kept-sql.ts';
import { ofUnit, type ReturningRows, restoredColumns, usedSql } from './returning.ts';
import { keyOfRow, ledger, ofTable, parentKey, referringValue, rowAfterEntry } from './row-sql.ts';
import { type RowModel, type RowReference, type RowTable, tableOf } from './table.ts';

/**
 * Returns the rows of a unit: each is again where and what it was, with what was written to it since. Rows that were made
 * since go along when they belong to one that goes, or when their tenant ends. Gives what has no place, which stays where it
 * is or is only written down.
 */
export async function returnRows(
  tx: AnyDatabase,
  model: RowModel,
  unit: ReturningRows,
): Promise<{ readonly rows: number; readonly kept: KeptRow[] }> {
  await execute(
    tx,
    `create temporary table if not exists retenant_back (table_name text collate "C", tenant_id uuid, key text collate "C",
  since boolean, primary key (table_name, tenant_id, key)) on commit delete rows`,
  );
  await execute(tx, 'delete from pg_temp.retenant_back');
  await gather(tx, model, unit);
  const kept: KeptRow[] = [];
  for (const table of model.tables) {
    for (const text of [keptSinceSql(table, unit), keptLostSql(table, unit)])
      kept.push(...(await keptRows(tx, table, text)));
  }
  for (const table of model.tables) await execute(tx, unchangeSql(table, unit, 'winning'));
  const rows = await moveBack(tx, model, unit);
  for (const table of model.tables) await execute(tx, unchangeSql(table, unit, 'staying'));
  for (const table of model.tables.toReversed()) {
    if (table.rule.kind !== 'copied') continue;
    kept.push(...(await keptRows(tx, table, keptCopiesSql(model, table, unit))));
    await execute(tx, dropCopiesSql(model, table, unit));
  }
  await refuseLeft(tx, model, unit);
  return { rows, kept };
}

async function keptRows(tx: AnyDatabase, table: RowTable, text: string): Promise<KeptRow[]> {
  const found = await execute<{ key: string; row: unknown; reason: string }>(tx, text);
  return found.rows.map(({ key, row, reason }) => ({ table: table.name, key, row, reason }));
}

/** Finds the rows that go back: those that came, and those that were made since and belong to them. */
async function gather(tx: AnyDatabase, model: RowModel, unit: ReturningRows): Promise<void> {
  for (const table of model.tables) {
    await execute(
      tx,
      `insert into pg_temp.retenant_back (table_name, tenant_id, key, since)
select ${quoteLiteral(table.name)}, j.new_tenant_id, j.new_key, false from ${ledger.rows} j join ${table.sql} x on ${rowAfterEntry(table, 'x', 'j')}
where ${ofUnit('j', unit)} and ${ofTable('j', table)} and j.action = 'move' on conflict do nothing`,
    );
  }
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
async function moveBack(tx: AnyDatabase, model: RowModel, unit: ReturningRows): Promise<number> {
  const parts = model.tables.flatMap((table, place) => [
    `moved_${place} as (${backSql(model, table, unit)} returning 1)`,
    `lost_${place} as (${lostSql(table, unit)} returning 1)`,
  ]);
  if (parts.length === 0) return 0;
  const counts = model.tables.map(
    (_, place) => `(select count(*) from moved_${place}) + (select count(*) from lost_${place})`,
  );
  const found = await execute<{ rows: string }>(
    tx,
    `with ${parts.join(',\n')} select (${counts.join(' + ')})::text as rows`,
  );
  return Number(found.rows[0]?.rows ?? 0);
}

function backSql(model: RowModel, table: RowTable, unit: ReturningRows): string {
  const sets = restoredColumns(table).map((name) => {
    const own = quoteIdentifier(name);
    const reference = table.references.find(({ columns }) => columns.includes(name));
    const now =
      reference === undefined ? `x.${own}` : againSql(table, reference, tableOf(model, reference.parent), name, unit);
    return `${own} = case when j.after -> ${quoteLiteral(name)} is not null and x.${own}::text is not distinct from a.${own}::text then b.${own} else ${now} end`;
  });
  return `update ${table.sql} x set ${[`${table.column} = ${quoteLiteral(unit.oldTenantId)}::uuid`, ...sets].join(', ')}
from pg_temp.retenant_back k left join ${ledger.rows} j on ${ofUnit('j', unit)} and ${ofTable('j', table)} and j.new_tenant_id = k.tenant_id
    and j.new_key = k.key and j.action = 'move'
  left join lateral json_populate_record(null::${table.sql}, j.after) as a on true
  left join lateral json_populate_record(null::${table.sql}, j.before) as b on true
where ${ofTable('k', table)} and x.${table.column} = k.tenant_id and ${keyEquals(table.key, 'x', 'k.key')}`;
}

/** What was written since refers to the copy, or to the row that stayed: to the original again. */
function againSql(
  table: RowTable,
  reference: RowReference,
  parent: RowTable,
  name: string,
  unit: ReturningRows,
): string {
  const type = table.columns.find((column) => column.name === name)?.type ?? 'text';
  const own = `x.${quoteIdentifier(name)}`;
  return `coalesce((select (${referringValue(reference, parent, name, 'p.old_key')})::${type} from ${ledger.rows} p where ${ofUnit('p', unit)}
      and ${ofTable('p', parent)} and p.new_tenant_id = k.tenant_id and p.new_key = ${parentKey(reference, parent, 'x')} and p.old_key <> p.new_key
      and p.action <> 'change' order by p.old_key limit 1), ${own})`;
}

function lostSql(table: RowTable, unit: ReturningRows): string {
  const columns = table.columns.filter(({ generated }) => !generated).map(({ name }) => quoteIdentifier(name));
  return `insert into ${table.sql} (${[table.column, ...columns].join(', ')}) overriding system value
select j.old_tenant_id, ${columns.map((name) => `b.${name}`).join(', ')} from ${ledger.rows} j
cross join lateral json_populate_record(null::${table.sql}, j.before) as b
where ${ofUnit('j', unit)} and ${ofTable('j', table)} and j.action = 'join' on conflict do nothing`;
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
