import { createBoundedMap } from '../core/bounded-map.ts';
import { type Clock, type EventSink, type Ids, isUuid, TenantryError } from '../core/index.ts';
import { type AnyDatabase, type CallOptions, createCoalescer } from '../database/index.ts';
import { orUnavailable } from '../database/unavailable.ts';
import type { PlanEvent } from './events.ts';
import { type Batch, found, type Guess, groundOf } from './ground.ts';
import type { PlanCatalogue } from './plan-definitions.ts';
import { dueReservations, settleReservations } from './reservation-store.ts';
import { type EntitlementFacts, readFacts, readManyFacts, seeCounter } from './store.ts';
import { createTake } from './take-many.ts';
import { beginUnits, type Take, takeUnits } from './take-units.ts';
import { createWatch } from './watch-alerts.ts';

/** What the parts of the module share. */
export interface Toolbox {
  readonly db: AnyDatabase;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly events: EventSink<PlanEvent, AnyDatabase> | undefined;
  readonly catalogue: PlanCatalogue;
  readonly history: boolean;
  /** The transaction that a call is part of, if any. */
  joinedOf(options: CallOptions): AnyDatabase | undefined;
  /** Reads what entitlements are computed from. */
  refresh(tenantId: string, joined?: AnyDatabase): Promise<EntitlementFacts>;
  /**
   * Reads it after a change, so that this process goes by it at once; the others notice the revision, and so does this one
   * where the look fails. What was committed is not reported as failed.
   */
  follow(tenantId: string, joined: AnyDatabase | undefined): Promise<void>;
  /** The newest of what is remembered and what callers brought; nothing when its plan is none of the catalogue's. */
  assume(tenantId: string, brought: readonly (EntitlementFacts | undefined)[]): EntitlementFacts | undefined;
  /** What serving needs, but for the wishes. */
  batchOf(tenantId: string, meter: string, now: Date, joined?: AnyDatabase): Omit<Batch, 'asks' | 'assumed'>;
  /** Settles reservations of a meter, or of all, that were over at a moment. */
  expire(handle: AnyDatabase, tenantId: string, meter: string | null, at: Date): Promise<void>;
  /** Looks whether a counter that was lowered crossed a percentage. */
  notice(tenantId: string, meter: string, joined: AnyDatabase | undefined): Promise<void>;
  /** Does work; an error that says that the database cannot be reached becomes one of the library's. */
  typed<Result>(operation: string, work: () => Promise<Result>): Promise<Result>;
  checkTenant(operation: string, tenantId: unknown): void;
  /** Refuses what is no id of a pack, and a pack of a limit. */
  checkPack(operation: string, tenantId: string, meter: string, pack: unknown): void;
  /** Refuses names that no plan has, and those of the other kind. */
  checkMeter(operation: string, tenantId: string, meter: string, only?: 'limit' | 'quota'): void;
}

/** What {@link createToolbox} is made from. */
export interface ToolboxOptions extends Pick<Toolbox, 'db' | 'clock' | 'ids' | 'events' | 'catalogue' | 'history'> {
  readonly remembered: number;
  readonly acrossTenants: boolean;
}

