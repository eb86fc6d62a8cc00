import { type Clock, TenantryError } from '../core/index.ts';
import { libraryOf } from '../database/handle.ts';
import { type AnyDatabase, type CallOptions, createCoalescer } from '../database/index.ts';
import { asUnavailable } from '../database/unavailable.ts';
import type { KeyCache } from './cache/key-cache.ts';
import type { ForeignForm } from './foreign/foreign-form.ts';
import { createForeignSearch, crowded, type Found } from './foreign/search-foreign.ts';
import { factsOf, judge, type KeyFacts, type KeyQuestion, type StateDenial, type VerificationPolicy } from './judge.ts';
import type { KeyRow } from './key-row.ts';
import type { LastUsed } from './last-used.ts';
import type { Spender } from './limits/spend.ts';
import { findKeys } from './look-up.ts';
import { digestOf, parseToken } from './token.ts';
import type { AcceptedKey, KeyVerification } from './verification.ts';

/** What a call asks of a key, and whether it spends. */
export interface VerifyOptions extends CallOptions, KeyQuestion {
  /** False looks only: nothing is spent of rates and uses, and the key does not count as used. */
  readonly spend?: boolean;
  /**
   * Why the call is refused, by what only the caller knows; undefined: it is not. Asked once the key itself is in order, and
   * before anything is spent. What it throws, `verify` throws.
   */
  readonly unless?: (accepted: AcceptedKey) => StateDenial | undefined | Promise<StateDenial | undefined>;
}

/** What {@link createVerifier} is made from. */
export interface VerifierDeps {
  readonly db: AnyDatabase;
  readonly clock: Clock;
  readonly prefix: string;
  readonly forms: readonly ForeignForm[];
  readonly policy: VerificationPolicy;
  readonly spender: Spender;
  readonly lastUsed: LastUsed | null;
  /** What is remembered, while that may be used. */
  readonly cache: () => KeyCache | undefined;
}

/** Recognises keys. */
export interface Verifier {
  verify(secret: string | null | undefined, options?: VerifyOptions): Promise<KeyVerification>;
  /** Finds a key whether it opens or not; null when nobody has it. */
  find(secret: string, options?: CallOptions): Promise<KeyFacts | null>;
  /** Resolves when what was begun beside the calls has ended. */
  settled(): Promise<void>;
}

/** What is longer is no key of anybody. */
const longestSecret = 512;

/** Of so many callers or more that one statement answers, half are answered a turn later. */
const crowd = 16;

