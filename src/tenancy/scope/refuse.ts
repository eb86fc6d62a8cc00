import { TenantryError } from '../../core/index.ts';

/**
 * Refuses what cannot be scoped.
 *
 * @throws TenantryError `scope_unsupported`.
 */
export function refuse(what: string, remedy: string): never {
  throw new TenantryError('scope_unsupported', { what, remedy });
}
