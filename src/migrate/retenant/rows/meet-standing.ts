import type { AnyDatabase } from '../../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { keyEquals } from '../../model.ts';
import { execute } from '../../sql-text.ts';
import type { KeptRow } from '../people/index.ts';
import type { HasEntries } from './return-rows.ts';
import { ofUnit, type ReturningRows, restoredColumns } from './returning.ts';
import { keyOfRow, ledger, ofTable, parentKey, referringValue, rowOfEntry } from './row-sql.ts';
import { type RowModel, type RowReference, type RowTable, type RowUnique, tableOf } from './table.ts';
import { uniquePart } from './unique-part.ts';

/**
 * Works out what each row will be that goes back or is made again, and looks for rows that were made since where it
 * stood. A suffix or a number lets both stand, as on the way there. Otherwise what was made since stays, and the row is
 * set aside and told of; what referred to it refers to the one in its place.
 */
export async function meetStanding(
  tx: AnyDatabase,
  model: RowModel,
  unit: ReturningRows,
  has: HasEntries,
): Promise<KeptRow[]> {
  const found = await execute<{ name: string }>(tx, 'select distinct table_name as name from pg_temp.retenant_back');
  const back = new Set(found.rows.map(({ name }) => name));
  for (const table of model.tables) {
    if (back.has(table.name)) {
      await execute(tx, lockSql(table));
      await execute(tx, imageSql(model, table, unit));
    }
    if (has(table, 'join') || has(table, 'drop')) await execute(tx, lostImageSql(table, unit));
  }
  await execute(
    tx,
    `update pg_temp.retenant_back set old_tenant_id = ${quoteLiteral(unit.oldTenantId)}::uuid where image is not null`,
  );
  const standing = await standingTables(tx, model, unit);
  const kept: KeptRow[] = [];
  for (const table of model.tables) {
    if (!standing.has(table.name)) continue;
    for (const reference of table.references) await execute(tx, referSql(model, table, reference));
    for (const unique of table.uniques) {
      const found = await execute<{ key: string; row: unknown }>(tx, settleSql(table, unique, unit));
      const reason =
        typeof unique.policy !== 'string' && ('suffix' in unique.policy || 'renumber' in unique.policy)
          ? 'its place was taken since: it has another one'
          : 'its place was taken since';
      kept.push(...found.rows.map(({ key, row }) => ({ table: table.name, key, row, reason })));
    }
  }
  return kept;
}

/** The tables in which the old tenant has rows or rows were made since, and those that refer to them. */
async function standingTables(tx: AnyDatabase, model: RowModel, unit: ReturningRows): Promise<ReadonlySet<string>> {
  const parts = model.tables.map(
    (table) =>
      `select ${quoteLiteral(table.name)} as name where exists (select from ${table.sql} x where x.${table.column} = ${quoteLiteral(unit.oldTenantId)}::uuid)
  or exists (select from pg_temp.retenant_back k where ${ofTable('k', table)} and k.since)`,
  );
  if (parts.length === 0) return new Set();
  const found = await execute<{ name: string }>(tx, parts.join('\nunion all '));
  const names = new Set(found.rows.map(({ name }) => name));
  for (const { name, references } of model.tables) {
    if (references.some(({ parent }) => names.has(parent))) names.add(name);
  }
  return names;
}

/** Who writes to a row that goes back is waited for, so that nothing of it is overwritten. */
const lockSql = (table: RowTable): string =>
  `select count(*) from (select from pg_temp.retenant_back k join ${table.sql} x on x.${table.column} = k.tenant_id and ${keyEquals(table.key, 'x', 'k.key')}
  where ${ofTable('k', table)} for update of x) as locked`;

