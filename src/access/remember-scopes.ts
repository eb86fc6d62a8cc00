import { createBoundedMap } from '../core/bounded-map.ts';
import type { DeclarationsOf, Tenancy, TenantDb } from '../tenancy/index.ts';

/** How many tenants' queries are remembered. */
const most = 1000;

/** Gives all requests of a tenant the same queries: they hold nothing of a request, and are dear to make. */
export function rememberScopes<DB, Tables extends DeclarationsOf<DB> | undefined>({
  scope,
}: Pick<Tenancy<DB, Tables>, 'scope'>): (tenantId: string) => TenantDb<DB, Tables> {
  const known = createBoundedMap<string, TenantDb<DB, Tables>>(most);
  return (tenantId) => {
    const before = known.get(tenantId);
    if (before !== undefined) return before;
    const made = scope(tenantId);
    known.set(tenantId, made);
    return made;
  };
}
