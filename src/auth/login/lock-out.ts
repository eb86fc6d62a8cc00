import { createHash } from 'node:crypto';
import type { AnyDatabase } from '../../database/index.ts';
import type { Toolbox } from '../toolbox.ts';
import { addressOf } from './address-of.ts';
import { type BucketRule, clearAttempt, countAttempt } from './attempt-store.ts';

/**
 * How guessing is slowed down. Failures are counted for each user from each address, and for each address. An account is
 * never locked as a whole: whoever fails on purpose holds up only themselves. A user who logged in from an address in the
 * last 30 days is not held up there by what others do.
 */
export interface LockOutOptions {
  /** Of one user from one address; 5 tries are free when absent, then 1, 2, 4 … seconds, at most 15 minutes. */
  readonly user?: Partial<BucketRule>;
  /** Of one address, whoever tries; 100 tries are free when absent, then 30, 60 … seconds, at most 15 minutes. */
  readonly address?: Partial<BucketRule>;
}

/** Counts tries. */
export interface LockOut {
  /** Counts a try; the moment until which it must wait, or null and what to do once it succeeded. */
  attempt(
    db: AnyDatabase,
    emailKey: string,
    ip: string | null,
  ): Promise<{ readonly until: Date } | { readonly until: null; readonly clear: (tx: AnyDatabase) => Promise<void> }>;
}

const day = 86_400_000;

/** Makes what slows guessing down. */
export function createLockOut({ clock }: Pick<Toolbox, 'clock'>, { user, address }: LockOutOptions = {}): LockOut {
  const rules = {
    pair: { free: 5, first: 1, longest: 900, ...user },
    address: { free: 100, first: 30, longest: 900, ...address },
  };
  return {
    async attempt(db, emailKey, ip) {
      // Without an address the only bucket would be the account's, and whoever likes could lock it. A server on a socket
      // file gives an empty one.
      if (ip == null || ip === '') return { until: null, clear: async () => undefined };
      const from = addressOf(ip);
      const now = clock();
      const attempt = {
        pair: bucketOf('pair', emailKey, from),
        address: bucketOf('address', from),
        rules,
        now,
        since: new Date(now.getTime() - day),
        knownSince: new Date(now.getTime() - 30 * day),
      };
      const until = await countAttempt(db, attempt);
      return until === null ? { until, clear: (tx) => clearAttempt(tx, { ...attempt, now: clock() }) } : { until };
    },
  };
}

/** What is stored tells neither who tried nor from where. */
function bucketOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
