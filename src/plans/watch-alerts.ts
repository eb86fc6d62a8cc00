import { createBoundedMap } from '../core/bounded-map.ts';
import type { Clock, EventSink, Ids } from '../core/index.ts';
import { type AnyDatabase, inTransaction } from '../database/index.ts';
import { run } from '../database/run.ts';
import type { Entitlement } from './evaluate-entitlement.ts';
import type { PlanEvent } from './events.ts';
import type { Ground } from './ground.ts';
import { counterKeyParameters } from './store.ts';

/** Notices that a counter crossed a percentage of its amount. */
export type Watch = (ground: Ground, used: number, alerted: number | null, joined?: AnyDatabase) => Promise<void>;

/** The tenant is locked before the counter (see `burn-store.ts`): what is told is written for the tenant. */
const markText = `
  with tenant as materialized (
    select tenant_id from tenantry.tenants where tenant_id = $1::uuid for key share
  )
  update tenantry.usage_counters set alerted = $5::integer
  where exists (select from tenant) and tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
    and coalesce(alerted, 0) = $6::integer
  returning used`;

const readText = `
  select coalesce(alerted, 0) as alerted from tenantry.usage_counters
  where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz`;

/**
 * Makes what tells of alerts. What was told last stands with the counter, and is changed in the transaction in which the
 * event is told, so each crossing is told once, whichever process sees it first. When that fails, it is tried again with
 * the next call that sees the counter; the units are used all the same.
 */
export function createWatch({
  db,
  clock,
  ids,
  events,
}: {
  readonly db: AnyDatabase;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly events: EventSink<PlanEvent, AnyDatabase> | undefined;
}): Watch {
  const told = createBoundedMap<string, number>(10_000);

  async function tell(ground: Ground, used: number, from: number, to: number, tx: AnyDatabase): Promise<void> {
    const { key, entitlement } = ground;
    const [marked] = await run(tx, markText, [...counterKeyParameters(key), to, from]);
    if (marked === undefined) return;
    const direction = to > from ? 'up' : 'down';
    const crossed = entitlement.alerts.filter((one) => one > Math.min(from, to) && one <= Math.max(from, to));
    for (const percentage of direction === 'up' ? crossed : crossed.toReversed()) {
      await events?.(
        {
          id: ids(),
          name: 'usage.alert',
          tenantId: key.tenantId,
          occurredAt: clock(),
          data: { meter: key.meter, percentage, direction, used, limit: entitlement.amount, periodStart: key.start },
        },
        tx,
      );
    }
  }

  return async (ground, used, alerted, joined) => {
    const { key, entitlement } = ground;
    if (events === undefined || entitlement.alerts.length === 0) return;
    const level = levelOf(entitlement, used);
    const name = `${key.tenantId} ${key.meter} ${key.per} ${key.start.getTime()}`;
    if (alerted === null ? told.get(name) === level : alerted === level) return;
    const work = async (tx: AnyDatabase): Promise<void> => {
      const [row] =
        alerted === null ? await run<{ alerted: number }>(tx, readText, counterKeyParameters(key)) : [{ alerted }];
      if (row !== undefined && row.alerted !== level) await tell(ground, used, row.alerted, level, tx);
    };
    if (joined !== undefined) {
      await work(joined);
      return;
    }
    try {
      await inTransaction(db, undefined, work);
      told.set(name, level);
    } catch {
      told.delete(name);
    }
  };
}

/** The highest percentage that is reached; 0: none. */
function levelOf({ amount, alerts }: Pick<Entitlement, 'amount' | 'alerts'>, used: number): number {
  if (amount === 'unlimited' || used === 0) return 0;
  // Whole numbers, so that 80 % of 10 is reached by 8 and not by what a fraction rounds to.
  return alerts.findLast((percentage) => BigInt(used) * 100n >= BigInt(amount) * BigInt(percentage)) ?? 0;
}