/** Makes what recognises keys. */
export function createVerifier(deps: VerifierDeps): Verifier {
  const { db, clock, prefix, forms, policy, spender, lastUsed, cache } = deps;
  const library = libraryOf(db);
  let underWay = 0;

  /**
   * Looks up what the callers of one tick want, in one statement. Callers who were all answered at once would all be back
   * at once, and this process and the server would wait for each other in turn: so when no other statement is under way,
   * half are answered first, and the server has their next one before the answers of the rest are read.
   */
  async function read(digests: readonly string[]): Promise<readonly (KeyFacts | null | Promise<KeyFacts | null>)[]> {
    underWay += 1;
    const found = await findKeys(library, digests).finally(() => {
      underWay -= 1;
    });
    const answer = (digest: string): KeyFacts | null => factsFound(found(digest));
    if (underWay > 0 || digests.length < crowd) return digests.map(answer);
    const first = digests.slice(0, Math.ceil(digests.length / 2)).map(answer);
    const rest = digests.slice(first.length);
    // Those who go on to spend share a statement too, and would miss each other.
    if (first.some((facts) => facts !== null && spender.costs(facts))) return [...first, ...rest.map(answer)];
    const turn = new Promise<void>((resolve) => setImmediate(resolve));
    return [...first, ...rest.map((digest) => turn.then(() => answer(digest)))];
  }

  function factsFound(row: KeyRow | undefined): KeyFacts | null {
    return row === undefined ? null : factsOf(row, policy);
  }

  /** The database says what is so; a look-up shares its statement with those of the same tick. */
  const share = createCoalescer({ run: (_key, digests: readonly string[]) => read(digests), concurrency: 2 });

  function lookUp(digest: string, joined: AnyDatabase | undefined): Promise<KeyFacts | null> {
    return joined === undefined
      ? share('', digest)
      : findKeys(libraryOf(joined), [digest]).then((found) => factsFound(found(digest)));
  }

  const elsewhere = createForeignSearch({ db, policy, lookUp });

  /** Looks a secret up; nothing that is remembered is used, but what is found is. */
  async function learn(secret: string, digest: string, joined: AnyDatabase | undefined): Promise<Found | undefined> {
    const foreign = forms.filter(({ pattern }) => pattern.test(secret));
    if (foreign.length === 0 && parseToken(secret)?.prefix !== prefix) return undefined;
    const memory = joined === undefined ? cache() : undefined;
    const fence = memory?.begin();
    const search = async (): Promise<Found> =>
      (await lookUp(digest, joined)) ?? elsewhere.find(secret, digest, foreign, joined);
    const facts = await search().catch((error: unknown) => {
      throw asUnavailable(error, 'apiKeys.verify');
    });
    if (fence !== undefined && facts !== crowded) memory?.store(digest, facts, fence);
    return facts;
  }

  /** Once in a second is enough for a key that is remembered. */
  function noteUse(facts: KeyFacts, now: number): void {
    if (lastUsed === null || Math.abs(now - facts.notedAt) < 1000) return;
    facts.notedAt = now;
    lastUsed.note(facts.accepted.tenant.id, facts.accepted.key.id, now);
  }

  function spend(facts: KeyFacts, now: Date, joined: AnyDatabase | undefined): Promise<KeyVerification> {
    return spender.spend(facts, now, joined).then(
      (result) => {
        if (result.ok) noteUse(facts, now.getTime());
        return result;
      },
      (error: unknown) => {
        throw asUnavailable(error, 'apiKeys.verify');
      },
    );
  }

  function decide(facts: KeyFacts, now: Date, options: VerifyOptions): KeyVerification | Promise<KeyVerification> {
    const { accepted } = facts;
    const go = (reason: StateDenial | undefined): KeyVerification | Promise<KeyVerification> => {
      if (reason !== undefined) return { ok: false, reason };
      if (options.spend === false) return accepted;
      if (spender.costs(facts)) return spend(facts, now, options.db);
      noteUse(facts, now.getTime());
      return accepted;
    };
    const reason = judge(facts, now.getTime(), options);
    const more = reason === undefined ? options.unless?.(accepted) : reason;
    return more instanceof Promise ? more.then(go) : go(more);
  }

  return {
    async verify(secret, options = {}) {
      if (secret === undefined || secret === null || secret === '') return { ok: false, reason: 'missing' };
      if (typeof secret !== 'string' || secret.length > longestSecret) return { ok: false, reason: 'malformed' };
      // What is remembered had the right form, so the hash alone decides.
      const digest = digestOf(secret);
      let facts: Awaited<ReturnType<typeof learn>> = options.db === undefined ? cache()?.get(digest) : undefined;
      if (facts === undefined) facts = await learn(secret, digest, options.db);
      const now = clock();
      if (facts === undefined) return { ok: false, reason: 'malformed' };
      if (facts === null) return { ok: false, reason: 'not_found' };
      if (facts === crowded) {
        const retryAt = new Date(now.getTime() + 1000);
        return { ok: false, reason: 'rate_limited', limitOf: 'process', retryAt, left: null };
      }
      return decide(facts, now, options);
    },

    async find(secret, options = {}) {
      if (typeof secret !== 'string' || secret === '' || secret.length > longestSecret) return null;
      for (let tries = 0; tries < 100; tries += 1) {
        const facts = await learn(secret, digestOf(secret), options.db);
        if (facts !== crowded) return facts ?? null;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new TenantryError('database_unavailable', { operation: 'apiKeys.find' });
    },

    settled: elsewhere.settled,
  };
}
