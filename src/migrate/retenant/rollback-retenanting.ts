import { type Clock, systemClock, TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { releaseLease, takeLease } from '../run/lease.ts';
import { type RunnerSettings, runnerName, runnerSettings } from '../run/session.ts';
import type { AnyRetenanting } from './definition.ts';
import { removeGuard } from './guard.ts';
import type { KeptRow } from './people/index.ts';
import { returnUnit } from './return-unit.ts';
import { readRowModel } from './rows/read-tables.ts';
import { inPiece, openSession } from './run-session.ts';
import { forgetUnits, readRetenanting, readUnits, setRetenantingStage } from './store.ts';

/** Options of {@link rollbackRetenanting}. */
export interface RollbackRetenantingOptions extends RunnerSettings {
  readonly clock?: Clock;
}

/** What {@link rollbackRetenanting} did. */
export interface ReturnedRetenanting {
  readonly retenanting: string;
  readonly stage: 'rolled-back';
  /** Units that this call returned. */
  readonly units: number;
  readonly rows: number;
  /** What was written since and stands elsewhere now, or has no place; also in `tenantry.retenant_kept`. */
  readonly kept: readonly KeptRow[];
}

/**
 * Takes a re-tenanting back, the last unit first: every row, member and key is again where and what it was, with what was
 * written to it since. Rows that were made since go along when they belong to one that goes or when their tenant ends; other
 * rows of a target stay with it. It can be killed and called again.
 *
 * @throws TenantryError `migration_not_found`; `migration_stage_invalid` when it was finished; `migration_conflict` when
 * rows refer since to rows that do not go back; `migration_running`, `migration_lease_lost`, `migration_step_failed`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { type AnyRetenanting, applyRetenanting, rollbackRetenanting, verifyRetenanting } from 'tenantry/migrate';
 *
 * async function run(db: Kysely<Record<string, never>>, retenanting: AnyRetenanting): Promise<void> {
 *   await applyRetenanting(db, retenanting);
 *   const { failed } = await verifyRetenanting(db, retenanting);
 *   if (failed > 0) await rollbackRetenanting(db, retenanting);
 * }
 * ```
 */
export async function rollbackRetenanting(
  db: AnyDatabase,
  definition: AnyRetenanting,
  { clock = systemClock, ...settings }: RollbackRetenantingOptions = {},
): Promise<ReturnedRetenanting> {
  const { name } = definition;
  return db.connection().execute(async (connection: AnyDatabase) => {
    const stored = await readRetenanting(connection, name);
    if (stored === undefined) throw new TenantryError('migration_not_found', { migration: name });
    if (stored.stage === 'finished') {
      const problem = 'it was finished, and what the way back needs is gone';
      throw new TenantryError('migration_stage_invalid', { migration: name, stage: stored.stage, problem });
    }
    const model = await readRowModel(connection, definition);
    const lease = await takeLease(connection, name, runnerName(), runnerSettings(settings).leasePatience);
    try {
      const session = await openSession(connection, model, lease, settings);
      await inPiece(session, 'rolling-back', (tx) => setRetenantingStage(tx, name, 'rolling-back'));
      const kept: KeptRow[] = [];
      let units = 0;
      let rows = 0;
      const free = model.tables.some(({ triggers }) => triggers.length > 0);
      for (const { unit, stage } of (await readUnits(connection, name)).toReversed()) {
        if (stage === 'planned' || stage === 'returned') continue;
        const done = await inPiece(session, `return ${unit.unit}`, (tx) => returnUnit(tx, model, unit, clock()), {
          free,
        });
        kept.push(...done.kept);
        rows += done.rows;
        units += 1;
      }
      await inPiece(session, 'rolled-back', async (tx) => {
        await setRetenantingStage(tx, name, 'rolled-back');
        await removeGuard(tx, model);
        await forgetUnits(tx, name);
      });
      return { retenanting: name, stage: 'rolled-back', units, rows, kept };
    } finally {
      await releaseLease(connection, lease).catch(() => undefined);
    }
  });
}
