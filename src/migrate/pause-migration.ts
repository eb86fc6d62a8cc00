import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { runnerName } from './run/session.ts';
import { execute } from './sql-text.ts';
import { readMigration } from './state.ts';

/**
 * Pauses a migration: whatever process applies it finishes the step or batch under way, keeps its place, and waits until
 * {@link resumeMigration}. A migration that nobody applies waits as soon as somebody does. A rollback is not held up.
 *
 * @param by - Who pauses it, for people; this process when absent.
 *
 * @throws TenantryError `migration_not_found`, `schema_missing`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { pauseMigration, resumeMigration } from 'tenantry/migrate';
 *
 * async function duringTheSale(db: Kysely<Record<string, never>>, sale: () => Promise<void>): Promise<void> {
 *   await pauseMigration(db, 'customers-to-organizations', { by: 'the sale' });
 *   await sale();
 *   await resumeMigration(db, 'customers-to-organizations');
 * }
 * ```
 */
export async function pauseMigration(
  db: AnyDatabase,
  migration: string,
  { by = runnerName() }: { readonly by?: string } = {},
): Promise<void> {
  await requireMigration(db, migration);
  await execute(
    db,
    `insert into tenantry.migration_pauses (migration, paused_by, paused_at) values ($1, $2, date_trunc('milliseconds', clock_timestamp()))
on conflict (migration) do nothing`,
    [migration, by],
  );
}

/**
 * Lets a paused migration go on. Gives whether it was paused.
 *
 * @throws TenantryError `migration_not_found`, `schema_missing`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { resumeMigration } from 'tenantry/migrate';
 *
 * async function goOn(db: Kysely<Record<string, never>>): Promise<void> {
 *   const wasPaused = await resumeMigration(db, 'customers-to-organizations');
 *   console.log(wasPaused ? 'it goes on' : 'nobody had paused it');
 * }
 * ```
 */
export async function resumeMigration(db: AnyDatabase, migration: string): Promise<boolean> {
  await requireMigration(db, migration);
  const resumed = await execute(db, 'delete from tenantry.migration_pauses where migration = $1 returning 1', [
    migration,
  ]);
  return resumed.rows.length > 0;
}

/** Reads whether a migration is paused. */
export async function readPause(
  db: AnyDatabase,
  migration: string,
): Promise<{ readonly by: string; readonly since: Date } | null> {
  const found = await execute<{ by: string; since: Date }>(
    db,
    'select paused_by as by, paused_at as since from tenantry.migration_pauses where migration = $1',
    [migration],
  );
  return found.rows[0] ?? null;
}

async function requireMigration(db: AnyDatabase, migration: string): Promise<void> {
  if ((await readMigration(db, migration)) === undefined) throw new TenantryError('migration_not_found', { migration });
}
