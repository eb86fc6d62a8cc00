import { isUuid, TenantryError } from '../core/index.ts';
import type { AnyDatabase, CallOptions } from '../database/index.ts';
import { addHostname, findByLookup, listHostnames, removeHostname } from './store.ts';
import type { Resolution, ResolveInput } from './tenant.ts';
import { normalHost, type RequestLike, type TenantSource } from './tenant-sources.ts';

/** The domains of their own under which tenants are reached. */
export interface Hostnames {
  /**
   * Makes a host name lead to a tenant. Whether the tenant may have that domain is for the application to prove before.
   * Doing it again changes nothing.
   *
   * @throws TenantryError `domain_invalid`; `domain_taken` when it leads to another tenant; `tenant_not_found`.
   */
  add(input: { readonly tenantId: string; readonly hostname: string }, options?: CallOptions): Promise<string>;
  /** Takes a host name away from a tenant; false when it had no such name. */
  remove(input: { readonly tenantId: string; readonly hostname: string }, options?: CallOptions): Promise<boolean>;
  /** The host names of a tenant, in the order of the alphabet. */
  list(tenantId: string, options?: CallOptions): Promise<readonly string[]>;
}

/** Tenants as requests name them. */
export interface RequestTenants {
  /**
   * The id of the tenant that a request names, by the first source that names one; null when that is no tenant, and
   * undefined when none names any. It tells nothing of whether the caller may act there.
   */
  named(request: RequestLike, options?: CallOptions): Promise<string | null | undefined>;
  /**
   * Tells whether a user may act for the tenant that a request names, or for the one that the user has when it names
   * none. The answer is the same for a tenant that does not exist and for one of others. Ask on every request.
   */
  resolveRequest(request: RequestLike, input: Pick<ResolveInput, 'userId'>, options?: CallOptions): Promise<Resolution>;
  readonly hostnames: Hostnames;
}

/** Makes what finds the tenants of requests. */
export function createRequestTenants(
  db: AnyDatabase,
  sources: readonly TenantSource[],
  resolve: (input: ResolveInput, options?: CallOptions) => Promise<Resolution>,
): RequestTenants {
  async function named(request: RequestLike, options?: CallOptions): Promise<string | null | undefined> {
    for (const source of sources) {
      const found = await source(request);
      if (found === undefined) continue;
      if ('name' in found && isUuid(found.name)) return found.name.toLowerCase();
      const lookup =
        'name' in found
          ? { kind: 'slug', value: found.name.toLowerCase() }
          : { kind: 'hostname', value: normalHost(found.hostname) ?? '' };
      // Nobody has such a name, and PostgreSQL takes no NUL.
      const isNone = lookup.value.length > 253 || lookup.value.includes('\0');
      const tenant = isNone ? null : await findByLookup(options?.db ?? db, lookup);
      return tenant?.tenantId ?? null;
    }
    return undefined;
  }

  function checkedHostname(hostname: string): string {
    const normal = normalHost(hostname);
    if (normal?.includes('.')) return normal;
    const problem = 'must be the full name of a host, such as app.acme.com';
    throw new TenantryError('domain_invalid', { domain: String(hostname).slice(0, 253), problem });
  }

  function checkedTenant(tenantId: string): string {
    if (!isUuid(tenantId)) throw new TenantryError('tenant_not_found', { tenant: String(tenantId) });
    return tenantId.toLowerCase();
  }

  return {
    named,
    async resolveRequest(request, { userId }, options) {
      const tenantId = await named(request, options);
      if (tenantId === null) return { ok: false, reason: 'tenant_not_found' };
      return resolve({ userId, ...(tenantId !== undefined && { tenantId }) }, options);
    },
    hostnames: {
      async add({ tenantId, hostname }, options) {
        const tenant = checkedTenant(tenantId);
        const name = checkedHostname(hostname);
        const leads = await addHostname(options?.db ?? db, tenant, name);
        if (leads === null) throw new TenantryError('tenant_not_found', { tenant });
        if (leads !== tenant) throw new TenantryError('domain_taken', { domain: name });
        return name;
      },
      remove: async ({ tenantId, hostname }, options) =>
        removeHostname(options?.db ?? db, checkedTenant(tenantId), checkedHostname(hostname)),
      list: async (tenantId, options) => listHostnames(options?.db ?? db, checkedTenant(tenantId)),
    },
  };
}
