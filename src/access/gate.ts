import type { SpendDenial, VerifyOptions } from '../api-keys/index.ts';
import { type HeadersLike, type SeatPolicy, systemClock, TenantryError } from '../core/index.ts';
import type { CallOptions } from '../database/index.ts';
import { liveGrants } from '../database/member-facts.ts';
import { readCredential } from '../http/index.ts';
import type { PlanNames } from '../plans/index.ts';
import type { DeclarationsOf, RequestLike, ResolveInput } from '../tenancy/index.ts';
import type { Access, AccessResult } from './access.ts';
import { accessOf, inMaintenance } from './access-of.ts';
import type { GateDeps } from './gate-deps.ts';
import { seatEffect } from './seat-effect.ts';

/** Lets requests in. */
export interface Gate<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
> {
  /**
   * Lets a request in by its API key, from `Authorization: Bearer` or `X-API-Key`. One statement, and one more for a key
   * that is limited. Say the caller's `ip` where keys are bound to addresses.
   *
   * @throws TenantryError `unauthenticated` when the key is missing, malformed or not found; `key_refused` with the
   * reason when it is known and does not open; `rate_limited` and `quota_exceeded` when it was used too often;
   * `tenant_in_maintenance` for a moment while the tenant's rows are moved; `database_unavailable`.
   */
  authenticate(headers: HeadersLike, options?: VerifyOptions): Promise<Access<DB, Names, Tables>>;
  /** Does what {@link Gate.authenticate} does, and gives the refusal as a value. */
  verify(headers: HeadersLike, options?: VerifyOptions): Promise<AccessResult<DB, Names, Tables>>;
  /**
   * Lets a user in whom the application has recognised itself, by a session of its own. Ask on every request: a
   * membership may have ended since the last. One statement, with membership, role and grants.
   *
   * @throws TenantryError `tenant_not_found` where the user may not act; `tenant_suspended`; `tenant_in_maintenance`;
   * `tenant_required` when no tenant is named and the user may act for several; `seats_exceeded` for all but owners while
   * the organization has fewer seats than it takes, if that is the policy.
   */
  forUser(input: ResolveInput, options?: CallOptions): Promise<Access<DB, Names, Tables>>;
  /**
   * Lets a request in for the tenant that it names, by the sources of `resolution`: the user, where the application has
   * recognised one itself, and otherwise the API key. A key opens its own tenant alone, so a request that names another is
   * refused as if there were none.
   *
   * @throws TenantryError what {@link Gate.forUser} and {@link Gate.authenticate} throw; `tenant_not_found`.
   */
  forRequest(
    request: RequestLike,
    input?: { readonly userId?: string },
    options?: VerifyOptions,
  ): Promise<Access<DB, Names, Tables>>;
}

const unknownKey = ['missing', 'malformed', 'not_found'];

