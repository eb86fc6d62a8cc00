import type { RevenueReport } from '../../billing/index.ts';
import { cursorOf } from '../../core/cursor.ts';
import {
  type Actor,
  type Clock,
  cleanText,
  type EventSink,
  type Ids,
  isUuid,
  opaqueId,
  platformId,
  systemClock,
  TenantryError,
  uuidv7,
} from '../../core/index.ts';
import { type Page, type PageOptions, pageOf } from '../../core/page.ts';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import { type CallOptions, inTransaction, serviceRole } from '../../database/index.ts';
import type { PlatformEvent } from '../life/platform-event.ts';
import { applySetting, explainRefusal, readSetting } from '../scope/tenant-setting.ts';
import { readAfter } from './read-after.ts';
import {
  type PlatformMember,
  type PlatformPlan,
  type PlatformTenant,
  type PlatformUsage,
  selectMembers,
  selectPlans,
  selectTenants,
  selectUsage,
} from './store.ts';

/** Who looks, why, and which part of the view is wanted. */
export interface ViewInput extends PageOptions {
  /** Who looks. It is written into the trail of the platform, and nobody looks without it. */
  readonly by: Actor;
  /** Why, such as the number of a ticket. */
  readonly reason?: string;
}

/** The views across all tenants, for whoever runs the platform. Every call is recorded before it reads. */
export interface Platform {
  /** Lists tenants, in the order of their ids. `search` finds names that begin so, and slugs. */
  tenants(
    input: ViewInput & {
      readonly status?: PlatformTenant['status'];
      readonly kind?: PlatformTenant['kind'];
      readonly plan?: string;
      readonly search?: string;
    },
    options?: CallOptions,
  ): Promise<Page<PlatformTenant>>;
  /** Lists members of all tenants, of one, or everything that one user is a member of. */
  members(
    input: ViewInput & { readonly tenantId?: string; readonly userId?: string },
    options?: CallOptions,
  ): Promise<Page<PlatformMember>>;
  /** Lists what tenants used, by tenant, meter and period, the newest period of each first. */
  usage(
    input: ViewInput & { readonly tenantId?: string; readonly meter?: string; readonly since?: Date },
    options?: CallOptions,
  ): Promise<Page<PlatformUsage>>;
  /** Counts tenants and seats by plan and status. */
  plans(input: Pick<ViewInput, 'by' | 'reason'>, options?: CallOptions): Promise<readonly PlatformPlan[]>;
  /**
   * Tells what subscriptions bring per month, what came, grew, shrank and went, by plan, and what was paid, from the rows of
   * billing: between two moments, or in the last 30 days.
   *
   * @throws TenantryError `config_invalid` for moments that cannot be, or where nobody can tell.
   */
  revenue(
    input: Pick<ViewInput, 'by' | 'reason'> & { readonly from?: Date; readonly to?: Date },
    options?: CallOptions,
  ): Promise<RevenueReport>;
}

/** What {@link createPlatform} is made from. */
export interface PlatformDeps {
  readonly db: AnyDatabase;
  /** Receives `platform.read` in the transaction that reads: `audit.sink`. Without a record nothing is read. */
  readonly events: EventSink<PlatformEvent, AnyDatabase>;
  readonly clock?: Clock;
  readonly ids?: Ids;
  /** Reads what all tenants bring: `readRevenue` of billing. */
  readonly readRevenue?: (tx: AnyDatabase, span: { readonly from: Date; readonly to: Date }) => Promise<RevenueReport>;
}

/**
 * Makes the platform's own views. They read as `tenantry_service`, the role that sees all tenants. Who may call them is
 * for the application to decide: hand them to super admins only.
 *
 * @throws TenantryError from each view: `amount_invalid` for a limit, `name_invalid` for a cursor or an actor that is
 * none, `tenant_not_found` for an id that is no UUID.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { createAudit } from 'tenantry/audit';
 * import { installSchema } from 'tenantry/database';
 * import { createPlatform } from 'tenantry/tenancy';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const audit = createAudit({ db });
 * const platform = createPlatform({ db, events: audit.sink });
 *
 * const { items } = await platform.tenants({ by: { userId: 'root' }, reason: 'ticket 7', status: 'suspended' });
 * const seen = await audit.platform.list({ actions: ['platform.read'] }); // one entry: root, ticket 7
 * ```
 */
