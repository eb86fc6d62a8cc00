import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import { type Change, isOf } from './draft.ts';
import { keyColumns, type People, type TableName, tableNames } from './rows.ts';

/**
 * Reads the rows that a journal tells of, under the keys before and after, and all rows of the tenants that are to end or
 * to be converted back.
 */
export async function loadJournalled(
  tx: AnyDatabase,
  changes: readonly Change[],
  tenantIds: readonly string[],
  whole: readonly string[],
): Promise<People> {
  const parts = tableNames.map((table) => `'${table}', (${rowsText(table)})`);
  const keys = Object.fromEntries(
    tableNames.map((table) => {
      const rows = changes.flatMap(({ table: of, before, after }) => (of === table ? [before, after] : []));
      return [table, rows.filter((row) => row !== null)];
    }),
  );
  const made = changes.flatMap((change) =>
    isOf(change, 'members') && change.before === null && change.after !== null ? [change.after] : [],
  );
  await execute(
    tx,
    `select count(*) from (select k.id from jsonb_populate_recordset(null::tenantry.api_keys, $1::jsonb) r
join tenantry.api_keys k on k.tenant_id = r.tenant_id and k.id = r.id order by k.tenant_id, k.id for update of k) as locked`,
    [JSON.stringify(keys.api_keys)],
  );
  const found = await execute<{ people: string }>(
    tx,
    `select jsonb_build_object('rows', jsonb_build_object(${parts.join(', ')}), 'seated', (
  select coalesce(jsonb_object_agg(i.tenant_id, (select count(*) from tenantry.members m
    where m.tenant_id = i.tenant_id and m.status in ('active', 'pending') and not m.seat_exempt)), '{}') from unnest($3::uuid[]) as i (tenant_id)
))::text as people`,
    [JSON.stringify({ ...keys, made }), whole, tenantIds],
  );
  const read: People = JSON.parse(found.rows[0]?.people ?? '{}');
  return read;
}

/** What hangs on a member whom the unit made, and may have been made since. */
const below: { readonly [Table in TableName]?: string } = {
  api_keys: 'x.member_id',
  member_grants: 'x.member_id',
};

function rowsText(table: TableName): string {
  const same = keyColumns[table].map((column) => `x.${column} = r.${column}`).join(' and ');
  return `select coalesce(jsonb_agg(to_jsonb(y) - 'facts'), '[]') from (
    select x.* from jsonb_populate_recordset(null::tenantry.${table}, $1::jsonb -> '${table}') r join tenantry.${table} x on ${same}
    union select * from tenantry.${table} where tenant_id = any($2::uuid[])${
      below[table] === undefined
        ? ''
        : `\n    union select x.* from jsonb_populate_recordset(null::tenantry.members, $1::jsonb -> 'made') m
      join tenantry.${table} x on x.tenant_id = m.tenant_id and ${below[table]} = m.id`
    }) as y`;
}
