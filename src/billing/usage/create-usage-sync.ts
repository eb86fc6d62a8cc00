import { createHash } from 'node:crypto';
import type { Usage, UsageExport } from '../../plans/index.ts';
import { putOffFlag, readFlag } from '../flag-store.ts';
import type { Ground, Held } from '../ground.ts';
import { workFlags } from '../work-flags.ts';
import { meterMoment } from './meter-moment.ts';
import { type MeteredState, readMetered, watchMetered } from './store.ts';
import { createTellOnce } from './tell-once.ts';
import { forgetTelling } from './telling-store.ts';

/** How usage is taken to the provider. */
export interface UsageSyncOptions {
  /** What knows of the usage: `plans.usage`. */
  readonly usage: Pick<Usage, 'export' | 'periods'>;
  /** How often each tenant is looked at, in minutes; 15 when absent. */
  readonly everyMinutes?: number;
}

/** Takes usage to the provider. */
export interface UsageSync {
  /**
   * Tells the provider of what a tenant used beyond its quotas since it was told last, in the running periods and in those
   * to which late units came. Gives how many units that were.
   *
   * @throws TenantryError what the provider throws; the same is told under the same name then, and counted once.
   */
  sync(tenantId: string): Promise<number>;
  /** Does so for every tenant whose time has come. */
  workDue(options?: { readonly limit?: number }): Promise<{ readonly done: number; readonly failed: number }>;
}

const kind = 'usage';
/** What is told within this of one another may come under the same minute. */
const sameMinuteMilliseconds = 120_000;
/** How far back a provider takes usage. */
const farthestMilliseconds = 34 * 86_400_000;

/** Makes what takes usage to the provider's meters. */
export function createUsageSync(ground: Ground, { usage, everyMinutes = 15 }: UsageSyncOptions): UsageSync {
  const { db, clock, provider, prices, alone } = ground;

  async function exportAll(
    { tenantId, ask }: Held,
    { customerId, billingStart, lookupKeys }: MeteredState,
  ): Promise<number> {
    const sold = prices.prices.filter(({ lookupKey, meter }) => meter !== null && lookupKeys.includes(lookupKey));
    const meterOf = new Map(sold.map(({ quota, meter }) => [quota, meter]));
    const send = async ({ id, quota, periodStart, units }: UsageExport): Promise<void> => {
      const eventName = meterOf.get(quota);
      // What the subscription has no price for is not billed; the next one does not bill it either.
      if (eventName === undefined || eventName === null) return;
      const identifier = createHash('sha256').update(id).digest('base64url');
      const at = meterMoment({ usedIn: periodStart, billingStart, now: clock() });
      const event = { identifier, customerId, eventName, units, at };
      await once(event, () => ask('usage', [identifier, at], (call) => provider.meter(event, call)));
    };
    const once = createTellOnce(ground, tenantId);
    let told = 0;
    for (const at of await momentsOf(tenantId, [...meterOf.keys()])) told += await usage.export(tenantId, send, { at });
    await forgetTelling(db, tenantId, new Date(clock().getTime() - sameMinuteMilliseconds));
    return told;
  }

  /** A moment in each period whose counters may have changed since the provider was told, and now. */
  async function momentsOf(tenantId: string, quotas: readonly (string | null)[]): Promise<Date[]> {
    const now = clock();
    const farthest = now.getTime() - farthestMilliseconds;
    const flag = await readFlag(db, kind, tenantId);
    // Counters that nothing was added to since the last success have nothing new; an hour for transactions under way.
    const since = flag === null || flag.attempts > 0 ? 0 : flag.updatedAt.getTime() - 3_600_000;
    const starts = new Set<number>();
    for (const quota of quotas) {
      if (quota === null) continue;
      for (const { start, updatedAt } of await usage.periods(tenantId, { meter: quota, limit: 100 })) {
        if (start.getTime() > farthest && updatedAt.getTime() >= since) starts.add(start.getTime());
      }
    }
    return [...[...starts].sort((a, b) => a - b).map((start) => new Date(start)), now];
  }

  const sync: UsageSync = {
    async sync(tenantId) {
      if ((await readMetered(db, tenantId)) === null) return 0;
      return alone(tenantId, async (held) => {
        const state = await readMetered(db, tenantId);
        return state === null ? 0 : exportAll(held, state);
      });
    },

    async workDue({ limit = 100 } = {}) {
      await watchMetered(db, clock());
      return workFlags(ground, { kind, limit }, async (tenantId) => {
        const now = clock();
        await sync.sync(tenantId);
        const until = new Date(now.getTime() + everyMinutes * 60_000);
        await putOffFlag(db, kind, tenantId, { until, now, error: null });
      });
    },
  };
  return sync;
}
