import type { LegacyCustomer } from './customers.ts';
import { type GenerateSize, logWindow, shares } from './options.ts';
import { createRandom } from './random.ts';
import { endpoints } from './words.ts';

/** Generated API calls, column by column. Times are milliseconds since 1970. */
export interface CallBatch {
  readonly ids: number[];
  readonly customerIds: string[];
  readonly endpoints: string[];
  readonly statusCodes: number[];
  readonly durations: number[];
  readonly calledAts: number[];
  /** How many of them are of customers who are gone. */
  readonly gone: number;
}

const statusCodes = [
  [200, 930],
  [304, 20],
  [400, 15],
  [401, 5],
  [404, 12],
  [429, 10],
  [500, 6],
  [503, 2],
] as const;
const endpointWeights = endpoints.map(({ path, weight }) => [path, weight] as const);

/**
 * Generates the call log in batches, oldest first. Customers with a key that was used call, old ones the most, nobody
 * after their key was revoked; a few calls are of customers who are gone. The ids have gaps, as where a purge deleted.
 */
export function* generateCalls(
  customers: readonly LegacyCustomer[],
  { calls, seed }: GenerateSize,
  batchSize = 20_000,
): Generator<CallBatch> {
  const random = createRandom(seed, 'calls');
  const gone = Array.from({ length: Math.max(3, Math.ceil(customers.length / 250)) }, () => random.uuid());
  const callers = customers.flatMap(({ id, key }) =>
    key === null || key.lastUsedAt === null ? [] : [{ id, until: key.revokedAt ?? logWindow.to }],
  );
  const step = (logWindow.to - logWindow.from) / Math.max(calls, 1);

  function callerAt(time: number): string {
    for (let attempt = 0; attempt < 20 && callers.length > 0; attempt += 1) {
      // The square of an even draw favours the front of the list: those who signed up first.
      const draw = random.next();
      const caller = callers[Math.floor(draw * draw * callers.length)];
      if (caller !== undefined && caller.until > time) return caller.id;
    }
    return random.pick(gone);
  }

  let id = 0;
  for (let start = 0; start < calls; start += batchSize) {
    const batch = { ids: [], customerIds: [], endpoints: [], statusCodes: [], durations: [], calledAts: [] };
    yield fill(batch, Math.min(calls, start + batchSize), start);
  }

  function fill(batch: Omit<CallBatch, 'gone'>, end: number, start: number): CallBatch {
    let orphans = 0;
    const isGone = new Set(gone);
    for (let index = start; index < end; index += 1) {
      id += random.chance(0.002) ? 1 + random.below(2500) : 1;
      const time = Math.floor(logWindow.from + (index + random.next()) * step);
      const customerId = random.chance(shares.callOfGone) ? random.pick(gone) : callerAt(time);
      if (isGone.has(customerId)) orphans += 1;
      batch.ids.push(id);
      batch.customerIds.push(customerId);
      batch.endpoints.push(random.weighted(endpointWeights));
      batch.statusCodes.push(random.weighted(statusCodes));
      batch.durations.push(3 + random.below(40) * random.below(40));
      batch.calledAts.push(time);
    }
    return { ...batch, gone: orphans };
  }
}
