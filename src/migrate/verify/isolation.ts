import { type AnyDatabase, appRole, tenantSetting } from '../../database/index.ts';
import type { OwnTable } from '../model.ts';
import { execute } from '../sql-text.ts';
import { type Checker, none, numbers, type VerifyCheck } from './check.ts';

/**
 * Looks at a table as the application's role does, in a transaction with row-level security: with the tenant with the
 * most rows it must see these and no others, with none it must see nothing.
 */
export async function checkIsolation({ tx, column, done }: Checker, table: OwnTable): Promise<VerifyCheck> {
  const name = 'isolation';
  if (!done.has(`enforce:${table.name}:isolation`)) {
    return { name, table: table.name, status: 'skip', detail: 'row-level security comes with the enforce stage' };
  }
  const busiest = await execute<{ tenant: string; rows: string }>(
    tx,
    `select ${column}::text as tenant, count(*)::text as rows from ${table.sql} group by 1 order by count(*) desc, 1 limit 3`,
  );
  let wrong = 0;
  for (const { tenant, rows } of busiest.rows) {
    const seen = await seenBy(tx, table, column, tenant);
    if (seen.visible !== Number(rows) || seen.foreign_rows !== 0) wrong += 1;
  }
  const nobody = await seenBy(tx, table, column, '');
  if (nobody.visible !== 0) wrong += 1;
  const good = `as ${appRole}: ${busiest.rows.length} tenants see their own rows, nobody sees none`;
  return none(name, table.name, wrong, 'looks through row-level security saw other rows than their own', good);
}

async function seenBy(
  tx: AnyDatabase,
  table: OwnTable,
  column: string,
  tenant: string,
): Promise<Record<'visible' | 'foreign_rows', number>> {
  await execute(tx, `select set_config('${tenantSetting}', $1, true), set_config('role', '${appRole}', true)`, [
    tenant,
  ]);
  try {
    return await numbers<'visible' | 'foreign_rows'>(
      tx,
      `select count(*)::text as visible, count(*) filter (where ${column}::text <> current_setting('${tenantSetting}'))::text as foreign_rows from ${table.sql}`,
    );
  } finally {
    // After an error the transaction is over, and its settings with it; what is told is the error itself.
    await execute(tx, `select set_config('${tenantSetting}', '', true), set_config('role', 'none', true)`).catch(
      () => undefined,
    );
  }
}