export function createPlatform({ db, events, clock = systemClock, ids = uuidv7, readRevenue }: PlatformDeps): Platform {
  if (typeof events !== 'function') {
    const problem = 'hand in what records who looks, such as audit.sink';
    throw new TenantryError('config_invalid', { path: 'createPlatform({ events })', problem });
  }

  /** Records who looks at what, and then reads, as the role that sees all tenants. */
  function looking<Result>(
    view: string,
    { by, reason }: Pick<ViewInput, 'by' | 'reason'>,
    filter: Readonly<Record<string, string | number | null | undefined>>,
    options: CallOptions | undefined,
    read: (tx: AnyDatabase) => Promise<Result>,
  ): Promise<Result> {
    const actor = { ...by, userId: opaqueId('by.userId', by?.userId), superAdmin: true };
    const why = reason === undefined ? null : cleanText('reason', reason, 500);
    const { tenantId, ...conditions } = filter;
    const told = Object.entries(conditions).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    const data = {
      view,
      reason: why,
      filter: Object.fromEntries(told),
      ...(typeof tenantId === 'string' && { tenant: { type: 'tenant', id: tenantId } as const }),
    };
    return inTransaction(libraryOf(db), options?.db && libraryOf(options.db), async (tx) => {
      await events({ id: ids(), name: 'platform.read', tenantId: platformId, occurredAt: clock(), actor, data }, tx);
      const before = await readSetting(tx);
      try {
        await applySetting(tx, { role: serviceRole, tenant: before.tenant });
      } catch (error) {
        throw await explainRefusal(tx, error);
      }
      const result = await read(tx);
      await applySetting(tx, before);
      return result;
    });
  }

  function checkTenantId(tenantId: string | undefined): void {
    if (tenantId !== undefined && !isUuid(tenantId)) {
      throw new TenantryError('tenant_not_found', { tenant: String(tenantId).slice(0, 80) });
    }
  }

  return {
    async tenants({ status, kind, plan, search, ...input }, options) {
      const part = readAfter(input, 1);
      const wanted = search === undefined ? undefined : cleanText('search', search, 200);
      const filter = { status, kind, plan, search: wanted };
      const rows = await looking('tenants', input, filter, options, (tx) => selectTenants(tx, filter, part));
      return pageOf(rows, part.limit, ({ tenantId }) => cursorOf([tenantId]));
    },

    async members({ tenantId, userId, ...input }, options) {
      checkTenantId(tenantId);
      const part = readAfter(input, 2);
      const filter = { tenantId, userId: userId === undefined ? undefined : opaqueId('userId', userId) };
      const rows = await looking('members', input, filter, options, (tx) => selectMembers(tx, filter, part));
      return pageOf(rows, part.limit, (row) => cursorOf([row.tenantId, row.id]));
    },

    async usage({ tenantId, meter, since, ...input }, options) {
      checkTenantId(tenantId);
      const part = readAfter(input, 4);
      const filter = { tenantId, meter };
      const told = { ...filter, since: since?.toISOString() };
      const read = (tx: AnyDatabase) => selectUsage(tx, { ...filter, since }, part);
      const rows = await looking('usage', input, told, options, read);
      return pageOf(rows, part.limit, (row) =>
        cursorOf([row.tenantId, row.meter, row.per, row.periodStart.toISOString()]),
      );
    },

    plans: async (input, options) => looking('plans', input, {}, options, selectPlans),

    async revenue({ from, to = clock(), ...input }, options) {
      const span = { from: from ?? new Date(to.getTime() - 30 * 86_400_000), to };
      if (!(span.from.getTime() <= span.to.getTime())) {
        throw new TenantryError('config_invalid', {
          path: 'platform.revenue',
          problem: 'from and to must be dates in order',
        });
      }
      const told = { from: span.from.toISOString(), to: span.to.toISOString() };
      if (readRevenue === undefined) {
        const problem = 'hand in readRevenue of billing';
        throw new TenantryError('config_invalid', { path: 'createPlatform({ readRevenue })', problem });
      }
      return looking('revenue', input, told, options, (tx) => readRevenue(tx, span));
    },
  };
}
