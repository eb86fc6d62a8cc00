import type { AcceptedKey, SpendDenial, VerifyOptions } from '../api-keys/index.ts';
import { type HeadersLike, type SeatPolicy, systemClock, TenantryError } from '../core/index.ts';
import type { CallOptions } from '../database/index.ts';
import { liveGrants } from '../database/member-facts.ts';
import { readCredential } from '../http/index.ts';
import type { PlanNames } from '../plans/index.ts';
import type { DeclarationsOf, RequestLike, ResolveInput } from '../tenancy/index.ts';
import type { Access, AccessResult } from './access.ts';
import { type Admission, accessOf, inMaintenance } from './access-of.ts';
import type { GateDeps } from './gate-deps.ts';
import { rememberLeases } from './remember-leases.ts';
import { rememberScopes } from './remember-scopes.ts';
import { seatEffect } from './seat-effect.ts';

/** What a request must hold, told by what it throws. */
type Holds<DB, Names extends PlanNames, Tables extends DeclarationsOf<DB> | undefined> = (
  access: Access<DB, Names, Tables>,
) => void | Promise<void>;

/** What a request is asked before it is let in. */
export interface AdmitOptions<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
> extends VerifyOptions {
  /**
   * What the request must hold, such as `(access) => access.require('calls:write')`; what it throws refuses the request. It is
   * asked before anything is spent of the limits of a key, and `access.left` is not known yet.
   */
  readonly demands?: (access: Access<DB, Names, Tables>) => void | Promise<void>;
}

/** Lets requests in. */
export interface Gate<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
> {
  /**
   * Lets a request in by its API key, from `Authorization: Bearer` or `X-API-Key`, or by its access token, from
   * `Authorization: Bearer`, where there is an auth module. A key takes one statement, and one more where it is limited;
   * a token takes two: whether its session and membership still stand, and what they allow. Say the caller's `ip` where
   * keys are bound to addresses.
   *
   * @throws TenantryError `unauthenticated` when the key is missing, malformed or not found, and for a token that is
   * refused, with the reason; `key_refused` with the reason when a key is known and does not open; `rate_limited` and
   * `quota_exceeded` when it was used too often; for a token also what {@link Gate.forUser} throws;
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
   * recognised one itself, and otherwise the API key or access token. These open their own tenant alone, so a request that
   * names another is refused as if there were none; a token without a tenant takes the one that is named.
   *
   * @throws TenantryError what {@link Gate.forUser} and {@link Gate.authenticate} throw; `tenant_not_found`; and what
   * `demands` throws.
   */
  forRequest(
    request: RequestLike,
    input?: { readonly userId?: string },
    options?: AdmitOptions<DB, Names, Tables>,
  ): Promise<Access<DB, Names, Tables>>;
}

const unknownKey = ['missing', 'malformed', 'not_found'];

/**
 * Makes the gate of requests out of the modules; `createTenantry` does it for a whole application.
 *
 * @example
 * ```ts
 * import { createGate, type GateDeps } from 'tenantry/access';
 *
 * // For those who wire the modules themselves; `createTenantry` does it.
 * async function plansOf(parts: GateDeps<{ notes: { tenant_id: string } }>, headers: Headers): Promise<string> {
 *   const access = await createGate(parts).authenticate(headers);
 *   return access.plan;
 * }
 * ```
 */
