import { cleanText, isUuid, opaqueId, systemClock, TenantryError, uuidv7 } from '../core/index.ts';
import { isMoment } from '../core/moment.ts';
import { type AnyDatabase, type CallOptions, inTransaction, type ModuleDeps } from '../database/index.ts';
import { liveGrants } from '../database/member-facts.ts';
import { insertTenant, type TenantLookup } from '../database/tenant-row.ts';
import type { TenancyEvent } from './events.ts';
import {
  type ActorRow,
  findActors,
  findByLookup,
  findTenant,
  hasMovedTo,
  type TenantPatch,
  updateTenant,
} from './store.ts';
import type { Strategy } from './strategies/strategy.ts';
import type {
  Provisioned,
  ProvisionInput,
  Resolution,
  ResolutionDenial,
  ResolveInput,
  Tenant,
  TenantChange,
} from './tenant.ts';

/** Makes an organization with its owner: what {@link createTenants} needs of the organizations module. */
export type CreateOrganization = (
  input: {
    readonly name: string;
    readonly slug?: string;
    readonly plan?: string;
    readonly seats?: number | null;
    readonly owner: { readonly userId: string; readonly email?: string; readonly name?: string };
  },
  options?: CallOptions,
) => Promise<{ readonly tenantId: string }>;

/** Tells in which role a user is an active member of a tenant, or null. */
export type MembershipOf = (
  tenantId: string,
  userId: string,
  options?: CallOptions,
) => Promise<{ readonly memberId: string; readonly role: string } | null>;

/** What {@link createTenants} is made from, beside the database. */
export interface TenantsOptions<Chosen extends Strategy = Strategy, Plan extends string = string> {
  readonly strategy: Chosen;
  /** The names of the plans there are; any name is taken when absent. */
  readonly plans?: readonly Plan[];
  /** How an organization is made; without it `provision` cannot make one. */
  readonly createOrganization?: CreateOrganization;
  /** How memberships are found, where they are not the library's own. */
  readonly membershipOf?: MembershipOf;
}

/** Tenants under one strategy. */
export interface Tenants<Chosen extends Strategy = Strategy, Plan extends string = string> {
  readonly strategy: Chosen;
  /**
   * Gives a user a tenant to act in, whatever the strategy: the program's one; the user's own, made when first seen; or
   * a new organization with the user as its owner, one for each call. Callers at the same moment get the same tenant
   * where there is one for each user, or one for all.
   *
   * @throws TenantryError `name_invalid`; for organizations also `slug_taken` and `slug_invalid`, and `config_invalid`
   * when no `createOrganization` was handed in.
   */
  provision(input: ProvisionInput, options?: CallOptions): Promise<Provisioned>;
  /** Reads a tenant; null when there is none. The id of one that was merged into another gives that one. */
  get(tenantId: string, options?: CallOptions): Promise<Tenant | null>;
  /**
   * Tells whether a user may act, for which tenant and in which role. Ask on every request: a membership may have ended
   * since the last. Where the strategy makes tenants by itself (`none`, `perUser`) and none is named, the tenant is made
   * when the user is first seen.
   *
   * Where a re-tenanting made another thing of a tenant, what it is now decides: for an organization its members act,
   * whatever the strategy, so that the application of the strategy before and the one after both go on. The id of a
   * tenant that is no more leads to the one where the user's part of it went.
   *
   * @throws TenantryError `name_invalid` for a user's id that cannot be one.
   */
  resolve(input: ResolveInput, options?: CallOptions): Promise<Resolution>;
  /**
   * Suspends a tenant: nobody may act for it, its data stays. Doing it again changes nothing.
   *
   * @throws TenantryError `tenant_not_found`, also for one that moved; `tenant_in_maintenance`.
   */
  suspend(tenantId: string, options?: CallOptions): Promise<TenantChange>;
  /**
   * Ends a suspension. Doing it again changes nothing.
   *
   * @throws TenantryError `tenant_not_found`, also for one that moved; `tenant_in_maintenance`.
   */
  resume(tenantId: string, options?: CallOptions): Promise<TenantChange>;
  /**
   * Puts a tenant on a plan and counts its `entitlementRevision` up when anything changed. `subscriptionStatus` and
   * `anchorAt` stay as they are when absent; a `subscriptionStatus` of null takes it away.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `name_invalid` for a state or a moment that is none.
   */
  setPlan(
    tenantId: string,
    plan: Plan,
    options?: CallOptions & { readonly subscriptionStatus?: string | null; readonly anchorAt?: Date },
  ): Promise<TenantChange>;
}

