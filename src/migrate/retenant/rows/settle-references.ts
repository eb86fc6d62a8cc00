import type { AnyDatabase } from '../../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { execute } from '../../sql-text.ts';
import { keyOfRow, type Ledger, ofTable, ofUnits, parentKey, referringValue, rowOfEntry } from './row-sql.ts';
import { type RowModel, type RowReference, type RowTable, tableOf } from './table.ts';

/** References that would lead to a row of another tenant. */
export interface CrossingReference {
  readonly table: string;
  readonly columns: string;
  readonly parent: string;
  readonly policy: 'fail' | 'clear';
  readonly rows: number;
  readonly samples: readonly string[];
}

type Params = readonly [string, readonly string[]];

/** Rewrites references to rows of the `renamed` tables that have another key at the target: to a copy, to the row that stayed, to a new number. */
export async function rewriteReferences(
  tx: AnyDatabase,
  model: RowModel,
  table: RowTable,
  at: Ledger,
  params: Params,
  renamed: ReadonlySet<string>,
): Promise<void> {
  for (const reference of table.references) {
    if (!renamed.has(reference.parent)) continue;
    await execute(tx, rewriteSql(table, reference, tableOf(model, reference.parent), at), params);
    if (table.key.some(({ name }) => reference.columns.includes(name))) await execute(tx, rekeySql(table, at), params);
  }
}

/** Looks for references that would lead to another tenant, and empties them where that is said. */
export async function settleCrossings(
  tx: AnyDatabase,
  model: RowModel,
  table: RowTable,
  at: Ledger,
  params: Params,
): Promise<CrossingReference[]> {
  const crossings: CrossingReference[] = [];
  for (const reference of table.references) {
    const parent = tableOf(model, reference.parent);
    const policy = reference.nullable ? reference.crossing : 'fail';
    for (const side of [leavingSql, stayingSql]) {
      const found = await execute<{ rows: string; samples: string[] | null }>(
        tx,
        `with crossing as (${side(table, reference, parent, at)})
select count(*)::text as rows, (select array_agg(key) from (select key from crossing order by key limit 10) as s) as samples from crossing`,
        params,
      );
      const rows = Number(found.rows[0]?.rows ?? 0);
      if (rows === 0) continue;
      const columns = reference.columns.join(', ');
      crossings.push({
        table: table.name,
        columns,
        parent: parent.name,
        policy,
        rows,
        samples: found.rows[0]?.samples ?? [],
      });
    }
    if (policy === 'clear' && crossings.some(({ columns }) => columns === reference.columns.join(', '))) {
      for (const statement of clearSql(table, reference, parent, at)) await execute(tx, statement, params);
    }
  }
  return crossings;
}

/** Where the parent of row `x` of entry `j` stands at the same target. */
const parentEntry = (reference: RowReference, parent: RowTable, at: Ledger): string =>
  `select p.old_key, p.new_key from ${at.rows} p where p.retenanting = j.retenanting and p.unit = j.unit and ${ofTable('p', parent)}
    and p.old_tenant_id = j.old_tenant_id and p.old_key = ${parentKey(reference, parent, 'x')} and p.new_tenant_id = j.new_tenant_id`;

function rewriteSql(table: RowTable, reference: RowReference, parent: RowTable, at: Ledger): string {
  const values = reference.columns.map(
    (column) => `${quoteLiteral(column)}, ${referringValue(reference, parent, column, 'p.new_key')}`,
  );
  return `update ${at.rows} j set before = coalesce(j.before, row_to_json(x)),
  after = (coalesce(j.after::jsonb, '{}') || jsonb_build_object(${values.join(', ')}))::json
from ${table.sql} x, ${at.rows} p
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action in ('move', 'copy') and ${rowOfEntry(table, 'x', 'j')}
  and p.retenanting = j.retenanting and p.unit = j.unit and ${ofTable('p', parent)} and p.old_tenant_id = j.old_tenant_id
  and p.old_key = ${parentKey(reference, parent, 'x')} and p.new_tenant_id = j.new_tenant_id and p.new_key <> p.old_key`;
}

