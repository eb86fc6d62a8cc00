import { type Per, type Period, periodInZones, periodOf } from '../core/period-of.ts';
import type { Entitlement } from './evaluate-entitlement.ts';
import type { EntitlementFacts } from './store.ts';

/** The period of an entitlement that holds a moment; limits have one that never ends. */
export function periodAt(
  { per, every, from }: Pick<Entitlement, 'per' | 'every' | 'from'>,
  facts: Pick<EntitlementFacts, 'anchorAt' | 'terms'>,
  now: Date,
): Period {
  const kind: Per = per === 'none' ? 'once' : per;
  const zones = facts.terms?.zones;
  if (from === 'anchor' && zones === undefined) return periodOf(facts.anchorAt, kind, now, { every });
  const changes = (zones ?? []).map(({ zone, at }) => ({ zone, at: new Date(at) }));
  return periodInZones(from === 'calendar' ? from : facts.anchorAt, kind, now, { every, changes });
}

/** Names the kind of a period in the key of a counter: a quota per month and one per quarter are counted apart. */
export function counterPer({ per, every }: Pick<Entitlement, 'per' | 'every'>): string {
  return every === 1 ? per : `${every} ${per}`;
}
