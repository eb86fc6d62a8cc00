import type { AnyDatabase } from '../../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { execute } from '../../sql-text.ts';
import { keyOfRow, type Ledger, ofTable, ofUnits, rowOfEntry } from './row-sql.ts';
import type { RowTable, RowUnique } from './table.ts';
import { uniquePart } from './unique-part.ts';

/** Units that were to be done together bring rows that cannot stand side by side: they must be done one after another. */
class UnitsMeet extends Error {}

/**
 * Looks for rows of several units that meet each other at one target. Amounts are added up, in the order of the units, as
 * if each had been done by itself; anything else is left to be done one after another. False where none meet.
 *
 * @throws UnitsMeet
 */
export async function settleTogether(
  tx: AnyDatabase,
  table: RowTable,
  unique: RowUnique,
  at: Ledger,
  params: readonly [string, readonly string[]],
): Promise<boolean> {
  const parts = unique.parts.map((part) => uniquePart(table, part, 'x', 'j'));
  const asked = [
    ...(unique.nullsEqual ? [] : parts.map((part) => `${part} is not null`)),
    ...(unique.condition === null ? [] : [uniquePart(table, unique.condition, 'x', 'j')]),
  ];
  const from = `from ${at.rows} j join ${table.sql} x on ${rowOfEntry(table, 'x', 'j')}`;
  const where = [`${ofUnits('j')} and ${ofTable('j', table)} and j.action in ('move', 'copy')`, ...asked].join(' and ');
  const tuple = `jsonb_build_array(${parts.join(', ')})`;
  const met = await execute(
    tx,
    `select 1 ${from} where ${where} group by j.new_tenant_id, ${tuple} having count(distinct j.unit) > 1 limit 1`,
    params,
  );
  if (met.rows.length === 0) return false;
  const { policy } = unique;
  if (typeof policy === 'string' || !('sum' in policy)) throw new UnitsMeet(`rows of "${table.name}" meet`);
  const equal = unique.nullsEqual ? 'is not distinct from' : '=';
  const same = unique.parts.map((part, place) => `${uniquePart(table, part, 'o', null)} ${equal} ${parts[place]}`);
  const about = unique.condition === null ? [] : [uniquePart(table, unique.condition, 'o', null)];
  const on = [`o.${table.column} = j.new_tenant_id`, ...same, ...about].join(' and ');
  await execute(
    tx,
    `select count(*) from (select from ${table.sql} o join (select distinct o.ctid as row_at, o.tableoid as row_in ${from} join ${table.sql} o on ${on}
  where ${where}) m on o.ctid = m.row_at and o.tableoid = m.row_in for update of o) as locked`,
    params,
  );
  const amount = (alias: string, name: string): string => `coalesce(${alias}.${quoteIdentifier(name)}::numeric, 0)`;
  const sums = policy.sum.map((name, place) => ({ name, own: `own_${place}`, after: `after_${place}` }));
  const told = (which: 'before' | 'after'): string =>
    `json_build_object(${sums.map(({ name, own, after }) => `${quoteLiteral(name)}, ${which === 'after' ? after : `${after} - ${own}`}`).join(', ')})`;
  await execute(
    tx,
    `with movers as materialized (
  select j.retenanting, j.unit, j.table_name, j.old_tenant_id, j.old_key, j.new_tenant_id, j.new_key, row_to_json(x) as row,
    case when o.${table.column} is not null then ${keyOfRow(table, 'o')} end as standing, ${tuple} as tuple, u.position,
    ${sums.map(({ name, own }, place) => `${amount('x', name)} as ${own}, case when o.${table.column} is null then 0 else ${amount('o', name)} end as base_${place}`).join(', ')}
  ${from} join ${at.units} u on u.retenanting = j.retenanting and u.unit = j.unit left join ${table.sql} o on ${on}
  where ${where}
), ranked as materialized (
  select m.*, row_number() over w as place, coalesce(m.standing, first_value(m.new_key) over w) as winner,
    ${sums.map(({ own, after }, place) => `m.base_${place} + sum(m.${own}) over w as ${after}`).join(', ')}
  from movers m window w as (partition by m.new_tenant_id, m.tuple order by m.position, m.old_key)
), losers as materialized (select * from ranked where standing is not null or place > 1),
changed as (
  insert into ${at.rows} (retenanting, unit, table_name, old_tenant_id, old_key, new_tenant_id, new_key, action, before, after)
  select l.retenanting, l.unit, l.table_name, l.new_tenant_id, l.winner, l.new_tenant_id, l.winner, 'change',
    (array_agg(${told('before')} order by l.place))[1], (array_agg(${told('after')} order by l.place desc))[1]
  from losers l group by l.retenanting, l.unit, l.table_name, l.new_tenant_id, l.winner
) update ${at.rows} j set action = 'join', new_key = l.winner, before = l.row, part = 0 from losers l
where j.retenanting = l.retenanting and j.unit = l.unit and j.table_name = l.table_name and j.old_tenant_id = l.old_tenant_id
  and j.old_key = l.old_key and j.new_tenant_id = l.new_tenant_id and j.action = 'move'`,
    params,
  );
  // A row that moves and is added to is not what it was: what it was is written down.
  await execute(
    tx,
    `update ${at.rows} j set before = row_to_json(x) from ${table.sql} x, ${at.rows} l
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action = 'move' and j.before is null and ${rowOfEntry(table, 'x', 'j')}
  and ${ofUnits('l')} and ${ofTable('l', table)} and l.action = 'join' and l.new_tenant_id = j.new_tenant_id and l.new_key = j.new_key`,
    params,
  );
  return true;
}
