import { type Clock, isTenantryError, type SecretBox, systemClock, TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { releaseLease, takeLease } from '../run/lease.ts';
import { type RunnerSettings, runnerName, runnerSettings, type Session } from '../run/session.ts';
import { applyLargeUnit, rowsUpTo, type UnitSettings } from './apply-large-unit.ts';
import { type AppliedUnits, applyUnits } from './apply-unit.ts';
import type { AnyRetenanting } from './definition.ts';
import { retenantingFingerprint, shapesOf } from './fingerprint.ts';
import { installGuard } from './guard.ts';
import type { PeopleDecision } from './people/index.ts';
import type { RetenantingPlan } from './plan.ts';
import { planRetenanting, refuseConflicts } from './plan-retenanting.ts';
import { resolveUnits } from './resolve-units.ts';
import { readRowModel } from './rows/read-tables.ts';
import { ledger } from './rows/row-sql.ts';
import type { RowModel } from './rows/table.ts';
import { inPiece, openSession } from './run-session.ts';
import {
  forgetUnits,
  type RetenantingStage,
  readRetenanting,
  readUnits,
  type StoredUnit,
  setRetenantingStage,
  storeRetenanting,
} from './store.ts';
import { storeUnits } from './store-units.ts';

/** What a runner tells after each unit. */
export interface RetenantingProgress {
  /** The tenant that was changed. */
  readonly tenantId: string;
  /** Rows of it that moved. */
  readonly rows: number;
  readonly unitsDone: number;
  readonly unitsTotal: number;
  /** Seconds left, if the units left are like those before. */
  readonly secondsLeft: number;
}

/** Options of {@link applyRetenanting}. */
export interface ApplyRetenantingOptions extends RunnerSettings {
  /** The plan that was looked at; the tables must still be as they were then. A new one is made when absent. */
  readonly plan?: RetenantingPlan;
  /**
   * Units of more rows move in batches, and their tenants are in maintenance meanwhile; smaller ones move in one
   * transaction, for which writers wait. 5,000 rows when absent.
   */
  readonly largeUnit?: number;
  /** Rows of a batch; 5,000 when absent. */
  readonly batchSize?: number;
  /** Is called after each unit, and must return at once. */
  readonly onProgress?: (progress: RetenantingProgress) => void;
  /** Who does it, for the record; the runner's host and process when absent. */
  readonly actor?: string;
  readonly clock?: Clock;
  /** What seals the secrets of the tenants' webhooks; they are sealed for their tenant, and must be sealed anew. */
  readonly secrets?: SecretBox;
}

/** What {@link applyRetenanting} did. */
export interface AppliedRetenanting {
  readonly retenanting: string;
  readonly stage: RetenantingStage;
  /** Units that this call did; those of an earlier call are not done again. */
  readonly units: number;
  /** Rows that this call moved. */
  readonly rows: number;
  /** What a person should look at: who was demoted, which subscription is to be ended at the provider. */
  readonly decisions: readonly PeopleDecision[];
  readonly seconds: number;
}

/**
 * Does a re-tenanting, or goes on with one that was interrupted: tenant by tenant, the people and the rows of each in one
 * transaction, together with others that share no tenant with it, or in batches where its rows are many. Each unit proves before it is committed that nothing was lost or doubled.
 * The process may be killed at any moment and the call repeated.
 *
 * A guard stands on the tables from then on: whoever writes for a tenant that moved meanwhile writes to where it is, or is
 * refused, until {@link finishRetenanting} takes the guard and the way back away.
 *
 * @throws TenantryError everything that `planRetenanting` throws, and `migration_conflict`, `migration_drifted`,
 * `migration_stage_invalid`, `migration_running`, `migration_lease_lost`, `migration_step_failed`,
 * `migration_verify_failed`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { type AnyRetenanting, applyRetenanting, verifyRetenanting } from 'tenantry/migrate';
 *
 * async function run(db: Kysely<Record<string, never>>, retenanting: AnyRetenanting): Promise<void> {
 *   const { units, rows } = await applyRetenanting(db, retenanting);
 *   const { failed } = await verifyRetenanting(db, retenanting);
 *   console.log(units, rows, failed);
 * }
 * ```
 */
export async function applyRetenanting(
  db: AnyDatabase,
  definition: AnyRetenanting,
  {
    plan: given,
    largeUnit = 5000,
    batchSize = 5000,
    onProgress = () => undefined,
    actor,
    clock = systemClock,
    secrets,
    ...settings
  }: ApplyRetenantingOptions = {},
): Promise<AppliedRetenanting> {
  const begun = clock().getTime();
  const { name } = definition;
  return db.connection().execute(async (connection: AnyDatabase) => {
    const model = await readRowModel(connection, definition);
    const agreed = await agreedPlan(connection, definition, model, given, { actor, clock, secrets });
    const lease = await takeLease(connection, name, runnerName(), runnerSettings(settings).leasePatience);
    try {
      const session = await openSession(connection, model, lease, settings);
      await begin(session, definition, model, agreed);
      const decisions: PeopleDecision[] = [];
      let units = 0;
      let rows = 0;
      for (;;) {
        const all = await readUnits(connection, name);
        const open = all.filter(({ stage }) => stage !== 'done');
        if (open.length === 0 && (await moreUnits(session, definition, model, all)) === 0) break;
        const started = clock().getTime();
        const done = all.length - open.length;
        for (let place = 0; place < open.length; ) {
          const { some, large } = await nextUnits(session.db, model, open.slice(place, place + unitsAtOnce), largeUnit);
          const applied = await runUnits(session, definition, model, some, { large, batchSize, clock, secrets });
          decisions.push(...applied.decisions);
          for (const { unit } of some) {
            place += 1;
            const moved = applied.rows.get(unit.unit) ?? 0;
            rows += moved;
            units += 1;
            onProgress({
              tenantId: unit.oldTenantId,
              rows: moved,
              unitsDone: done + place,
              unitsTotal: all.length,
              secondsLeft: ((clock().getTime() - started) / 1000 / place) * (open.length - place),
            });
          }
        }
      }
      await inPiece(session, 'moved', (tx) => setRetenantingStage(tx, name, 'moved'));
      return { retenanting: name, stage: 'moved', units, rows, decisions, seconds: (clock().getTime() - begun) / 1000 };
    } finally {
      await releaseLease(connection, lease).catch(() => undefined);
    }
  });
}

/** The plan to be begun; undefined when the re-tenanting was begun already and its units are written down. */
async function agreedPlan(
  db: AnyDatabase,
  definition: AnyRetenanting,
  model: RowModel,
  given: RetenantingPlan | undefined,
  {
    actor,
    clock,
    secrets,
  }: { readonly actor: string | undefined; readonly clock: Clock; readonly secrets: SecretBox | undefined },
): Promise<RetenantingPlan | undefined> {
  const { name } = definition;
  const stored = await readRetenanting(db, name);
  const definitionHash = retenantingFingerprint(db, definition);
  const refused = (problem: string): TenantryError =>
    new TenantryError('migration_stage_invalid', { migration: name, stage: stored?.stage ?? 'planned', problem });
  if (stored?.stage === 'rolling-back') throw refused('a rollback was begun; finish it first');
  if (stored?.stage === 'moving' || stored?.stage === 'moved') {
    if (stored.definitionHash !== definitionHash)
      throw refused('the definition changed since it was begun; roll back first');
    return undefined;
  }
  if (given !== undefined && given.definitionHash !== definitionHash)
    throw refused('the definition changed since the plan');
  const shapes = shapesOf(model);
  const tables =
    given === undefined ? [] : Object.keys(shapes).filter((table) => given.catalogue[table] !== shapes[table]);
  if (tables.length > 0) {
    throw new TenantryError('migration_drifted', {
      migration: name,
      tables,
      remedy: 'Look at what changed, and make a new plan.',
    });
  }
  const plan = given ?? (await planRetenanting(db, definition, { clock, secrets }));
  refuseConflicts(name, plan.conflicts);
  await storeRetenanting(db, { name, definitionHash, planHash: plan.hash, actor: actor ?? runnerName() });
  return plan;
}

/** Writes the units down and puts the guard up, once. */
async function begin(
  session: Session,
  { name }: AnyRetenanting,
  model: RowModel,
  plan: RetenantingPlan | undefined,
): Promise<void> {
  const stored = await readRetenanting(session.db, name);
  if (stored?.stage === 'moving' || stored?.stage === 'moved') return;
  if (plan === undefined) throw new TenantryError('migration_not_found', { migration: name });
  await inPiece(session, 'begin', async (tx) => {
    await forgetUnits(tx, name);
    await storeUnits(tx, name, plan.units, ledger);
    await installGuard(tx, model);
    await setRetenantingStage(tx, name, 'moving');
  });
}

/** Tenants that the application made since under the strategy before. */
async function moreUnits(
  session: Session,
  definition: AnyRetenanting,
  model: RowModel,
  all: readonly StoredUnit[],
): Promise<number> {
  if (!definition.changes.some(({ kind }) => kind === 'every')) return 0;
  const units = await resolveUnits(
    session.db,
    definition,
    model,
    all.map(({ unit }) => unit),
  );
  if (units.length > 0) await inPiece(session, 'more', (tx) => storeUnits(tx, definition.name, units, ledger));
  return units.length;
}

/** Units that are done in one transaction at most, for which writers of their tenants wait. */
const unitsAtOnce = 100;

/** The units that come next: a large one alone, or small ones that can be done together. */
async function nextUnits(
  db: AnyDatabase,
  model: RowModel,
  open: readonly StoredUnit[],
  largeUnit: number,
): Promise<{ readonly some: readonly StoredUnit[]; readonly large: boolean }> {
  const apart = unitsApart(open, model.memberless);
  const rows = await rowsUpTo(
    db,
    model,
    apart.map(({ unit }) => unit),
    largeUnit,
  );
  const some: StoredUnit[] = [];
  let sum = 0;
  for (const one of apart) {
    const own = rows.get(one.unit.oldTenantId) ?? 0;
    const large = one.stage !== 'planned' || own > largeUnit;
    if (large && some.length === 0) return { some: [one], large: true };
    if (large || (sum + own > largeUnit && some.length > 0)) break;
    sum += own;
    some.push(one);
  }
  return { some, large: false };
}

/**
 * The first units that may be done together: none of them shares a tenant with another, but for a target that has no
 * members.
 */
function unitsApart(open: readonly StoredUnit[], memberless: boolean): StoredUnit[] {
  const left = new Set<string>();
  const reached = new Set<string>();
  const apart: StoredUnit[] = [];
  for (const one of open) {
    const { oldTenantId } = one.unit;
    const targets = one.unit.targets.map(({ tenantId }) => tenantId);
    const meets = targets.some((tenantId) => left.has(tenantId) || (!memberless && reached.has(tenantId)));
    if (meets || left.has(oldTenantId) || reached.has(oldTenantId)) break;
    left.add(oldTenantId);
    for (const tenantId of targets) reached.add(tenantId);
    apart.push(one);
  }
  return apart;
}

async function runUnits(
  session: Session,
  definition: AnyRetenanting,
  model: RowModel,
  some: readonly StoredUnit[],
  { large, batchSize, clock, secrets }: UnitSettings & { readonly large: boolean },
): Promise<AppliedUnits> {
  const [first] = some;
  if (first === undefined) throw new TypeError('there is a unit to be done');
  if (large) {
    const { rows, decisions } = await applyLargeUnit(session, definition, model, first, {
      batchSize,
      clock,
      secrets,
    });
    return { rows: new Map([[first.unit.unit, rows]]), decisions };
  }
  const free = model.tables.some(({ triggers }) => triggers.length > 0);
  const run = (units: readonly StoredUnit[]): Promise<AppliedUnits> => {
    const id = units.map(({ unit }) => unit.unit).join(' ');
    const given = units.map(({ unit }) => unit);
    return inPiece(session, id, (tx) => applyUnits(tx, definition, model, given, { now: clock(), secrets }), { free });
  };
  try {
    return await run(some);
  } catch (error) {
    if (some.length === 1 || isTenantryError(error, 'migration_lease_lost')) throw error;
  }
  // One of them cannot be done, or not with the others: those before it are, and the error tells of it alone.
  const applied: AppliedUnits[] = [];
  for (const one of some) applied.push(await run([one]));
  return {
    rows: new Map(applied.flatMap(({ rows }) => [...rows])),
    decisions: applied.flatMap(({ decisions }) => decisions),
  };
}