/**
 * Makes tenants under a strategy: who they are, who may act for them, what becomes of them.
 *
 * @throws TenantryError `plan_unknown` when the strategy's plan is none of `plans`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { createTenants, perUser } from 'tenantry/tenancy';
 *
 * async function tenantOf(db: Kysely<Record<string, never>>, userId: string): Promise<string> {
 *   const tenants = createTenants({ db, strategy: perUser({ plan: 'free' }) });
 *   return (await tenants.provision({ userId, name: userId })).tenantId;
 * }
 * ```
 */
export function createTenants<const Chosen extends Strategy, Plan extends string = string>({
  db,
  clock = systemClock,
  ids = uuidv7,
  events,
  strategy,
  plans,
  createOrganization,
  membershipOf,
}: ModuleDeps<TenancyEvent> & TenantsOptions<Chosen, Plan>): Tenants<Chosen, Plan> {
  checkPlan(strategy.plan);

  function checkPlan(plan: string): void {
    cleanText('plan', plan, 200);
    if (plans?.every((name) => name !== plan)) throw new TenantryError('plan_unknown', { plan, known: plans });
  }

  /** Opens a transaction only where a sink must write with the change. */
  const changing = <Result>(options: CallOptions | undefined, work: (tx: AnyDatabase) => Promise<Result>) =>
    events === undefined ? work(options?.db ?? db) : inTransaction(db, options?.db, work);

  const stamp = (tenantId: string) => ({ id: ids(), tenantId, occurredAt: clock() });

  /** Reads the tenant that a lookup names, or makes it. Most of the time it is there, and reading takes no lock. */
  async function ensure(
    lookup: TenantLookup,
    name: string,
    options?: CallOptions,
  ): Promise<{ tenant: Tenant; created: boolean }> {
    const found = await findByLookup(options?.db ?? db, lookup);
    if (found !== null) return { tenant: found, created: false };
    const kind = strategy.tenantKind;
    return changing(options, async (tx) => {
      const row = { tenantId: ids(), kind, name, plan: strategy.plan, now: clock(), lookup };
      const { tenantId, created } = await insertTenant(tx, row);
      if (created) {
        const data = { kind, name, plan: strategy.plan };
        await events?.({ ...stamp(tenantId), name: 'tenant.created', data }, tx);
      }
      const tenant = await findTenant(tx, tenantId);
      if (tenant === null) throw new TenantryError('tenant_not_found', { tenant: tenantId });
      return { tenant, created };
    });
  }

  async function membersTenants(
    userId: string,
    tenantId: string | undefined,
    options: CallOptions | undefined,
  ): Promise<readonly ActorRow[] | 'tenant_required'> {
    const handle = options?.db ?? db;
    if (membershipOf === undefined) return findActors(handle, userId, tenantId);
    if (tenantId === undefined) return 'tenant_required';
    const found = await membershipOf(tenantId, userId, options);
    const tenant = found === null ? null : await findTenant(handle, tenantId);
    return found === null || tenant === null ? [] : [{ ...found, tenant }];
  }

  async function asMember(
    userId: string,
    tenantId: string | undefined,
    options: CallOptions | undefined,
  ): Promise<Resolution> {
    const found = await membersTenants(userId, tenantId, options);
    if (typeof found === 'string') return denied(found);
    const [first, second] = found;
    if (second?.tenant.status === 'active') return denied('tenant_ambiguous');
    const memberId = first?.memberId ?? null;
    return admitted(first?.tenant, (memberId === null ? strategy.actingRole : null) ?? first?.role ?? '', memberId, {
      grants: liveGrants(first?.grants ?? null, clock()),
      exceeded: first?.exceeded ?? null,
    });
  }

  async function change(
    tenantId: string,
    patch: TenantPatch,
    options: CallOptions | undefined,
    announce: (before: Tenant, after: Tenant, tx: AnyDatabase) => Promise<void> | undefined,
  ): Promise<TenantChange> {
    if (!isUuid(tenantId)) throw new TenantryError('tenant_not_found', { tenant: String(tenantId) });
    return changing(options, async (tx) => {
      const result = await updateTenant(tx, tenantId, patch, clock());
      if (result === null) throw new TenantryError('tenant_not_found', { tenant: tenantId });
      if (patch.status !== undefined && result.tenant.status === 'maintenance') {
        throw new TenantryError('tenant_in_maintenance', { tenantId, retryAfter: maintenanceRetryAfter });
      }
      if (result.changed) await announce(result.before, result.tenant, tx);
      return { tenant: result.tenant, changed: result.changed };
    });
  }

  return {
    strategy,

    async provision({ userId, name, slug, email, ownerName }, options) {
      const user = opaqueId('userId', userId);
      const lookup = strategy.lookupOf(user);
      const given = name === undefined ? user : cleanText('name', name, 255);
      if (lookup !== null) {
        const { tenant, created } = await ensure(lookup, strategy.tenantName ?? given, options);
        if (tenant.status !== 'moved') return { tenantId: tenant.tenantId, created };
        const [actor] = await findActors(options?.db ?? db, user, tenant.tenantId);
        return { tenantId: actor?.tenant.tenantId ?? tenant.tenantId, created };
      }
      if (createOrganization === undefined) {
        const problem = `the strategy "${strategy.name}" provisions organizations; hand in a function that makes one`;
        throw new TenantryError('config_invalid', { path: 'createTenancy({ createOrganization })', problem });
      }
      const owner = {
        userId: user,
        ...(email !== undefined && { email }),
        ...(ownerName !== undefined && { name: ownerName }),
      };
      const organization = { name: given, plan: strategy.plan, seats: strategy.seats.initial, owner };
      const { tenantId } = await createOrganization({ ...organization, ...(slug !== undefined && { slug }) }, options);
      return { tenantId, created: true };
    },

    get: async (tenantId, options) => (isUuid(tenantId) ? findTenant(options?.db ?? db, tenantId) : null),

    async resolve({ userId, tenantId }, options) {
      const user = opaqueId('userId', userId);
      if (tenantId !== undefined && !isUuid(tenantId)) return denied('tenant_not_found');
      const lookup = strategy.lookupOf(user);
      if (lookup === null) return asMember(user, tenantId, options);
      const tenant =
        tenantId === undefined
          ? (await ensure(lookup, strategy.tenantName ?? user, options)).tenant
          : await findByLookup(options?.db ?? db, lookup);
      if (tenant === null) return denied('tenant_not_found');
      // What became an organization has members, and what went to several is found by the user.
      if (tenant.kind === 'organization' || tenant.status === 'moved') {
        return asMember(user, tenantId ?? tenant.tenantId, options);
      }
      if (tenantId !== undefined && tenant.tenantId !== tenantId.toLowerCase()) {
        const moved = await hasMovedTo(options?.db ?? db, tenantId, { tenantId: tenant.tenantId, userId: user });
        if (!moved) return denied('tenant_not_found');
      }
      return admitted(tenant, strategy.actingRole ?? '', null);
    },

    suspend: (tenantId, options) =>
      change(tenantId, { status: 'suspended' }, options, (_before, _after, tx) =>
        events?.({ ...stamp(tenantId), name: 'tenant.suspended', data: {} }, tx),
      ),

    resume: (tenantId, options) =>
      change(tenantId, { status: 'active' }, options, (_before, _after, tx) =>
        events?.({ ...stamp(tenantId), name: 'tenant.resumed', data: {} }, tx),
      ),

    async setPlan(tenantId, plan, options = {}) {
      checkPlan(plan);
      const { subscriptionStatus, anchorAt } = options;
      if (subscriptionStatus !== undefined && subscriptionStatus !== null) {
        opaqueId('subscriptionStatus', subscriptionStatus);
      }
      if (anchorAt !== undefined && !isMoment(anchorAt)) {
        throw new TenantryError('name_invalid', { field: 'anchorAt', problem: 'must be a date' });
      }
      const patch = {
        plan,
        ...(subscriptionStatus !== undefined && { subscriptionStatus }),
        ...(anchorAt !== undefined && { anchorAt }),
      };
      return change(tenantId, patch, options, (before, after, tx) => {
        const data = {
          plan: after.plan,
          previousPlan: before.plan,
          subscriptionStatus: after.subscriptionStatus,
          previousSubscriptionStatus: before.subscriptionStatus,
        };
        return events?.({ ...stamp(tenantId), name: 'tenant.plan_changed', data }, tx);
      });
    },
  };
}

/** Tenants are closed for as long as one transaction or a few batches take, in seconds. */
const maintenanceRetryAfter = 5;

function admitted(
  tenant: Tenant | null | undefined,
  role: string,
  memberId: string | null,
  { grants, exceeded }: Pick<Extract<Resolution, { ok: true }>, 'grants' | 'exceeded'> = { grants: [], exceeded: null },
): Resolution {
  if (tenant === null || tenant === undefined) return denied('tenant_not_found');
  if (tenant.status === 'suspended') return denied('tenant_suspended');
  if (tenant.status === 'maintenance') return denied('tenant_in_maintenance');
  return { ok: true, tenantId: tenant.tenantId, role, memberId, grants, exceeded, tenant };
}

function denied(reason: ResolutionDenial): Resolution {
  return { ok: false, reason };
}
