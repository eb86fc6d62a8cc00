import { setTimeout as wait } from 'node:timers/promises';
import { TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { execute } from '../sql-text.ts';
import type { UnitProgress } from './store.ts';
import type { RetenantingUnit } from './units.ts';

type Statuses = NonNullable<UnitProgress['statuses']>;

/** The tenants that a unit concerns. */
export const tenantsOfUnit = ({ oldTenantId, targets }: RetenantingUnit): string[] => [
  ...new Set([oldTenantId, ...targets.map(({ tenantId }) => tenantId)]),
];

/** Closes tenants for as long as their rows move, and gives how each of them stood. */
export async function holdTenants(tx: AnyDatabase, tenantIds: readonly string[]): Promise<Statuses> {
  const found = await execute<{ tenant_id: string; status: string }>(
    tx,
    'select tenant_id, status from tenantry.tenants where tenant_id = any($1::uuid[]) order by tenant_id for update',
    [[...tenantIds]],
  );
  await execute(
    tx,
    `update tenantry.tenants set status = 'maintenance', entitlement_revision = entitlement_revision + 1 where tenant_id = any($1::uuid[])`,
    [[...tenantIds]],
  );
  return Object.fromEntries(found.rows.map(({ tenant_id, status }) => [tenant_id, status]));
}

/** Opens tenants again, each as it is to stand. */
export async function releaseTenants(tx: AnyDatabase, statuses: Statuses): Promise<void> {
  await execute(
    tx,
    `update tenantry.tenants t set status = s.value, entitlement_revision = entitlement_revision + 1
from jsonb_each_text($1::jsonb) as s where t.tenant_id = s.key::uuid and t.status = 'maintenance'`,
    [JSON.stringify(statuses)],
  );
}

/**
 * Waits until every transaction has ended that was writing when the tenants were closed: it may hold a row that it changed
 * before, or have looked at the tenant when it was still open.
 *
 * @throws TenantryError `migration_step_failed` when one stays open for longer than `patience` milliseconds.
 */
export async function waitForWriters(db: AnyDatabase, migration: string, patience: number): Promise<void> {
  const mark = await execute<{ mark: string }>(db, 'select pg_snapshot_xmax(pg_current_snapshot())::text as mark');
  for (let waited = 0; ; waited += 20) {
    const ended = await execute<{ ended: boolean }>(
      db,
      'select pg_snapshot_xmin(pg_current_snapshot())::text::numeric >= $1::numeric as ended',
      [mark.rows[0]?.mark ?? '0'],
    );
    if (ended.rows[0]?.ended === true) return;
    if (waited >= patience) break;
    await wait(20);
  }
  const open = await execute<{ pids: string | null }>(
    db,
    `select string_agg(a.pid::text, ', ' order by a.xact_start) as pids from pg_stat_activity a where a.backend_xid is not null and a.pid <> pg_backend_pid()`,
  );
  throw new TenantryError('migration_step_failed', {
    migration,
    step: 'wait for writers',
    sql: 'select pg_snapshot_xmin(pg_current_snapshot())',
    sqlstate: '55P03',
    reason: `Transactions of pid ${open.rows[0]?.pids ?? 'unknown'} are open for long.`,
    remedy: 'End them and run it again; it goes on from here.',
  });
}
