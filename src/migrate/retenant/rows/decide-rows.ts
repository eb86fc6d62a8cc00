import type { AnyDatabase } from '../../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import type { SourceExpression } from '../../definition.ts';
import { execute, expressionText } from '../../sql-text.ts';
import type { OwnRowRule } from '../definition.ts';
import { keyOfRow, type Ledger, leadsToKey, ofTable, ofUnits, parentKey, referringValue } from './row-sql.ts';
import { type RowModel, type RowReference, type RowTable, tableOf } from './table.ts';

/** The one expression that says where a row `x` of a unit `u` goes. The plan counts by it and the run moves by it. */
function targetOfRow(db: AnyDatabase, model: RowModel, table: RowTable, { ways, rows }: Ledger): string {
  const way = (kind: string, value: string): string =>
    `(select w.tenant_id from ${ways} w where w.retenanting = u.retenanting and w.unit = u.unit and w.kind = ${quoteLiteral(kind)} and w.value = ${value})`;
  const value = (expression: SourceExpression): string => valueOfRow(db, table, expression);
  const chosen = `when u.chosen then coalesce(${way(`row:${table.name}`, keyOfRow(table, 'x'))}, `;
  const byRule = (rule: OwnRowRule): string => {
    if (rule.kind === 'user') return `coalesce(${way('user', value(rule.user))}, u.main_tenant_id)`;
    if (rule.kind === 'target') return `coalesce(${way('key', value(rule.target))}, u.main_tenant_id)`;
    if (table.follows === null) return 'u.main_tenant_id';
    if (table.follows.parent === table.name && rule.kind === 'follows') {
      return rule.roots === undefined ? 'u.main_tenant_id' : byRule(rule.roots);
    }
    const parent = tableOf(model, table.follows.parent);
    const key = parentKey(table.follows, parent, 'x');
    const away = `(select j.new_tenant_id from ${rows} j where j.retenanting = u.retenanting and j.unit = u.unit
      and ${ofTable('j', parent)} and j.old_tenant_id = u.old_tenant_id and j.old_key = ${key} and j.action = 'move')`;
    // A parent that stays holds what follows it; one that is not there says nothing.
    return `coalesce(${away}, case when u.stays and ${key} is not null then u.old_tenant_id else u.main_tenant_id end)`;
  };
  const following = table.follows === null || isTree(table) ? 'u.old_tenant_id' : byRule(table.rule);
  return `case when u.targets = 1 and not u.chosen then u.main_tenant_id ${chosen}${following}) else ${byRule(table.rule)} end`;
}

/** A column or SQL of a definition over the row `x`, as text. */
export function valueOfRow(db: AnyDatabase, table: RowTable, expression: SourceExpression): string {
  if (typeof expression === 'string') return `x.${quoteIdentifier(expression)}::text`;
  return `(select (${expressionText(db, expression, table.name)})::text from (select x.*) as ${quoteIdentifier(table.name)})`;
}

/** Holds every row of the old tenants, so that what is decided stays true until the transaction ends. */
export async function lockRows(tx: AnyDatabase, model: RowModel, tenantIds: readonly string[]): Promise<void> {
  for (const table of model.tables) {
    const text = `select count(*) from (select from ${table.sql} x where x.${table.column} = any($1::uuid[]) for update) as locked`;
    await execute(tx, text, [[...tenantIds]]);
  }
}

/** Writes down where each row of one table goes. Rows that stay are not written down. Gives how many go. */
export async function decideRows(
  tx: AnyDatabase,
  model: RowModel,
  table: RowTable,
  at: Ledger,
  params: readonly [string, readonly string[]],
): Promise<number> {
  const key = keyOfRow(table, 'x');
  const first = table.follows !== null && isTree(table) ? ` and (${topOfTree(model, table, table.follows, at)})` : '';
  const decided = await execute(
    tx,
    `insert into ${at.rows} (retenanting, unit, table_name, old_tenant_id, old_key, new_tenant_id, new_key, action)
select u.retenanting, u.unit, ${quoteLiteral(table.name)}, u.old_tenant_id, ${key}, t.tenant_id, ${key}, 'move'
from ${at.units} u join ${table.sql} x on x.${table.column} = u.old_tenant_id
cross join lateral (select ${targetOfRow(tx, model, table, at)} as tenant_id) t
where ${ofUnits('u')} and t.tenant_id <> u.old_tenant_id
  and ${table.rule.kind === 'copied' ? 'not u.chosen and not u.stays' : 'true'}${first}`,
    params,
  );
  if (table.rule.kind === 'copied') await decideCopies(tx, table, at, params);
  const below = first === '' ? 0 : await decideBranches(tx, table, at, params);
  return decided.affected + below;
}

/** Whether the rows of a table follow rows of the same table. */
function isTree({ name, follows }: RowTable): boolean {
  return follows?.parent === name;
}

const chosenWay = (table: RowTable, ways: string): string =>
  `exists (select from ${ways} w where w.retenanting = u.retenanting and w.unit = u.unit and w.kind = ${quoteLiteral(`row:${table.name}`)} and w.value = ${keyOfRow(table, 'x')})`;

/** Rows of a tree `x` that follow none: all rows go where everything goes, or it is a root, or a row that is chosen. */
function topOfTree(model: RowModel, table: RowTable, reference: RowReference, { ways }: Ledger): string {
  const parent = tableOf(model, reference.parent);
  const on = reference.columns.map(
    (name, place) => `q.${quoteIdentifier(reference.parentColumns[place] ?? '')} = x.${quoteIdentifier(name)}`,
  );
  return `(u.targets = 1 and not u.chosen)
    or not exists (select from ${parent.sql} q where q.${parent.column} = u.old_tenant_id and ${on.join(' and ')})
    or (u.chosen and ${chosenWay(table, ways)})`;
}

