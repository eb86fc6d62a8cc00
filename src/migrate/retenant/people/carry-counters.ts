import { type Per, periodOf } from '../../../core/period-of.ts';
import type { PeriodShift } from '../rows/decide-library.ts';
import type { CounterRecord, TenantRecord } from './rows.ts';
import { timeText, type Work } from './work.ts';

const most = Number.MAX_SAFE_INTEGER;

/**
 * Adds what a tenant that ends used to what the default target used, in the same period; or leaves it behind, so that
 * everybody begins at nothing. Where the two count their periods from different moments, the running period of the one
 * becomes the running period of the other, so that a merge is no way to a fresh quota.
 */
export function carryCounters(work: Work): PeriodShift[] {
  const { draft, old, main, policies, retired, now, note } = work;
  const target = draft.get('tenants', main.tenantId);
  if (!retired || target === undefined) return [];
  const counters = draft.all('usage_counters').filter(({ tenant_id }) => tenant_id === old.tenant_id);
  if (policies.usage === 'anew') {
    note('usage-left', [...new Set(counters.map(({ meter }) => meter))], 'begin at nothing');
    return [];
  }
  for (const counter of counters) {
    const next = {
      ...counter,
      tenant_id: target.tenant_id,
      period_start: startAt(work, counter, target),
      entitlement_revision: target.entitlement_revision,
    };
    const there = draft.get('usage_counters', next.tenant_id, next.meter, next.per, next.period_start);
    if (there === undefined) draft.carry('usage_counters', counter, next);
    else {
      const used = Math.min(most, there.used + counter.used);
      // What the provider was told of one is not to be told once more of both.
      const exported = (there.exported ?? 0) + (counter.exported ?? 0);
      const told = exported > 0 && { exported: Math.min(most, exported) };
      draft.set('usage_counters', { ...there, ...told, used, updated_at: now });
      draft.join('usage_counters', counter, there);
    }
  }
  return shiftsOf(work, target);
}

/** The running periods that go on at another moment; what members used follows them. */
function shiftsOf({ old, unit }: Work, target: TenantRecord): PeriodShift[] {
  if (old.anchor_at === target.anchor_at) return [];
  return pers.flatMap((per) => {
    const running = (anchor: string): string => timeText(periodOf(new Date(anchor), per, unit.now).start);
    const [from, to] = [running(old.anchor_at), running(target.anchor_at)];
    return from === to ? [] : [{ unit: unit.unit, per, from, to }];
  });
}

const pers: readonly Per[] = ['hour', 'day', 'week', 'month', 'year'];

/** The period of the target in which a counter goes on. */
function startAt({ old, unit }: Work, { per, period_start }: CounterRecord, target: TenantRecord): string {
  if (!isPeriod(per) || old.anchor_at === target.anchor_at) return period_start;
  const running = (anchor: string): string => timeText(periodOf(new Date(anchor), per, unit.now).start);
  return period_start === running(old.anchor_at) ? running(target.anchor_at) : period_start;
}

function isPeriod(per: string): per is Per {
  return pers.some((known) => known === per);
}