/** What changes in a row that goes back, beside its tenant. */
function imageSql(model: RowModel, table: RowTable, unit: ReturningRows): string {
  const parts = restoredColumns(table).map((name) => {
    const own = quoteIdentifier(name);
    const reference = table.references.find(({ columns }) => columns.includes(name));
    const now =
      reference === undefined ? `x.${own}` : againSql(table, reference, tableOf(model, reference.parent), name, unit);
    return `${quoteLiteral(name)}, case when j.after -> ${quoteLiteral(name)} is not null and x.${own}::text is not distinct from a.${own}::text then b.${own} else ${now} end`;
  });
  return `update pg_temp.retenant_back k set image = m.image, final = ${keyOfRow(table, 'm.i').replaceAll('m.i.', '(m.i).')}
from (select f.*, json_populate_record(f.x, f.image) as i from (
  select k.tenant_id, k.key, x, json_build_object(${parts.join(', ')}) as image from pg_temp.retenant_back k
  join ${table.sql} x on x.${table.column} = k.tenant_id and ${keyEquals(table.key, 'x', 'k.key')}
  left join ${ledger.rows} j on ${ofUnit('j', unit)} and ${ofTable('j', table)} and j.new_tenant_id = k.tenant_id and j.new_key = k.key and j.action = 'move'
  left join lateral json_populate_record(null::${table.sql}, j.after) as a on true
  left join lateral json_populate_record(null::${table.sql}, j.before) as b on true
  where ${ofTable('k', table)}) as f) as m
where ${ofTable('k', table)} and k.tenant_id = m.tenant_id and k.key = m.key`;
}