/** Makes what the parts of the module share. */
export function createToolbox(options: ToolboxOptions): Toolbox {
  const { db, clock, catalogue, history, remembered } = options;
  const memory = createBoundedMap<string, EntitlementFacts>(remembered);
  const guesses = createBoundedMap<string, Guess>(remembered);
  const alone: { readonly take: Take; readonly begin: Take } = {
    take: (...call) => takeUnits(db, ...call),
    begin: (...call) => beginUnits(db, ...call),
  };
  const { take, begin } = options.acrossTenants ? createTake(db) : alone;
  const watch = createWatch(options);

  const shareFacts = createCoalescer<string, EntitlementFacts | undefined>({
    run: (_, tenantIds) => readManyFacts(db, tenantIds),
    concurrency: 3,
    maxBatch: 100,
  });

  /** Facts read inside a transaction may never be committed, so they are not remembered. */
  async function refresh(tenantId: string, joined?: AnyDatabase): Promise<EntitlementFacts> {
    const read = joined === undefined ? shareFacts('', tenantId) : readFacts(joined, tenantId);
    const facts = found(await read, tenantId);
    if (!Object.hasOwn(catalogue.plans, facts.plan)) {
      throw new TenantryError('plan_unknown', { plan: facts.plan, known: Object.keys(catalogue.plans) });
    }
    if (joined === undefined) memory.set(tenantId, facts);
    return facts;
  }

  function checkTenant(operation: string, tenantId: unknown): void {
    if (tenantId === undefined || tenantId === null || tenantId === '') {
      throw new TenantryError('tenant_required', { operation });
    }
    if (!isUuid(tenantId)) throw new TenantryError('tenant_not_found', { tenant: String(tenantId) });
  }

  function assume(tenantId: string, brought: readonly (EntitlementFacts | undefined)[]): EntitlementFacts | undefined {
    let newest = memory.get(tenantId);
    for (const facts of brought) {
      if (facts !== undefined && (newest === undefined || facts.revision > newest.revision)) newest = facts;
    }
    return newest !== undefined && Object.hasOwn(catalogue.plans, newest.plan) ? newest : undefined;
  }

  async function expire(handle: AnyDatabase, tenantId: string, meter: string | null, at: Date): Promise<void> {
    const due = await dueReservations(handle, tenantId, meter, at);
    if (due.length === 0) return;
    const over = due.map((id) => ({ id, kept: null }));
    await settleReservations(handle, tenantId, over, { now: at, over: true, history });
  }

  async function look(tenantId: string, meter: string, joined: AnyDatabase | undefined): Promise<void> {
    const now = clock();
    const facts = assume(tenantId, []) ?? (await refresh(tenantId, joined));
    const ground = groundOf({ catalogue, tenantId, meter, now }, facts);
    if (ground.entitlement.alerts.length === 0) return;
    const sight = await seeCounter(joined ?? db, ground.key, now);
    if (sight?.used === undefined || sight.used === null || sight.revision !== facts.revision) return;
    await watch(ground, sight.used, sight.alerted, joined);
  }

  return {
    ...options,
    checkTenant,
    refresh,
    assume,
    expire,
    async follow(tenantId, joined) {
      if (joined === undefined) await refresh(tenantId).catch(() => undefined);
    },
    joinedOf: (call) => call.db ?? (db.isTransaction ? db : undefined),

    typed: orUnavailable,

    async notice(tenantId, meter, joined) {
      if (options.events === undefined || !Object.hasOwn(catalogue.meters, meter)) return;
      // What was done is done: outside of a transaction a look that fails is left to the next call.
      await look(tenantId, meter, joined).catch((error: unknown) => {
        if (joined !== undefined) throw error;
      });
    },

    batchOf(tenantId, meter, now, joined) {
      const handle = joined ?? db;
      return {
        db: handle,
        catalogue,
        tenantId,
        meter,
        now,
        history,
        refresh: () => refresh(tenantId, joined),
        // Beginning locks the tenant before the counter, which a caller's transaction has to.
        take: joined === undefined ? take : (...call) => beginUnits(joined, ...call),
        begin: joined === undefined ? begin : (...call) => beginUnits(joined, ...call),
        async expire() {
          // A clock that was set back since the call began must not find less than the call did: it would look for ever.
          await expire(handle, tenantId, meter, new Date(Math.max(clock().getTime(), now.getTime())));
        },
        watch: (ground, used, alerted) => watch(ground, used, alerted, joined),
        ...(joined === undefined && { guesses }),
      };
    },

    checkMeter,
    checkPack(operation, tenantId, meter, pack) {
      checkMeter(operation, tenantId, meter, 'quota');
      if (!isUuid(pack))
        throw new TenantryError('name_invalid', { field: 'pack', problem: 'is not one that a grant has' });
    },
  };

  function checkMeter(operation: string, tenantId: string, meter: string, only?: 'limit' | 'quota'): void {
    checkTenant(operation, tenantId);
    const fits = (name: string): boolean => only === undefined || catalogue.meters[name] === only;
    if (Object.hasOwn(catalogue.meters, meter) && fits(meter)) return;
    throw new TenantryError('meter_unknown', { meter, known: Object.keys(catalogue.meters).filter(fits) });
  }
}

/** The tenant and the meter that a key names. */
export function partsOf(key: string): [tenantId: string, meter: string] {
  const space = key.indexOf(' ');
  return [key.slice(0, space), key.slice(space + 1)];
}
