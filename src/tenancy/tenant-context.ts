import { AsyncLocalStorage } from 'node:async_hooks';
import { TenantryError } from '../core/index.ts';
import { checkedTenantId } from './scope/tenant-id.ts';

/** For which tenant a job works, known to everything that it calls. */
export interface TenantContext {
  /**
   * Runs work for one tenant. What it awaits knows the tenant; what it leaves running after its end does not any more.
   *
   * @throws TenantryError `tenant_required`; `tenant_not_found` for an id that is no UUID; `tenant_mismatch` within the
   * work of another tenant.
   */
  run<Result>(tenantId: string, work: () => Promise<Result>): Promise<Result>;
  /**
   * The tenant that the caller works for.
   *
   * @throws TenantryError `tenant_required` outside of `run`, and after its work has ended.
   */
  current(): string;
  /** What a job carries to know its tenant elsewhere: plain data for a queue. */
  carry(): { readonly tenantId: string };
}

/**
 * Makes a context of tenants for jobs. There is no default: code that runs outside of it, or after the work that it belonged
 * to has ended, gets an error and not the tenant of another job.
 *
 * @example
 * ```ts
 * import { createTenantContext } from 'tenantry/tenancy';
 *
 * const context = createTenantContext();
 * const acme = '0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90';
 * const job = await context.run(acme, async () => context.carry()); // { tenantId: '0199f3c2-…' }, for the queue
 * await context.run(job.tenantId, async () => context.current()); // '0199f3c2-…'; outside of it, throws tenant_required
 * ```
 */
export function createTenantContext(): TenantContext {
  const storage = new AsyncLocalStorage<{ readonly tenantId: string; ended: boolean }>();
  const current = (): string => {
    const place = storage.getStore();
    if (place === undefined || place.ended)
      throw new TenantryError('tenant_required', { operation: 'context.current' });
    return place.tenantId;
  };
  return {
    current,
    carry: () => ({ tenantId: current() }),
    async run(tenantId, work) {
      const checked = checkedTenantId(tenantId, 'context.run');
      const around = storage.getStore();
      if (around !== undefined && !around.ended && around.tenantId !== checked) {
        throw new TenantryError('tenant_mismatch', { expected: around.tenantId, actual: checked });
      }
      const place = { tenantId: checked, ended: false };
      try {
        return await storage.run(place, work);
      } finally {
        place.ended = true;
      }
    },
  };
}
