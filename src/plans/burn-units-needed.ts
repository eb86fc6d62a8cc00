import type { Ground } from './ground.ts';

/** Whether what is left of a meter stands in more than one counter: there are windows, or grants. */
export function burnUnitsNeeded({ entitlement, grants }: Pick<Ground, 'entitlement' | 'grants'>): boolean {
  return entitlement.within.length > 0 || grants;
}
