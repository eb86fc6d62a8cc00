import { TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { releaseLease, takeLease } from '../run/lease.ts';
import { type RunnerSettings, runnerName, runnerSettings } from '../run/session.ts';
import type { AnyRetenanting } from './definition.ts';
import { removeGuard } from './guard.ts';
import { readRowModel } from './rows/read-tables.ts';
import { inPiece, openSession } from './run-session.ts';
import { forgetUnits, readRetenanting, setRetenantingStage } from './store.ts';

/**
 * Ends a re-tenanting whose units are all done: takes the guard off the tables, and forgets what the way back needs. Call it
 * once no process holds an old tenant's id any more.
 *
 * @throws TenantryError `migration_not_found`; `migration_stage_invalid` when units are left to be done.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { type AnyRetenanting, finishRetenanting, verifyRetenanting } from 'tenantry/migrate';
 *
 * async function finish(db: Kysely<Record<string, never>>, retenanting: AnyRetenanting): Promise<void> {
 *   const { failed } = await verifyRetenanting(db, retenanting);
 *   if (failed === 0) await finishRetenanting(db, retenanting); // there is no way back from here
 * }
 * ```
 */
export async function finishRetenanting(
  db: AnyDatabase,
  definition: AnyRetenanting,
  settings: RunnerSettings = {},
): Promise<void> {
  const { name } = definition;
  await db.connection().execute(async (connection: AnyDatabase) => {
    const stored = await readRetenanting(connection, name);
    if (stored === undefined) throw new TenantryError('migration_not_found', { migration: name });
    if (stored.stage === 'finished') return;
    if (stored.stage !== 'moved') {
      const problem = 'not all of its units are done: apply it first';
      throw new TenantryError('migration_stage_invalid', { migration: name, stage: stored.stage, problem });
    }
    const model = await readRowModel(connection, definition);
    const lease = await takeLease(connection, name, runnerName(), runnerSettings(settings).leasePatience);
    try {
      const session = await openSession(connection, model, lease, settings);
      await inPiece(session, 'finish', async (tx) => {
        await setRetenantingStage(tx, name, 'finished');
        await removeGuard(tx, model);
        await forgetUnits(tx, name);
      });
    } finally {
      await releaseLease(connection, lease).catch(() => undefined);
    }
  });
}
