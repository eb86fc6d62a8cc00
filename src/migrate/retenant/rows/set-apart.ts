import type { AnyDatabase } from '../../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { execute } from '../../sql-text.ts';
import type { KeptRow } from '../people/index.ts';
import { membersName } from './library-tables.ts';
import type { MemberKey, ReturningRows } from './returning.ts';
import { keyOfRow, ofTable, parentKey } from './row-sql.ts';
import { type RowModel, type RowTable, tableOf } from './table.ts';

/**
 * Takes rows of the library out that were made since and have no place on the way back: those of members who have none,
 * those whose parts go different ways, and those of organizations where the old tenant is none. They are kept whole.
 */
export async function setApart(tx: AnyDatabase, model: RowModel, unit: ReturningRows): Promise<KeptRow[]> {
  const kept: KeptRow[] = [];
  for (const table of model.tables.toReversed()) {
    if (table.library === null) continue;
    const conditions = conditionsOf(model, table, unit);
    if (conditions.length === 0) continue;
    const found = await execute<{ key: string; row: unknown; reason: string }>(
      tx,
      `with apart as (delete from ${table.sql} x where ${conditions.map(({ sql }) => `(${sql})`).join(' or ')}
  returning x.*), gone as (delete from pg_temp.retenant_back k using apart x where ${ofTable('k', table)} and k.tenant_id = x.${table.column} and k.key = ${keyOfRow(table, 'x')})
select ${keyOfRow(table, 'x')} as key, to_jsonb(x) as row, 'made since, and has no place in the old tenant' as reason from apart x`,
    );
    kept.push(...found.rows.map((row) => ({ ...row, table: table.name })));
  }
  return kept;
}

interface Condition {
  readonly sql: string;
}

function conditionsOf(model: RowModel, table: RowTable, unit: ReturningRows): Condition[] {
  const conditions: Condition[] = [];
  if (unit.memberless && table.library?.ofOrganizations === true) {
    const tenants = [unit.oldTenantId, ...unit.ending].map(quoteLiteral).join(', ');
    conditions.push({ sql: `x.${table.column} = any(array[${tenants}]::uuid[])` });
  }
  const back = (one: RowTable, key: string): string =>
    `exists (select from pg_temp.retenant_back k where ${ofTable('k', one)} and k.tenant_id = x.${table.column} and k.key = ${key})`;
  const own = back(table, keyOfRow(table, 'x'));
  for (const reference of table.references) {
    const parent = tableOf(model, reference.parent);
    if (parent.name === membersName && unit.members.gone.length > 0) {
      const column = quoteIdentifier(reference.columns[0] ?? '');
      conditions.push({ sql: `(x.${table.column}, x.${column}) in (${keyList(unit.members.gone)})` });
    }
    if (parent.name !== table.name) {
      conditions.push({ sql: `${back(parent, parentKey(reference, parent, 'x'))} and not ${own}` });
    }
  }
  return conditions;
}

const keyList = (keys: readonly MemberKey[]): string =>
  keys.map(({ tenantId, id }) => `(${quoteLiteral(tenantId)}::uuid, ${quoteLiteral(id)}::uuid)`).join(', ');
