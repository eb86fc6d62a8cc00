import { type HeadersLike, TenantryError } from '../core/index.ts';
import type { CallOptions } from '../database/index.ts';
import { readCredential } from '../http/index.ts';
import type { PlanNames } from '../plans/index.ts';
import type { DeclarationsOf, ResolveInput } from '../tenancy/index.ts';
import type { Access, AccessResult } from './access.ts';
import { accessOf } from './access-of.ts';
import type { GateDeps } from './gate-deps.ts';

/** Lets requests in. */
export interface Gate<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
> {
  /**
   * Lets a request in by its API key, from `Authorization: Bearer` or `X-API-Key`. One statement.
   *
   * @throws TenantryError `unauthenticated` when the key is missing, malformed or not found; `key_refused` with the
   * reason when it is known and does not open.
   */
  authenticate(headers: HeadersLike, options?: CallOptions): Promise<Access<DB, Names, Tables>>;
  /** Does what {@link Gate.authenticate} does, and gives the refusal as a value. */
  verify(headers: HeadersLike, options?: CallOptions): Promise<AccessResult<DB, Names, Tables>>;
  /**
   * Lets a user in whom the application has recognised itself, by a session of its own. Ask on every request: a
   * membership may have ended since the last. Two statements.
   *
   * @throws TenantryError `tenant_not_found` where the user may not act; `tenant_suspended`; `tenant_required` when no
   * tenant is named and the user may act for several.
   */
  forUser(input: ResolveInput, options?: CallOptions): Promise<Access<DB, Names, Tables>>;
}

const unknownKey = ['missing', 'malformed', 'not_found'];

/** Makes the gate of requests out of the modules; `createTenantry` does it for a whole application. */
export function createGate<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
>(deps: GateDeps<DB, Names, Tables>): Gate<DB, Names, Tables> {
  async function verify(headers: HeadersLike, options?: CallOptions): Promise<AccessResult<DB, Names, Tables>> {
    const result = await deps.apiKeys.verify(readCredential(headers)?.value, options);
    if (!result.ok) return result;
    const { key, tenant, member } = result;
    const { id, kind, plan, anchorAt, entitlementRevision, subscriptionStatus, seatsBought } = tenant;
    const access = accessOf(deps, {
      tenant: { id, kind, anchorAt, entitlementRevision, subscriptionStatus },
      plan,
      key,
      member,
      userId: member?.userId ?? null,
      role: member?.role ?? null,
      entitlement: { plan, anchorAt, revision: entitlementRevision, seatsBought },
    });
    return { ok: true, access };
  }

  return {
    verify,

    async authenticate(headers, options) {
      const result = await verify(headers, options);
      if (result.ok) return result.access;
      const { reason } = result;
      throw new TenantryError(unknownKey.includes(reason) ? 'unauthenticated' : 'key_refused', { reason });
    },

    async forUser(input, options) {
      const named = input.tenantId ?? '(of this user)';
      const resolved = await deps.tenancy.resolve(input, options);
      if (!resolved.ok) {
        if (resolved.reason === 'tenant_suspended') throw new TenantryError('tenant_suspended', { tenantId: named });
        if (resolved.reason === 'tenant_not_found') throw new TenantryError('tenant_not_found', { tenant: named });
        throw new TenantryError('tenant_required', { operation: 'access.forUser' });
      }
      const { tenantId, role, memberId, tenant } = resolved;
      const { kind, plan, anchorAt, entitlementRevision, subscriptionStatus } = tenant;
      return accessOf(deps, {
        tenant: { id: tenantId, kind, anchorAt, entitlementRevision, subscriptionStatus },
        plan,
        key: null,
        member: memberId === null ? null : { id: memberId, userId: input.userId, role },
        userId: input.userId,
        role,
        entitlement: undefined,
      });
    },
  };
}
