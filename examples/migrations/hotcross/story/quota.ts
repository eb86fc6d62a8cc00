import { isTenantryError } from 'tenantry/core';
import { type Application, callsPerMonth, withKey } from '../application.ts';
import { grouped } from '../print.ts';
import type { Story } from './story.ts';

/** What was granted of a quota. */
export interface ConsumeOutcome {
  readonly limit: number;
  readonly granted: number;
}

const callers = 64;

/** Lets 64 callers with an old key use one call after the other, until each is refused. */
export async function drainQuota(
  { printer, promise }: Story,
  { access }: Application,
  secret: string,
): Promise<ConsumeOutcome> {
  const grants = await Promise.all(
    Array.from({ length: callers }, async () => {
      const granted = await access.authenticate(withKey(secret));
      // More than the whole quota for one caller would mean that it holds nobody back: then nobody waits for the end.
      for (let count = 0; ; count += 1) {
        if (count > callsPerMonth) return count;
        try {
          await granted.consume('calls', 1);
        } catch (error) {
          if (isTenantryError(error, 'quota_exceeded')) return count;
          throw error;
        }
      }
    }),
  );
  const granted = grants.reduce((sum, count) => sum + count, 0);
  printer.say(`${callers} callers with one old key use up ${grouped(callsPerMonth)} calls, one at a time`);
  promise(granted === callsPerMonth, `${grouped(granted)} granted, to the last unit and not one more`);
  return { limit: callsPerMonth, granted };
}
