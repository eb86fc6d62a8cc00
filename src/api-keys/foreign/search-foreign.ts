import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import { factsOf, type KeyFacts, type VerificationPolicy } from '../judge.ts';
import { findHashes, isLookup } from '../look-up.ts';
import { upgradeDigest } from '../store.ts';
import type { DigestForm, ForeignForm, HashForm } from './foreign-form.ts';
import { createSlowLane } from './slow-lane.ts';

/** A look-up that too many others wait for. */
export const crowded = Symbol('crowded');

/** What a search found: a key, nothing, or too many who search. */
export type Found = KeyFacts | null | typeof crowded;

/** Finds keys by what other systems stored of their secrets. */
export interface ForeignSearch {
  /** Finds the key of a secret that has one of these forms and was not found by its own digest. */
  find(secret: string, digest: string, forms: readonly ForeignForm[], joined: AnyDatabase | undefined): Promise<Found>;
  /** Resolves when what was begun beside the calls has ended. */
  settled(): Promise<void>;
}

/** What {@link createForeignSearch} is made from. */
export interface ForeignSearchDeps {
  readonly db: AnyDatabase;
  readonly policy: VerificationPolicy;
  /** Finds a key by its digest. */
  readonly lookUp: (digest: string, joined: AnyDatabase | undefined) => Promise<KeyFacts | null>;
}

/**
 * Makes what finds keys by foreign digests and hashes. What it finds is stored by the secret's own digest beside the call,
 * in the place of the foreign one: so whoever finds nothing looks once more for the own digest, which another call, or
 * another process, may have stored between the two looks.
 */
export function createForeignSearch({ db, policy, lookUp }: ForeignSearchDeps): ForeignSearch {
  const lane = createSlowLane();
  /** What is being stored, and the first slow searches, each by the digest of its secret. */
  const upgrades = new Map<string, Promise<void>>();
  const searches = new Map<string, Promise<Found>>();

  async function byDigest({ digestOf }: DigestForm, secret: string, digest: string, joined: AnyDatabase | undefined) {
    const theirs = digestOf?.(secret).toLowerCase();
    return theirs === undefined || theirs === digest ? undefined : lookUp(theirs, joined);
  }

  /** Looks up and verifies in the slow lane, so that neither the processor nor the pool is taken from other keys. */
  async function compare({ verify }: HashForm, secret: string, lookup: string, joined: AnyDatabase | undefined) {
    const comparing = lane.run(async () => {
      for (const row of await findHashes(libraryOf(joined ?? db), lookup)) {
        if (await verify(secret, row.hash ?? '')) return factsOf(row, policy);
      }
      return null;
    });
    return comparing ?? crowded;
  }

  /** Of calls of one secret that come at once, the first computes; the others find what it stored. */
  async function byHash(form: HashForm, secret: string, digest: string, joined: AnyDatabase | undefined) {
    const lookup = form.lookupOf(secret);
    if (!isLookup(lookup)) return undefined;
    if (joined !== undefined) return compare(form, secret, lookup, joined);
    const first = searches.get(digest);
    if (first !== undefined) {
      await first.catch(() => undefined);
      await upgrades.get(digest);
      const own = await lookUp(digest, undefined);
      if (own !== null) return own;
    }
    const search = compare(form, secret, lookup, undefined);
    if (searches.has(digest)) return search;
    // Before those who wait go on, it is stored by its own digest, or on the way there.
    const stored = search
      .then((found) => {
        if (found !== null && found !== crowded) upgrade(found, digest);
        return found;
      })
      .finally(() => searches.delete(digest));
    searches.set(digest, stored);
    return stored;
  }

  /** From the next call on the secret is found as any other. Nobody waits for that, and it may fail: then once more. */
  function upgrade(facts: KeyFacts, digest: string): void {
    if (facts.digest === digest || upgrades.has(digest)) return;
    const storing = upgradeDigest(db, facts.digest, digest)
      .catch(() => undefined)
      .finally(() => upgrades.delete(digest));
    upgrades.set(digest, storing);
  }

  return {
    async find(secret, digest, forms, joined) {
      let looked = false;
      for (const form of forms) {
        const found =
          'verify' in form ? await byHash(form, secret, digest, joined) : await byDigest(form, secret, digest, joined);
        if (found === undefined) continue;
        looked = true;
        if (found === null) continue;
        if (found !== crowded && joined === undefined) upgrade(found, digest);
        return found;
      }
      return looked ? lookUp(digest, joined) : null;
    },

    async settled() {
      await Promise.all(upgrades.values());
    },
  };
}
