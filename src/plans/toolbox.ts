import { createBoundedMap } from '../core/bounded-map.ts';
import { type Clock, type EventSink, type Ids, isUuid, TenantryError } from '../core/index.ts';
import { type AnyDatabase, type CallOptions, createCoalescer } from '../database/index.ts';
import type { PlanEvent } from './events.ts';
import { type Batch, found, type Guess } from './ground.ts';
import type { PlanCatalogue } from './plan-definitions.ts';
import { dueReservations, settleReservations } from './reservation-store.ts';
import { type EntitlementFacts, readFacts, readManyFacts } from './store.ts';
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
  /** The newest of what is remembered and what callers brought; nothing when its plan is none of the catalogue's. */
  assume(tenantId: string, brought: readonly (EntitlementFacts | undefined)[]): EntitlementFacts | undefined;
  /** What serving needs, but for the wishes. */
  batchOf(tenantId: string, meter: string, now: Date, joined?: AnyDatabase): Omit<Batch, 'asks' | 'assumed'>;
  checkTenant(operation: string, tenantId: unknown): void;
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
  const alone: Take = (key, conditions) => takeUnits(db, key, conditions);
  const take = options.acrossTenants ? createTake(db) : alone;
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

  return {
    ...options,
    checkTenant,
    refresh,
    joinedOf: (call) => call.db ?? (db.isTransaction ? db : undefined),

    assume(tenantId, brought) {
      let newest = memory.get(tenantId);
      for (const facts of brought) {
        if (facts !== undefined && (newest === undefined || facts.revision > newest.revision)) newest = facts;
      }
      return newest !== undefined && Object.hasOwn(catalogue.plans, newest.plan) ? newest : undefined;
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
        take: joined === undefined ? take : (key, conditions) => takeUnits(joined, key, conditions),
        begin: (key, conditions) => beginUnits(handle, key, conditions),
        async expire() {
          const due = await dueReservations(handle, tenantId, meter, clock());
          const over = due.map((id) => ({ id, kept: null }));
          await settleReservations(handle, tenantId, over, { now: clock(), over: true, history });
        },
        watch: (ground, used, alerted) => watch(ground, used, alerted, joined),
        ...(joined === undefined && { guesses }),
      };
    },

    checkMeter(operation, tenantId, meter, only) {
      checkTenant(operation, tenantId);
      const fits = (name: string): boolean => only === undefined || catalogue.meters[name] === only;
      if (Object.hasOwn(catalogue.meters, meter) && fits(meter)) return;
      throw new TenantryError('meter_unknown', { meter, known: Object.keys(catalogue.meters).filter(fits) });
    },
  };
}

/** The tenant and the meter that a key names. */
export function partsOf(key: string): [tenantId: string, meter: string] {
  const space = key.indexOf(' ');
  return [key.slice(0, space), key.slice(space + 1)];
}