/** A row whose key holds what it refers to has another key then. */
export function rekeySql(table: RowTable, at: Ledger): string {
  const values = table.key.map(
    ({ name, type }) =>
      `case when j.after -> ${quoteLiteral(name)} is null then x.${quoteIdentifier(name)} else (j.after ->> ${quoteLiteral(name)})::${type} end`,
  );
  const key = values.length === 1 ? `(${values[0]})::text` : `jsonb_build_array(${values.join(', ')})::text`;
  return `update ${at.rows} j set new_key = ${key} from ${table.sql} x
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action ${table.globalKey ? `= 'move'` : `in ('move', 'copy')`}
  and j.after is not null and ${rowOfEntry(table, 'x', 'j')}`;
}

/** A reference that leads to a row of the old tenant. One that leads nowhere is as bad as before. */
const hasParent = (reference: RowReference, parent: RowTable, tenant: string): string => {
  const on = reference.columns.map(
    (name, place) => `q.${quoteIdentifier(reference.parentColumns[place] ?? '')} = x.${quoteIdentifier(name)}`,
  );
  return `exists (select from ${parent.sql} q where q.${parent.column} = ${tenant} and ${on.join(' and ')})`;
};

/** Rows that leave while what they refer to does not go there too. */
function leavingSql(table: RowTable, reference: RowReference, parent: RowTable, at: Ledger): string {
  return `select j.old_key as key, j.retenanting, j.unit, j.new_tenant_id from ${at.rows} j join ${table.sql} x on ${rowOfEntry(table, 'x', 'j')}
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action in ('move', 'copy')
  and ${hasParent(reference, parent, 'j.old_tenant_id')} and not exists (${parentEntry(reference, parent, at)})`;
}

/** Rows that stay while what they refer to leaves. */
function stayingSql(table: RowTable, reference: RowReference, parent: RowTable, at: Ledger): string {
  return `select ${keyOfRow(table, 'x')} as key, p.retenanting, p.unit, x.${table.column} as tenant_id from ${at.rows} p
join ${table.sql} x on x.${table.column} = p.old_tenant_id and ${parentKey(reference, parent, 'x')} = p.old_key
where ${ofUnits('p')} and ${ofTable('p', parent)} and p.action in ('move', 'join')
  and not exists (select from ${at.rows} j where j.retenanting = p.retenanting and j.unit = p.unit and ${ofTable('j', table)}
    and j.old_tenant_id = x.${table.column} and j.old_key = ${keyOfRow(table, 'x')} and j.action in ('move', 'join'))`;
}

function clearSql(table: RowTable, reference: RowReference, parent: RowTable, at: Ledger): string[] {
  const nothing = `jsonb_build_object(${reference.columns.flatMap((name) => (isNullable(table, name) ? [`${quoteLiteral(name)}, null`] : [])).join(', ')})`;
  return [
    `with crossing as (${leavingSql(table, reference, parent, at)})
update ${at.rows} j set before = coalesce(j.before, row_to_json(x)), after = (coalesce(j.after::jsonb, '{}') || ${nothing})::json
from crossing c, ${table.sql} x
where j.retenanting = c.retenanting and j.unit = c.unit and ${ofTable('j', table)} and j.old_key = c.key
  and j.new_tenant_id = c.new_tenant_id and ${rowOfEntry(table, 'x', 'j')}`,
    `with crossing as (${stayingSql(table, reference, parent, at)})
insert into ${at.rows} (retenanting, unit, table_name, old_tenant_id, old_key, new_tenant_id, new_key, action, before, after)
select c.retenanting, c.unit, ${quoteLiteral(table.name)}, c.tenant_id, c.key, c.tenant_id, c.key, 'change', row_to_json(x), ${nothing}::json
from crossing c join ${table.sql} x on x.${table.column} = c.tenant_id and ${keyOfRow(table, 'x')} = c.key
on conflict (retenanting, unit, table_name, old_tenant_id, old_key, new_tenant_id) do update
  set after = (retenant_rows.after::jsonb || excluded.after::jsonb)::json`,
  ];
}

function isNullable(table: RowTable, name: string): boolean {
  return table.columns.some((column) => column.name === name && !column.notNull);
}