/** Makes the gate of requests out of the modules; `createTenantry` does it for a whole application. */
export function createGate<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
>(deps: GateDeps<DB, Names, Tables>): Gate<DB, Names, Tables> {
  const { clock = systemClock, seatPolicy } = deps;
  // Without a policy here, the keys module decides over its own.
  const ofKeys: SeatPolicy = seatPolicy ?? { policy: 'allow' };
  const ofUsers: SeatPolicy = seatPolicy ?? { policy: 'block' };

  const placeOf = (tenantId: string, memberId: string | undefined, options?: CallOptions) =>
    memberId === undefined || deps.seatPlaceOf === undefined
      ? undefined
      : () => deps.seatPlaceOf?.(tenantId, memberId, options) ?? Promise.resolve(0);

  async function verify(headers: HeadersLike, options?: VerifyOptions): Promise<AccessResult<DB, Names, Tables>> {
    const result = await deps.apiKeys.verify(readCredential(headers)?.value, options);
    if (!result.ok) return result;
    const { key, tenant, member, exceeded, left } = result;
    const now = clock();
    const effect = await seatEffect(ofKeys, exceeded, { owner: false, placeOf: placeOf(tenant.id, member?.id) }, now);
    if (effect === 'refuse') return { ok: false, reason: 'seats_exceeded' };
    const { id, kind, plan, anchorAt, entitlementRevision, subscriptionStatus, seatsBought } = tenant;
    const { planSince: since, planTerms: terms } = tenant;
    const access = accessOf(deps, {
      tenant: { id, kind, anchorAt, entitlementRevision, subscriptionStatus },
      plan,
      key,
      left,
      member: member === null ? null : { id: member.id, userId: member.userId, role: member.role },
      grants: member === null ? [] : liveGrants(member.grants, now),
      readOnly: effect === 'read-only',
      userId: member?.userId ?? null,
      role: member?.role ?? null,
      entitlement: { plan, anchorAt, revision: entitlementRevision, seatsBought, since, terms },
    });
    return { ok: true, access };
  }

  async function authenticate(headers: HeadersLike, options?: VerifyOptions): Promise<Access<DB, Names, Tables>> {
    const result = await verify(headers, options);
    if (result.ok) return result.access;
    const { reason } = result;
    if (reason === 'tenant_in_maintenance') throw inMaintenance('(of this key)');
    if ('limitOf' in result) throw spent(result);
    throw new TenantryError(unknownKey.includes(reason) ? 'unauthenticated' : 'key_refused', { reason });
  }

  async function forUser(input: ResolveInput, options?: CallOptions): Promise<Access<DB, Names, Tables>> {
    const named = input.tenantId ?? '(of this user)';
    const resolved = await deps.tenancy.resolve(input, options);
    if (!resolved.ok) {
      if (resolved.reason === 'tenant_suspended') throw new TenantryError('tenant_suspended', { tenantId: named });
      if (resolved.reason === 'tenant_in_maintenance') throw inMaintenance(named);
      if (resolved.reason === 'tenant_not_found') throw new TenantryError('tenant_not_found', { tenant: named });
      throw new TenantryError('tenant_required', { operation: 'access.forUser' });
    }
    const { tenantId, role, memberId, grants, exceeded, tenant } = resolved;
    const taker = { owner: role === 'owner', placeOf: placeOf(tenantId, memberId ?? undefined, options) };
    const effect = await seatEffect(ofUsers, exceeded, taker, clock());
    if (effect === 'refuse') throw new TenantryError('seats_exceeded', { tenantId });
    const { kind, plan, anchorAt, entitlementRevision, subscriptionStatus } = tenant;
    return accessOf(deps, {
      tenant: { id: tenantId, kind, anchorAt, entitlementRevision, subscriptionStatus },
      plan,
      key: null,
      left: null,
      member: memberId === null ? null : { id: memberId, userId: input.userId, role },
      grants,
      readOnly: effect === 'read-only',
      userId: input.userId,
      role,
      entitlement: undefined,
    });
  }

  return {
    verify,
    authenticate,

    async forRequest(request, { userId } = {}, options) {
      const tenantId = await deps.tenancy.named(request, options);
      if (userId !== undefined) {
        if (tenantId === null) throw new TenantryError('tenant_not_found', { tenant: '(of this request)' });
        return forUser({ userId, ...(tenantId !== undefined && { tenantId }) }, options);
      }
      const access = await authenticate(request.headers, options);
      if (tenantId !== undefined && tenantId !== access.tenant.id) {
        throw new TenantryError('tenant_not_found', { tenant: '(of this request)' });
      }
      return access;
    },

    forUser,
  };

  function spent({ reason, limitOf, retryAt, left }: SpendDenial): TenantryError {
    const uses = reason === 'quota_exceeded' ? left?.uses : undefined;
    if (uses == null) return new TenantryError('rate_limited', { limitOf, retryAt: retryAt?.toISOString() ?? '' });
    const { amount: limit, used, resetsAt } = uses;
    const details = { meter: 'uses of the key', limit, used, requested: 1, resetsAt: resetsAt?.toISOString() ?? null };
    return new TenantryError('quota_exceeded', details);
  }
}