export function createGate<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
>(parts: GateDeps<DB, Names, Tables>): Gate<DB, Names, Tables> {
  const deps = {
    ...parts,
    tenancy: { ...parts.tenancy, scope: rememberScopes(parts.tenancy) },
    leaseOf: rememberLeases(parts.plans.leases),
  };
  const { clock = systemClock, seatPolicy } = deps;
  // Without a policy here, the keys module decides over its own.
  const ofKeys: SeatPolicy = seatPolicy ?? { policy: 'allow' };
  const ofUsers: SeatPolicy = seatPolicy ?? { policy: 'block' };

  const placeOf = (tenantId: string, memberId: string | undefined, options?: CallOptions) =>
    memberId === undefined || deps.seatPlaceOf === undefined
      ? undefined
      : () => deps.seatPlaceOf?.(tenantId, memberId, options) ?? Promise.resolve(0);

  type Result = AccessResult<DB, Names, Tables>;
  type Session = Pick<Admission, 'session' | 'impersonator'>;
  const ownSession: Session = { session: null, impersonator: null };

  /**
   * What a key may do. Refused, too, for more members than seats, and by what else the request must hold: before anything is
   * spent of the limits of the key.
   */
  async function verifyKey(
    secret: string | undefined,
    { unless, ...options }: VerifyOptions = {},
    holds?: Holds<DB, Names, Tables>,
  ): Promise<Result> {
    let readOnly = false;
    let held: Access<DB, Names, Tables> | undefined;
    async function seats({ tenant, member, exceeded }: AcceptedKey) {
      if (exceeded === null) return undefined;
      const taker = { owner: false, placeOf: placeOf(tenant.id, member?.id) };
      const effect = await seatEffect(ofKeys, exceeded, taker, clock());
      readOnly = effect === 'read-only';
      return effect === 'refuse' ? 'seats_exceeded' : undefined;
    }
    async function refusal(accepted: AcceptedKey) {
      const reason = (await unless?.(accepted)) ?? (await seats(accepted));
      if (reason !== undefined) return reason;
      held = accessByKey(accepted, readOnly);
      await holds?.(held);
      return undefined;
    }
    const asks = (accepted: AcceptedKey) =>
      accepted.exceeded !== null || unless !== undefined || holds !== undefined ? refusal(accepted) : undefined;
    const result = await deps.apiKeys.verify(secret, { ...options, unless: asks });
    if (!result.ok) return result;
    return { ok: true, access: result.left === null && held ? held : accessByKey(result, readOnly) };
  }

  function accessByKey({ key, tenant, member, left }: AcceptedKey, readOnly: boolean): Access<DB, Names, Tables> {
    const { id, kind, plan, anchorAt, entitlementRevision, subscriptionStatus, seatsBought } = tenant;
    const { planSince: since, planTerms: terms } = tenant;
    return accessOf(deps, {
      tenant: { id, kind, anchorAt, entitlementRevision, subscriptionStatus },
      plan,
      key,
      left,
      ...ownSession,
      member: member === null ? null : { id: member.id, userId: member.userId, role: member.role },
      grants: member === null ? [] : liveGrants(member.grants, clock()),
      readOnly,
      userId: member?.userId ?? null,
      role: member?.role ?? null,
      entitlement: { plan, anchorAt, revision: entitlementRevision, seatsBought, since, terms },
    });
  }

  /** A token without a tenant acts for the one that the request names. */
  async function verifyToken(token: string, named: string | undefined, options?: CallOptions): Promise<Result> {
    const result = await deps.auth?.authenticate(token, options);
    if (result === undefined) return { ok: false, reason: 'malformed' };
    if (!result.ok) return result;
    const { userId, tenantId, sessionId, impersonator } = result.claims;
    const wanted = tenantId ?? named;
    const session = { session: sessionId === null ? null : { id: sessionId }, impersonator };
    return verifyUser({ userId, ...(wanted !== undefined && { tenantId: wanted }) }, session, options);
  }

  async function verifyUser(input: ResolveInput, session: Session, options?: CallOptions): Promise<Result> {
    const resolved = await deps.tenancy.resolve(input, options);
    if (!resolved.ok) return resolved;
    const { tenantId, role, memberId, grants, exceeded, tenant } = resolved;
    const taker = { owner: role === 'owner', placeOf: placeOf(tenantId, memberId ?? undefined, options) };
    const effect = await seatEffect(ofUsers, exceeded, taker, clock());
    if (effect === 'refuse') return { ok: false, reason: 'seats_exceeded' };
    const { kind, plan, anchorAt, entitlementRevision, subscriptionStatus } = tenant;
    const access = accessOf(deps, {
      tenant: { id: tenantId, kind, anchorAt, entitlementRevision, subscriptionStatus },
      plan,
      key: null,
      left: null,
      ...session,
      member: memberId === null ? null : { id: memberId, userId: input.userId, role },
      grants,
      readOnly: effect === 'read-only',
      userId: input.userId,
      role,
      entitlement: undefined,
    });
    return { ok: true, access };
  }

  async function verifyHeaders(
    headers: HeadersLike,
    named: string | undefined,
    options?: VerifyOptions,
    holds?: Holds<DB, Names, Tables>,
  ): Promise<{ readonly result: Result; readonly shown: 'key' | 'token' }> {
    const credential = readCredential(headers);
    if (credential?.kind === 'bearer' && deps.auth?.looksLikeToken(credential.value)) {
      const result = await verifyToken(credential.value, named, options);
      if (result.ok) await holds?.(result.access);
      return { result, shown: 'token' };
    }
    return { result: await verifyKey(credential?.value, options, holds), shown: 'key' };
  }

  async function authenticate(
    headers: HeadersLike,
    named: string | undefined,
    options?: VerifyOptions,
    holds?: Holds<DB, Names, Tables>,
  ) {
    const { result, shown } = await verifyHeaders(headers, named, options, holds);
    if (result.ok) return result.access;
    if (shown === 'token') throw refusedUser(result, '(of this token)', 'access.authenticate');
    const { reason } = result;
    if (reason === 'tenant_in_maintenance') throw inMaintenance('(of this key)');
    if ('limitOf' in result) throw spent(result);
    throw new TenantryError(unknownKey.includes(reason) ? 'unauthenticated' : 'key_refused', { reason });
  }

  async function forUser(input: ResolveInput, options?: CallOptions): Promise<Access<DB, Names, Tables>> {
    const result = await verifyUser(input, ownSession, options);
    if (result.ok) return result.access;
    throw refusedUser(result, input.tenantId ?? '(of this user)', 'access.forUser');
  }

  return {
    verify: async (headers, options) => (await verifyHeaders(headers, undefined, options)).result,
    authenticate: (headers, options) => authenticate(headers, undefined, options),

    async forRequest(request, { userId } = {}, { demands, ...options } = {}) {
      const tenantId = await deps.tenancy.named(request, options);
      if (userId !== undefined) {
        if (tenantId === null) throw new TenantryError('tenant_not_found', { tenant: '(of this request)' });
        const access = await forUser({ userId, ...(tenantId !== undefined && { tenantId }) }, options);
        await demands?.(access);
        return access;
      }
      if (tenantId === undefined) return authenticate(request.headers, undefined, options, demands);
      return authenticate(request.headers, tenantId ?? undefined, options, (access) => {
        if (tenantId === access.tenant.id) return demands?.(access);
        throw new TenantryError('tenant_not_found', { tenant: '(of this request)' });
      });
    },

    forUser,
  };

  /** The error for a user who is not let in, or for a token. */
  function refusedUser({ reason }: Extract<Result, { ok: false }>, tenantId: string, operation: string): TenantryError {
    if (reason === 'tenant_suspended') return new TenantryError('tenant_suspended', { tenantId });
    if (reason === 'tenant_in_maintenance') return inMaintenance(tenantId);
    if (reason === 'tenant_not_found') return new TenantryError('tenant_not_found', { tenant: tenantId });
    if (reason === 'seats_exceeded') return new TenantryError('seats_exceeded', { tenantId });
    if (reason === 'tenant_ambiguous' || reason === 'tenant_required') {
      return new TenantryError('tenant_required', { operation });
    }
    return new TenantryError('unauthenticated', { reason });
  }

  function spent({ reason, limitOf, retryAt, left }: SpendDenial): TenantryError {
    const uses = reason === 'quota_exceeded' ? left?.uses : undefined;
    if (uses == null) {
      const rate = limitOf === 'key' ? left?.rate : left?.tenantRate;
      const known = rate == null ? {} : { limit: rate.limit, resetsAt: rate.resetsAt.toISOString() };
      return new TenantryError('rate_limited', { limitOf, retryAt: retryAt?.toISOString() ?? '', ...known });
    }
    const { amount: limit, used, resetsAt } = uses;
    const details = { meter: 'uses of the key', limit, used, requested: 1, resetsAt: resetsAt?.toISOString() ?? null };
    return new TenantryError('quota_exceeded', details);
  }
}
