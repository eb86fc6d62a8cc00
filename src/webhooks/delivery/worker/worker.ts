import type { Toolbox } from '../toolbox.ts';
import type { MakeAttempt } from './attempt.ts';
import { type BusyEndpoint, type ClaimedDelivery, claimDeliveries, type WalkPlace } from './claim-store.ts';
import type { DeliveryRules } from './options.ts';
import { createPlaces } from './places.ts';
import type { Recorder } from './record.ts';
import { cancelClosed, releaseDeliveries } from './release-store.ts';
import { readTargets, type TargetEndpoint } from './target-store.ts';

/** What {@link Webhooks.deliverDue} did. */
export interface DeliveryReport {
  readonly delivered: number;
  /** Attempts that failed, whether they are tried again or not. */
  readonly failed: number;
  /** Whether nothing was due any more. */
  readonly done: boolean;
}

/** A worker that goes on until it is stopped. */
export interface DeliveryWorker {
  /** Looks for work now instead of at the next poll. */
  wake(): void;
  /**
   * Stops: begins nothing more, and waits for what is under way. What is not done after `graceMilliseconds` (the time that
   * an attempt may take, when absent) is cut off and tried again by whoever comes next.
   */
  stop(options?: { readonly graceMilliseconds?: number }): Promise<void>;
}

/** How long a run is. */
export interface RunInput {
  /** Ends when nothing is due. */
  readonly untilIdle: boolean;
  /** Begins nothing more. */
  readonly stop: AbortSignal;
  /** Cuts off what is under way. */
  readonly cut: AbortSignal;
  /** Is handed what ends a wait early. */
  readonly onStart?: (wake: () => void) => void;
}

/** How many endpoints one statement looks at, and how many deliveries it claims. */
const walkWindow = 2000;
const mostClaimed = 500;
const sweepEvery = 10_000;
const patience = 20;

/** Makes what claims deliveries and attempts them, as many at once as there are places. */
export function createRun(
  toolbox: Toolbox,
  rules: DeliveryRules,
  attempt: MakeAttempt,
  recorder: Recorder,
): (input: RunInput) => Promise<DeliveryReport> {
  const { db, clock } = toolbox;

  async function claim(
    limit: number,
    busy: ReadonlyMap<string, BusyEndpoint>,
    places: { readonly after: WalkPlace | null; readonly fromKeys: ReadonlyMap<string, string> },
  ) {
    const now = clock();
    const leaseUntil = new Date(now.getTime() + rules.leaseMilliseconds);
    const { perEndpoint, circuit } = rules;
    const limits = { limit, perEndpoint, probeFrom: circuit.failures, window: walkWindow };
    const claimed = await claimDeliveries(db, { now, leaseUntil, busy, ...places, ...limits });
    if (claimed.deliveries.length === 0) return { ...claimed, targets: new Map<string, TargetEndpoint>(), now };
    try {
      return { ...claimed, targets: await readTargets(db, claimed.deliveries, now), now };
    } catch (error) {
      // They would wait until the lease is over, and one of their tries would be gone.
      await releaseDeliveries(db, claimed.deliveries, now).catch(() => undefined);
      throw error;
    }
  }

  /** One run. It claims for a quarter of the places at least, or for those that there are after a moment. */
  async function run({ untilIdle, stop, cut, onStart }: RunInput): Promise<DeliveryReport> {
    const places = createPlaces(rules);
    const underWay = new Set<Promise<void>>();
    const report = { delivered: 0, failed: 0 };
    let after: WalkPlace | null = null;
    let fromKeys: ReadonlyMap<string, string> = new Map();
    let lap: { found: number; whole: boolean } | null = null;
    let swept = Number.NEGATIVE_INFINITY;
    let failures = 0;

    async function begin(delivery: ClaimedDelivery, target: TargetEndpoint, claimedAt: Date): Promise<void> {
      const place = places.take(delivery.endpointId);
      try {
        const ended = await attempt(delivery, target, { signal: cut });
        place.ended();
        const { outcome, reason, status, durationMilliseconds } = ended;
        await recorder.record(ended);
        report[outcome] += 1;
        const { tenantId, endpointId, type, fence } = delivery;
        const lateMilliseconds = Math.max(0, claimedAt.getTime() - delivery.dueAt.getTime());
        const told = { outcome, reason, status, durationMilliseconds, lateMilliseconds, attempt: fence };
        rules.hooks.attempt({ tenantId, endpointId, type, ...told });
      } catch (error) {
        rules.hooks.error(error);
      } finally {
        place.recorded();
      }
    }

    async function sweep(): Promise<void> {
      const now = clock().getTime();
      if (now - swept < sweepEvery) return;
      swept = now;
      while ((await cancelClosed(db, clock())) > 0);
    }

    onStart?.(places.wake);
    stop.addEventListener('abort', places.wake, { once: true });

    while (!stop.aborted) {
      if (places.free() < rules.concurrency / 4) {
        await places.freed(patience);
        if (places.free() === 0) continue;
      }
      try {
        await sweep();
        // What ends while the claim is made may let others begin that the claim did not see.
        const alone = underWay.size === 0;
        lap ??= { found: 0, whole: fromKeys.size === 0 };
        lap.whole &&= alone;
        const claimed = await claim(Math.min(places.free(), mostClaimed), places.busy(), { after, fromKeys });
        failures = 0;
        if (stop.aborted) {
          await releaseDeliveries(db, claimed.deliveries, claimed.now);
          break;
        }
        after = claimed.next;
        fromKeys = claimed.nextKeys;
        lap.found += claimed.deliveries.length;
        if (claimed.deliveries.length > 0) {
          rules.hooks.claimed({ deliveries: claimed.deliveries.length, running: places.running() });
        }
        for (const delivery of claimed.deliveries) {
          const target = claimed.targets.get(delivery.endpointId);
          if (target === undefined) continue;
          const done = begin(delivery, target, claimed.now).finally(() => underWay.delete(done));
          underWay.add(done);
        }
        if (after !== null || claimed.moreKeys) continue;
        // The walk came to the end. Where it found nothing from its beginning, nothing is due that could begin.
        const { found, whole } = lap;
        lap = null;
        if (alone) fromKeys = new Map();
        if (found > 0 || (alone && !whole)) continue;
        if (untilIdle && whole) return { ...report, done: true };
        await places.freed(rules.pollMilliseconds);
      } catch (error) {
        rules.hooks.error(error);
        failures += 1;
        if (untilIdle && failures === 3) {
          await Promise.all(underWay);
          throw error;
        }
        await places.freed(Math.min(30_000, rules.pollMilliseconds * 2 ** Math.min(failures, 10)));
      }
    }
    await Promise.all(underWay);
    return { ...report, done: false };
  }

  return run;
}
