import type { CallOptions } from '../../database/index.ts';
import type { TokenClaims } from '../tokens/token-claims.ts';
import type { Toolbox } from '../toolbox.ts';
import { readMembership } from './refresh-store.ts';

/** Why a user may not act for a tenant. */
export type TenantDenial = 'tenant_not_found' | 'tenant_suspended' | 'tenant_in_maintenance';

/** What the module needs to know of tenants; a `Tenancy` fits. */
export interface AuthTenancy {
  /** Tells whether a user may act, for which tenant and in which role. */
  resolve(
    input: { readonly userId: string; readonly tenantId?: string },
    options?: CallOptions,
  ): Promise<
    | { readonly ok: true; readonly tenantId: string; readonly role: string; readonly memberId: string | null }
    | { readonly ok: false; readonly reason: string }
  >;
  /** Makes the tenant of a new user. */
  provision(
    input: {
      readonly userId: string;
      readonly name?: string;
      readonly slug?: string;
      readonly email?: string;
      readonly ownerName?: string;
    },
    options?: CallOptions,
  ): Promise<{ readonly tenantId: string }>;
}

/** The tenant for which a session acts, and as what. */
export type Acting = Pick<TokenClaims, 'tenantId' | 'role' | 'member'>;

const nowhere: Acting = { tenantId: null, role: null, member: null };

/** Tells for which tenant a user acts: the one that is named, or none is named and there is one alone. */
export async function actingOf(
  { db }: Pick<Toolbox, 'db'>,
  tenancy: AuthTenancy | undefined,
  { userId, tenantId }: { readonly userId: string; readonly tenantId: string | null },
  options: CallOptions | undefined,
): Promise<Acting | TenantDenial> {
  if (tenancy === undefined) return tenantId === null ? nowhere : 'tenant_not_found';
  const found = await tenancy.resolve({ userId, ...(tenantId !== null && { tenantId }) }, options);
  if (!found.ok) {
    if (tenantId === null) return nowhere;
    const { reason } = found;
    return reason === 'tenant_suspended' || reason === 'tenant_in_maintenance' ? reason : 'tenant_not_found';
  }
  const { role, memberId } = found;
  if (memberId === null) return { tenantId: found.tenantId, role, member: null };
  const membership = await readMembership(options?.db ?? db, found.tenantId, memberId);
  if (membership === null) return tenantId === null ? nowhere : 'tenant_not_found';
  return {
    tenantId: found.tenantId,
    role: membership.role,
    member: { id: memberId, version: membership.version },
  };
}
