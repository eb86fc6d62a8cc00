import { setTimeout as wait } from 'node:timers/promises';
import { TenantryError } from '../../core/index.ts';
import { type AnyDatabase, inTransaction } from '../../database/index.ts';
import { sqlstateOf } from '../../database/install.ts';
import { execute } from '../sql-text.ts';

/** The right of one runner to work on a migration. */
export interface Lease {
  readonly migration: string;
  readonly holder: string;
  /** Counts up with every holder; what an earlier holder still tries to write is refused. */
  readonly token: number;
}

/** How long a lease lasts without a sign of life. Every step and batch renews it in its own transaction. */
const leaseSeconds = 15;

interface LeaseRow {
  readonly lease_token: string | number;
  readonly holder: string | null;
  readonly lease_until: Date | null;
}

/**
 * Takes the lease of a migration. A lease is free when nobody holds it, when the holder's connection is gone, or when it
 * ran out and the holder's connection does nothing. The server may need a moment to notice that a killed holder is gone,
 * so it is asked for up to `patience` milliseconds.
 *
 * @throws TenantryError `migration_running` when another runner holds it.
 */
export async function takeLease(db: AnyDatabase, migration: string, holder: string, patience: number): Promise<Lease> {
  for (let waited = 0; ; waited += 100) {
    const token = await tryLease(db, migration, holder);
    if (token !== undefined) return { migration, holder, token };
    const held = await execute<LeaseRow>(
      db,
      'select lease_token, holder, lease_until from tenantry.migrations where name = $1',
      [migration],
    );
    const other = held.rows[0];
    if (other === undefined) throw new TenantryError('migration_not_found', { migration });
    if (waited >= patience) {
      const until = other.lease_until?.toISOString() ?? 'a moment ago';
      throw new TenantryError('migration_running', { migration, holder: other.holder ?? 'another runner', until });
    }
    await wait(100);
  }
}

/** One try; a holder in the middle of a step has the row locked, which is a refusal too. */
async function tryLease(db: AnyDatabase, migration: string, holder: string): Promise<number | undefined> {
  try {
    return await inTransaction(db, undefined, async (tx) => {
      await execute(tx, `set local lock_timeout = 500`);
      const taken = await execute<LeaseRow>(
        tx,
        `update tenantry.migrations m set holder = $2, holder_pid = pg_backend_pid(), lease_token = lease_token + 1,
  lease_until = clock_timestamp() + interval '${leaseSeconds} seconds'
where name = $1 and (holder is null
  or not exists (select 1 from pg_stat_activity a where a.pid = m.holder_pid and a.datname = current_database())
  or (lease_until < clock_timestamp()
    and not exists (select 1 from pg_stat_activity a where a.pid = m.holder_pid and a.state = 'active' and a.pid <> pg_backend_pid())))
returning lease_token, holder, lease_until`,
        [migration, holder],
      );
      return taken.rows[0] === undefined ? undefined : Number(taken.rows[0].lease_token);
    });
  } catch (error) {
    if (sqlstateOf(error) === '55P03') return undefined;
    throw error;
  }
}

/**
 * Renews the lease inside the transaction of a step, before anything is written. The row stays locked until that
 * transaction ends, so no other runner can take over in its middle.
 *
 * @throws TenantryError `migration_lease_lost` when another runner took over.
 */
export async function renewLease(tx: AnyDatabase, lease: Lease): Promise<void> {
  const renewed = await execute(
    tx,
    `update tenantry.migrations set lease_until = clock_timestamp() + interval '${leaseSeconds} seconds'
where name = $1 and lease_token = $2::bigint and holder = $3 returning 1`,
    [lease.migration, lease.token, lease.holder],
  );
  if (renewed.rows.length === 1) return;
  const other = await execute<{ holder: string | null }>(tx, 'select holder from tenantry.migrations where name = $1', [
    lease.migration,
  ]);
  throw new TenantryError('migration_lease_lost', {
    migration: lease.migration,
    holder: other.rows[0]?.holder ?? 'nobody',
  });
}

/** Gives the lease back, unless another runner has it by now. */
export async function releaseLease(db: AnyDatabase, lease: Lease): Promise<void> {
  await execute(
    db,
    `update tenantry.migrations set holder = null, holder_pid = null, lease_until = null
where name = $1 and lease_token = $2::bigint and holder = $3`,
    [lease.migration, lease.token, lease.holder],
  );
}
