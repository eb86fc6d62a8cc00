import { createBoundedMap } from '../core/bounded-map.ts';
import type { Lease, LeaseOptions, Plans } from '../plans/index.ts';

/** Gives the lease of a tenant's quota; requests with the same options share it. */
export type LeaseOf = (tenantId: string, quota: string, options: LeaseOptions) => Lease;

/** How many leases are remembered. One that is forgotten gives back what is left by itself, when its time is over. */
const most = 10_000;

/** Gives all requests of a tenant the same lease, so that they use the same block. */
export function rememberLeases({ open }: Pick<Plans['leases'], 'open'>): LeaseOf {
  const known = createBoundedMap<string, Lease>(most);
  return (tenantId, quota, options) => {
    const name = `${tenantId} ${options.block} ${options.seconds ?? ''} ${quota}`;
    const before = known.get(name);
    if (before !== undefined) return before;
    const lease = open(tenantId, quota, options);
    known.set(name, lease);
    return lease;
  };
}
