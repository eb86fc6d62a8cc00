import type { AnyDatabase } from '../../../database/index.ts';
import { quoteLiteral } from '../../../database/isolation-sql.ts';
import { execute } from '../../sql-text.ts';
import type { RetenantingUnit } from '../units.ts';
import type { RowModel } from './table.ts';

/**
 * The model without the tables in which the old tenants have no rows: most tenants have rows in few tables, and each table
 * costs several round trips. Ask it once nobody else can write for the tenants.
 */
export async function filledTables(
  db: AnyDatabase,
  model: RowModel,
  units: readonly Pick<RetenantingUnit, 'oldTenantId' | 'targets'>[],
): Promise<RowModel> {
  if (model.tables.length === 0) return model;
  const old = units.map(({ oldTenantId }) => oldTenantId);
  const all = [...old, ...units.flatMap(({ targets }) => targets.map(({ tenantId }) => tenantId))];
  // Who comes as a member may be invited there.
  const parts = model.tables.map(
    ({ name, sql, column }) =>
      `select ${quoteLiteral(name)} as name where exists (select from ${sql} where ${column} = any(${name === 'tenantry.invitations' ? '$2' : '$1'}::uuid[]))`,
  );
  const found = await execute<{ name: string }>(
    db,
    `${parts.join('\nunion all ')}\nunion all select '' where $1::uuid[] = $2::uuid[]`,
    [old, all],
  );
  const filled = new Set(found.rows.map(({ name }) => name));
  const tables = model.tables.filter(({ name }) => filled.has(name));
  const others = model.tables.filter(({ name }) => !filled.has(name));
  return { ...model, tables, people: [...model.people, ...others] };
}
