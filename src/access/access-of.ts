import type { Acting } from '../audit/index.ts';
import { onlyReads, permits, TenantryError } from '../core/index.ts';
import type { ConsumeResult, EntitlementFacts, PlanCatalogue, PlanNames } from '../plans/index.ts';
import type { DeclarationsOf } from '../tenancy/index.ts';
import type { Access } from './access.ts';
import type { GateDeps } from './gate-deps.ts';
import type { LeaseOf } from './remember-leases.ts';

/** What is known of a request that was let in. */
export interface Admission
  extends Pick<Access<unknown>, 'tenant' | 'key' | 'left' | 'member' | 'userId' | 'role' | 'session' | 'impersonator'> {
  readonly plan: string;
  /** What was granted to the member beyond the role. */
  readonly grants: readonly string[];
  /** Whether the member may only read, for want of a seat. */
  readonly readOnly: boolean;
  /** What the plans need to know of the tenant, where it was read already. */
  readonly entitlement: EntitlementFacts | undefined;
}

/** What the accesses of all requests share. */
export type AccessDeps<DB, Names extends PlanNames, Tables extends DeclarationsOf<DB> | undefined> = GateDeps<
  DB,
  Names,
  Tables
> & { readonly leaseOf: LeaseOf };

/** Makes the access of one request. */
export function accessOf<DB, Names extends PlanNames, Tables extends DeclarationsOf<DB> | undefined>(
  { plans, tenancy, auth, permissionsOf, leaseOf, usageByMember = false }: AccessDeps<DB, Names, Tables>,
  { tenant, key, left, member, userId, role, session, impersonator, grants, readOnly, plan, entitlement }: Admission,
): Access<DB, Names, Tables> {
  const known = entitlement === undefined ? {} : { entitlement };
  const allowed = [
    ...(key === null ? [] : [key.scopes]),
    ...(role === null ? [] : [[...permissionsOf(role), ...grants]]),
  ];
  const denied = impersonator === null ? [] : (auth?.impersonation.denies ?? []);
  const has: Access<DB, Names, Tables>['has'] = (feature, options = {}) =>
    plans.has(tenant.id, feature, { ...options, ...known });
  const can = (permission: string): boolean =>
    (!readOnly || onlyReads(permission)) &&
    !permits(denied, permission) &&
    allowed.every((patterns) => permits(patterns, permission));

  // One is made for each request, and a getter costs as much as all the rest of it.
  const access: Omit<Access<DB, Names, Tables>, 'plan'> = {
    tenant,
    key,
    left,
    member,
    userId,
    role,
    session,
    impersonator,
    by: userId === null ? undefined : { userId, ...(impersonator !== null && { impersonatedBy: impersonator.userId }) },
    acting: { actor: actorOf(key, userId, impersonator) },
    readOnly,
    can,
    require(permission) {
      if (!can(permission)) throw new TenantryError('permission_denied', { permission });
    },
    async consume(meter, amount = 1, options = {}) {
      const who = usageByMember && member !== null ? { memberId: member.id } : {};
      const by = key === null ? {} : { keyId: key.id };
      const result = await plans.consume(tenant.id, meter, amount, { ...options, ...known, ...who, ...by });
      if (result.ok) return result;
      throw refusalOf(tenant.id, meter, result);
    },
    async consumeLeased(quota, amount, lease) {
      const result = await leaseOf(tenant.id, quota, lease).consume(amount);
      if (!result.ok) throw refusalOf(tenant.id, quota, result);
    },
    check: (meter, options = {}) => plans.check(tenant.id, meter, { ...options, ...known }),
    has,
    async requireFeature(feature, options) {
      if (!(await has(feature, options))) throw new TenantryError('feature_missing', { feature, plan });
    },
    db: tenancy.scope(tenant.id),
    transaction: (work, options) => tenancy.transaction(tenant.id, work, options),
  };
  if (isPlan<Names>(plans.catalogue.plans, plan)) return Object.assign(access, { plan });
  return {
    ...access,
    get plan(): never {
      throw new TenantryError('plan_unknown', { plan, known: Object.keys(plans.catalogue.plans) });
    },
  };
}

/** Who is named in the audit trail: whoever really acts. */
function actorOf(
  key: Admission['key'],
  userId: string | null,
  impersonator: Admission['impersonator'],
): Acting['actor'] {
  if (key !== null) return { type: 'api_key', id: key.id };
  if (impersonator !== null) return { type: 'user', id: impersonator.userId, metadata: { actingAs: userId } };
  return userId === null ? { type: 'system' } : { type: 'user', id: userId };
}

function isPlan<Names extends PlanNames>(plans: PlanCatalogue['plans'], name: string): name is Names['plan'] {
  return Object.hasOwn(plans, name);
}

/** The tenant's rows are being moved; that takes seconds. */
export function inMaintenance(tenantId: string): TenantryError<'tenant_in_maintenance'> {
  return new TenantryError('tenant_in_maintenance', { tenantId, retryAfter: 5 });
}

function refusalOf(
  tenantId: string,
  meter: string,
  { reason, limit: amount, used, requested, resetsAt, remaining: left }: Extract<ConsumeResult, { ok: false }>,
): TenantryError {
  if (reason === 'tenant_suspended') return new TenantryError('tenant_suspended', { tenantId });
  if (reason === 'tenant_in_maintenance') return inMaintenance(tenantId);
  // Even what is unlimited cannot be counted beyond the largest whole number.
  const limit = amount === 'unlimited' ? Number.MAX_SAFE_INTEGER : amount;
  if (reason === 'limit_reached') return new TenantryError('limit_reached', { meter, limit, used, requested });
  const remaining = left === 'unlimited' ? limit - used : left;
  const details = { meter, limit, used, remaining, requested, resetsAt: resetsAt?.toISOString() ?? null };
  return new TenantryError('quota_exceeded', details);
}