/** Every other row of a tree goes where the row goes under which it stands, level by level. */
async function decideBranches(
  tx: AnyDatabase,
  table: RowTable,
  at: Ledger,
  params: readonly [string, readonly string[]],
): Promise<number> {
  const { follows: reference } = table;
  if (reference === null) return 0;
  const key = keyOfRow(table, 'x');
  const on = reference.columns.map((name) => {
    const type = table.columns.find((column) => column.name === name)?.type ?? 'text';
    return `x.${quoteIdentifier(name)} = (${referringValue(reference, table, name, 'p.old_key')})::${type}`;
  });
  const under = leadsToKey(reference, table) ? on.join(' and ') : `${parentKey(reference, table, 'x')} = p.old_key`;
  const undecided = `not exists (select from ${at.rows} j where j.retenanting = u.retenanting and j.unit = u.unit and ${ofTable('j', table)}
    and j.old_tenant_id = u.old_tenant_id and j.old_key = ${key})`;
  const insert = (target: string, from: string, where: string): string =>
    `insert into ${at.rows} (retenanting, unit, table_name, old_tenant_id, old_key, new_tenant_id, new_key, action)
select u.retenanting, u.unit, ${quoteLiteral(table.name)}, u.old_tenant_id, ${key}, ${target}, ${key}, 'move'
from ${at.units} u ${from} join ${table.sql} x on x.${table.column} = u.old_tenant_id ${where} and ${undecided} and ${ofUnits('u')}`;
  const branches = insert(
    'p.new_tenant_id',
    `join ${at.rows} p on p.retenanting = u.retenanting and p.unit = u.unit and ${ofTable('p', table)} and p.old_tenant_id = u.old_tenant_id and p.action = 'move'`,
    `and ${under}`,
  );
  let rows = 0;
  for (let found = -1; found !== 0; rows += found) found = (await execute(tx, branches, params)).affected;
  // Rows that stand under each other in a circle have no root, and go where nothing says anything.
  return (
    rows + (await execute(tx, insert('u.main_tenant_id', '', 'and not u.stays and not u.chosen'), params)).affected
  );
}

/** Every other target of a split gets a copy. */
async function decideCopies(
  tx: AnyDatabase,
  table: RowTable,
  at: Ledger,
  params: readonly [string, readonly string[]],
): Promise<void> {
  await execute(
    tx,
    `insert into ${at.rows} (retenanting, unit, table_name, old_tenant_id, old_key, new_tenant_id, new_key, action)
select u.retenanting, u.unit, ${quoteLiteral(table.name)}, u.old_tenant_id, ${keyOfRow(table, 'x')}, w.tenant_id, ${newKey(tx, table, at)}, 'copy'
from ${at.units} u join ${at.ways} w on w.retenanting = u.retenanting and w.unit = u.unit and w.kind = 'place'
join ${table.sql} x on x.${table.column} = u.old_tenant_id
where ${ofUnits('u')} and not u.chosen and w.tenant_id <> u.old_tenant_id
  and w.tenant_id <> case when u.stays then u.old_tenant_id else u.main_tenant_id end`,
    params,
  );
}

/** Rows that are chosen take along a copy of the shared rows to which they refer; children before parents. */
export async function decideNeededCopies(
  tx: AnyDatabase,
  model: RowModel,
  at: Ledger,
  params: readonly [string, readonly string[]],
): Promise<void> {
  for (const child of model.tables.toReversed()) {
    for (const reference of child.references) {
      const parent = tableOf(model, reference.parent);
      if (parent.rule.kind !== 'copied') continue;
      await execute(
        tx,
        `insert into ${at.rows} (retenanting, unit, table_name, old_tenant_id, old_key, new_tenant_id, new_key, action)
select n.retenanting, n.unit, ${quoteLiteral(parent.name)}, n.old_tenant_id, n.key, n.new_tenant_id, ${newKey(tx, parent, at)}, 'copy'
from (select distinct j.retenanting, j.unit, j.old_tenant_id, j.new_tenant_id, ${parentKey(reference, parent, 'x')} as key
  from ${at.rows} j join ${child.sql} x on x.${child.column} = j.old_tenant_id and ${keyOfRow(child, 'x')} = j.old_key
  join ${at.units} u on u.retenanting = j.retenanting and u.unit = j.unit and u.chosen
  where ${ofUnits('j')} and ${ofTable('j', child)}) as n
join ${parent.sql} x on x.${parent.column} = n.old_tenant_id and ${keyOfRow(parent, 'x')} = n.key
on conflict do nothing`,
        params,
      );
    }
  }
}

/** The key of a copy: its own where the tenant is part of the key, a new one where it is not. A plan only counts. */
function newKey(db: AnyDatabase, table: RowTable, at: Ledger): string {
  const [only] = table.key;
  if (!table.globalKey || only === undefined) return keyOfRow(table, 'x');
  if (at.rows.startsWith('pg_temp')) return `'copy of ' || ${keyOfRow(table, 'x')}`;
  if (table.rule.kind === 'copied' && table.rule.newKey !== undefined) {
    return valueOfRow(db, table, table.rule.newKey);
  }
  return only.fresh === null ? 'gen_random_uuid()::text' : `(${only.fresh})::text`;
}