function lostImageSql(table: RowTable, unit: ReturningRows): string {
  return `insert into pg_temp.retenant_back (table_name, tenant_id, key, since, lost, image, final)
select ${quoteLiteral(table.name)}, j.old_tenant_id, j.old_key, false, true, j.before, j.old_key from ${ledger.rows} j
where ${ofUnit('j', unit)} and ${ofTable('j', table)} and j.action in ('join', 'drop') and j.before is not null
  and not exists (select from ${table.sql} x where ${rowOfEntry(table, 'x', 'j')} and to_jsonb(x)::text = to_jsonb(json_populate_record(null::${table.sql}, j.before))::text)
on conflict do nothing`;
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

/** Rows that go back, as they will be, with what they are now. */
const images = (table: RowTable): string =>
  `pg_temp.retenant_back k left join ${table.sql} x on not k.lost and x.${table.column} = k.tenant_id and ${keyEquals(table.key, 'x', 'k.key')}
  cross join lateral json_populate_record(x, k.image) as i`;

/** What referred to a row that is set aside refers to the one in its place. */
function referSql(model: RowModel, table: RowTable, reference: RowReference): string {
  const parent = tableOf(model, reference.parent);
  const values = reference.columns.map(
    (column) => `${quoteLiteral(column)}, ${referringValue(reference, parent, column, 'p.place')}`,
  );
  return `update pg_temp.retenant_back b set image = (b.image::jsonb || jsonb_build_object(${values.join(', ')}))::json
from ${images(table)}, pg_temp.retenant_back p
where ${ofTable('k', table)} and b.table_name = k.table_name and b.tenant_id = k.tenant_id and b.key = k.key
  and ${ofTable('p', parent)} and p.place is not null and p.final = ${parentKey(reference, parent, 'i')}`;
}

/**
 * Settles rows that would meet one that stands, or each other, and gives what they are: of several that come back what was
 * there before goes first. Amounts are added up.
 */
function settleSql(table: RowTable, unique: RowUnique, unit: ReturningRows): string {
  const old = `${quoteLiteral(unit.oldTenantId)}::uuid`;
  const { policy } = unique;
  const part = (row: string, text: string): string => uniquePart(table, text, row, null);
  const tuple = (row: string): string => `jsonb_build_array(${unique.parts.map((text) => part(row, text)).join(', ')})`;
  const own = unique.parts.map((text) => part('i', text));
  const asked = [
    ...(unique.nullsEqual ? [] : own.map((value) => `${value} is not null`)),
    ...(unique.condition === null ? [] : [part('i', unique.condition)]),
  ];
  const equal = unique.nullsEqual ? 'is not distinct from' : '=';
  const same = unique.parts.map((text, place) => `${part('o', text)} ${equal} ${own[place]}`);
  const about = unique.condition === null ? [] : [part('o', unique.condition)];
  const met = `images as materialized (select k.tenant_id, k.key, to_jsonb(i) as row, case when o.${table.column} is not null then ${keyOfRow(table, 'o')} end as standing, ${keyOfRow(table, 'i')} as final,
  row_number() over w as place, first_value(k.tenant_id) over w as first_tenant, first_value(k.key) over w as first_key
from ${images(table)} left join ${table.sql} o on ${[`o.${table.column} = ${old}`, ...same, ...about].join(' and ')}
where ${[`${ofTable('k', table)} and k.place is null and k.image is not null`, ...asked].join(' and ')}
window w as (partition by ${tuple('i')} order by not k.lost, k.since, k.tenant_id, k.key)
), met as materialized (
  select m.*, coalesce(m.standing, f.final) as winner from images m join images f on f.tenant_id = m.first_tenant and f.key = m.first_key
  where m.standing is not null or m.place > 1)`;
  const entry = `${ofTable('b', table)} and b.tenant_id = m.tenant_id and b.key = m.key`;
  const aside = `settled as (update pg_temp.retenant_back b set place = m.winner from met m where ${entry})`;
  if (typeof policy !== 'string' && 'sum' in policy) {
    const total = (name: string): string => `sum(coalesce((m.row ->> ${quoteLiteral(name)})::numeric, 0))`;
    const totals = policy.sum.map((name) => `${total(name)} as ${quoteIdentifier(name)}`).join(', ');
    const typeOf = (name: string): string => table.columns.find((column) => column.name === name)?.type ?? 'numeric';
    const added = (name: string, base: string): string =>
      `(coalesce(${base}::numeric, 0) + s.${quoteIdentifier(name)})::${typeOf(name)}`;
    const whole = policy.sum
      .map((name) => `${quoteLiteral(name)}, ${added(name, `(f.row ->> ${quoteLiteral(name)})`)}`)
      .join(', ');
    return `with ${met}, sums as (select m.first_tenant, m.first_key, ${totals} from met m where m.standing is null group by 1, 2), raised as (
  update pg_temp.retenant_back b set image = (b.image::jsonb || jsonb_build_object(${whole}))::json
  from sums s join images f on f.tenant_id = s.first_tenant and f.key = s.first_key
  where ${ofTable('b', table)} and b.tenant_id = s.first_tenant and b.key = s.first_key
), sums_standing as (select m.standing, ${totals} from met m where m.standing is not null group by 1), added as (
  update ${table.sql} o set ${policy.sum.map((name) => `${quoteIdentifier(name)} = ${added(name, `o.${quoteIdentifier(name)}`)}`).join(', ')}
  from sums_standing s where o.${table.column} = ${old} and ${keyEquals(table.key, 'o', 's.standing')}
), ${aside} select null::text as key, null::jsonb as row where false`;
  }
  if (typeof policy !== 'string' && ('suffix' in policy || 'renumber' in policy)) {
    const column = 'suffix' in policy ? policy.suffix : policy.renumber;
    const value = quoteIdentifier(column);
    const type = table.columns.find(({ name }) => name === column)?.type ?? 'text';
    const was = `(m.row ->> ${quoteLiteral(column)})`;
    const taken = (tenant: string, next: string): string =>
      `exists (select from ${table.sql} o where o.${table.column} = ${tenant} and o.${value} = ${next})`;
    const highest = (tenant: string): string =>
      `coalesce((select max(o.${value}) from ${table.sql} o where o.${table.column} = ${tenant}), 0)`;
    const order = `row_number() over (partition by ${was} order by m.key)`;
    const next =
      'suffix' in policy
        ? `(select ${was} || '-' || n from generate_series(2, 1000000) as n
    where not ${taken(old, `(${was} || '-' || n)::${type}`)} and not ${taken('m.tenant_id', `(${was} || '-' || n)::${type}`)}
    offset m.later limit 1)`
        : `greatest(${highest(old)}, ${highest('m.tenant_id')}) + m.later + 1`;
    const later = 'suffix' in policy ? `${order} - 1` : 'row_number() over (order by m.key) - 1';
    return `with ${met}, ordered as (select m.*, ${later} as later from met m), named as (select m.*, ${next} as next from ordered m), settled as (
  update pg_temp.retenant_back b set image = (b.image::jsonb || jsonb_build_object(${quoteLiteral(column)}, m.next))::json from named m where ${entry}
) select key, row from met`;
  }
  const silent = table.library !== null && (policy === 'keepTarget' || table.name === 'tenantry.rate_limits');
  return `with ${met}, ${aside} select key, row from met${silent ? ' where false' : ''}`;
}
