import type { Work } from './work.ts';

/**
 * What a tenant that ends has beyond its plan goes on with the default target: all of it where that is made for it, with the
 * moment at which it signed for the plan, so that it keeps its version. A target that was there before keeps its own terms,
 * and only learns that there are grants, which come to it: without that it would never burn them.
 */
export function carryTerms({ draft, old, main, retired }: Work): void {
  const target = draft.get('tenants', main.tenantId);
  if (!retired || target === undefined) return;
  if (draft.before('tenants', main.tenantId) === undefined) {
    const plan_since = target.plan === old.plan ? (old.plan_since ?? old.created_at) : null;
    draft.set('tenants', { ...target, plan_terms: old.plan_terms ?? null, plan_since });
    return;
  }
  const come = old.plan_terms?.granted;
  if (come === undefined) return;
  const { plan_terms: terms } = target;
  const granted = { ...terms?.granted };
  for (const [meter, until] of Object.entries(come)) granted[meter] = later(granted[meter], until);
  draft.set('tenants', { ...target, plan_terms: { ...terms, granted } });
}

/** The later of two ends; null is never. */
function later(one: number | null | undefined, other: number | null): number | null {
  if (one === undefined) return other;
  return one === null || other === null ? null : Math.max(one, other);
}
