import { createCoalescer } from '../../../database/coalesce.ts';
import { inTransaction } from '../../../database/handle.ts';
import { closeEndpoint } from '../endpoints/endpoint-store.ts';
import type { Toolbox } from '../toolbox.ts';
import { completeAttempts, type EndedAttempt } from './complete-store.ts';
import { clearNotices, type EndpointOutcome, type EndpointStanding, markNotice, writeHealth } from './health-store.ts';
import type { DeliveryRules } from './options.ts';
import { quietTime } from './quiet-time.ts';

const day = 86_400_000;
const tries = 4;

/** After which part of the time until an endpoint is disabled its tenant is told: a day and three days of five. */
const noticeParts = [0.2, 0.6];

/** Writes what came of attempts: of those that end together in one statement. */
export interface Recorder {
  /** Resolves when it is written. Rejects when it could not be: the lease then runs out and it is attempted again. */
  record(ended: EndedAttempt): Promise<void>;
}

/** Makes what records attempts and how endpoints are doing. */
export function createRecorder(toolbox: Toolbox, rules: DeliveryRules): Recorder {
  const { db, clock, tell } = toolbox;
  const disableAfter = rules.disableAfterDays * day;

  async function disable(ref: EndpointStanding | EndedAttempt, reason: string): Promise<void> {
    await inTransaction(db, undefined, async (tx) => {
      const closed = await closeEndpoint(tx, ref, 'disabled', reason, clock());
      if (closed?.changed !== true) return;
      const data = { endpointId: ref.endpointId, url: closed.endpoint.url, reason };
      await tell({ name: 'webhook_endpoint.disabled', tenantId: ref.tenantId, data }, tx);
    });
  }

  /** Tells of an endpoint that fails for long, or does no more, and disables it in the end. */
  async function judge(standing: EndpointStanding): Promise<void> {
    const { tenantId, endpointId, url, failingSince, notices, lastReason } = standing;
    if (failingSince === null) {
      if (notices === 0) return;
      await inTransaction(db, undefined, async (tx) => {
        if (!(await clearNotices(tx, standing))) return;
        await tell({ name: 'webhook_endpoint.recovered', tenantId, data: { endpointId, url } }, tx);
      });
      return;
    }
    const failing = clock().getTime() - failingSince.getTime();
    if (failing >= disableAfter) return disable(standing, 'failing');
    const due = noticeParts.filter((part) => failing >= part * disableAfter).length;
    if (due <= notices) return;
    await inTransaction(db, undefined, async (tx) => {
      if (!(await markNotice(tx, standing, due))) return;
      const disabledAt = new Date(failingSince.getTime() + disableAfter);
      const data = { endpointId, url, since: failingSince, disabledAt, lastReason: lastReason ?? '' };
      await tell({ name: 'webhook_endpoint.failing', tenantId, data }, tx);
    });
  }

  async function recordBatch(batch: readonly EndedAttempt[]): Promise<readonly undefined[]> {
    const now = clock();
    await again(() => completeAttempts(db, batch, now));
    try {
      const standings = await writeHealth(db, outcomesOf(batch), rules.circuit, now, quietTime(disableAfter));
      for (const standing of standings) await judge(standing);
      const gone = batch.filter(({ reason, trigger }) => reason === 'gone' && trigger !== 'test');
      for (const one of gone) await disable(one, 'gone');
    } catch (error) {
      // What was delivered is written. How the endpoint is doing will be written with its next attempt.
      rules.hooks.error(error);
    }
    return batch.map(() => undefined);
  }

  const record = createCoalescer<EndedAttempt, undefined>({
    run: (_key, batch) => recordBatch(batch),
    maxBatch: 500,
    concurrency: 2,
  });
  return { record: (ended) => record('', ended) };
}

/** Tries a few times: a database that restarts is back in seconds, and until then nothing is lost but the record. */
async function again(work: () => Promise<void>): Promise<void> {
  for (let done = 1; ; done += 1) {
    try {
      return await work();
    } catch (error) {
      if (done === tries) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100 * 4 ** done));
    }
  }
}

/**
 * What a batch tells of each of its endpoints. Tests and what was cut off tell nothing, and neither does what failed before
 * anything was sent to it: a worker without a key must not have endpoints disabled.
 */
function outcomesOf(batch: readonly EndedAttempt[]): readonly EndpointOutcome[] {
  const outcomes = new Map<string, EndpointOutcome>();
  for (const { tenantId, endpointId, outcome, counts, trigger, startedAt, reason } of batch) {
    if (!counts || trigger === 'test' || reason === 'secret' || reason === 'payload') continue;
    const before = outcomes.get(endpointId);
    outcomes.set(
      endpointId,
      outcome === 'delivered'
        ? { tenantId, endpointId, succeeded: true, failures: 0, firstFailureAt: null, lastReason: null }
        : {
            tenantId,
            endpointId,
            succeeded: before?.succeeded ?? false,
            failures: (before?.failures ?? 0) + 1,
            firstFailureAt: before?.firstFailureAt ?? startedAt,
            lastReason: reason,
          },
    );
  }
  return [...outcomes.values()];
}
