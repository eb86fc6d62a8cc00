import type { AnyDatabase } from '../../database/index.ts';
import { execute } from '../sql-text.ts';
import { type RetenantingStage, readRetenanting, readUnits } from './store.ts';

/** Where a re-tenanting stands. */
export interface RetenantingStatus {
  readonly retenanting: string;
  readonly stage: RetenantingStage;
  readonly unitsDone: number;
  readonly unitsTotal: number;
  /** Rows that units which are done moved. */
  readonly rows: number;
  /** The tenant whose turn it is; null when none is left. */
  readonly next: string | null;
  /** Tenants that are in maintenance because their rows are being moved. */
  readonly held: readonly string[];
  /** Who works on it at this moment. */
  readonly holder: string | null;
  /** Rows that ways back kept. */
  readonly kept: number;
}

/**
 * Tells where a re-tenanting stands, from its own record alone.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { retenantingStatus } from 'tenantry/migrate';
 *
 * async function look(db: Kysely<Record<string, never>>): Promise<void> {
 *   console.log(await retenantingStatus(db, 'acme-buys-beta'));
 * }
 * ```
 */
export async function retenantingStatus(db: AnyDatabase, retenanting: string): Promise<RetenantingStatus> {
  const stored = await readRetenanting(db, retenanting);
  const units = stored === undefined ? [] : await readUnits(db, retenanting);
  const done = units.filter(({ stage }) => stage === 'done');
  const kept = await execute<{ rows: string }>(
    db,
    'select count(*)::text as rows from tenantry.retenant_kept where retenanting = $1',
    [retenanting],
  );
  return {
    retenanting,
    stage: stored?.stage ?? 'none',
    unitsDone: done.length,
    unitsTotal: units.length,
    rows: done.reduce((sum, { rows }) => sum + rows, 0),
    next: units.find(({ stage }) => stage !== 'done' && stage !== 'returned')?.unit.oldTenantId ?? null,
    held: units.flatMap(({ stage, unit }) =>
      ['planned', 'done', 'returned'].includes(stage) ? [] : [unit.oldTenantId],
    ),
    holder: stored?.holder ?? null,
    kept: Number(kept.rows[0]?.rows ?? 0),
  };
}
