import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../core/index.ts';
import { type JsonWebKeySet, readPublicKey } from './json-web-key.ts';

/** Finds the public key of a `kid`; null when there is none. */
export type FindKey = (kid: string) => Promise<KeyObject | null>;

/** Where public keys come from, and for how long they are remembered. */
export interface PublicKeysOptions {
  /** Reads the set: from a table, or by `fetch` from another service. */
  readonly load: () => Promise<JsonWebKeySet>;
  /** For how many milliseconds a set is taken as it is; 5 minutes when absent. */
  readonly maxAge?: number;
  /** For how many milliseconds a `kid` that is unknown does not load the set again; 10 seconds when absent. */
  readonly cooldown?: number;
}

/**
 * Remembers public keys. One that is unknown loads the set again, at most once in the cooldown, so that tokens with made-up
 * names of keys cannot make a server load without end. While loading fails, the keys that are known go on for an hour.
 */
export function createPublicKeys(
  { load, maxAge = 300_000, cooldown = 10_000 }: PublicKeysOptions,
  clock: Clock,
): FindKey {
  let keys = new Map<string, KeyObject>();
  let loadedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let loading: Promise<void> | undefined;

  async function reload(): Promise<void> {
    triedAt = clock().getTime();
    const set = await load();
    if (!Array.isArray(Object(set).keys))
      throw new TypeError('what was loaded is no JSON Web Key Set: it has no list of keys');
    const found = set.keys.flatMap((jwk) => readPublicKey(jwk) ?? []);
    keys = new Map(found.map(({ kid, key }) => [kid, key]));
    loadedAt = triedAt;
  }

  function reloadOnce(): Promise<void> {
    loading ??= reload().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  return async (kid) => {
    const now = clock().getTime();
    const rested = now - triedAt >= cooldown || now < triedAt;
    if (now - loadedAt >= maxAge || now < loadedAt) {
      const fresh = rested || loading !== undefined ? reloadOnce() : Promise.resolve();
      const known = keys.has(kid) && now - loadedAt < 3_600_000;
      await (known ? fresh.catch(() => undefined) : fresh);
    } else if (!keys.has(kid) && (rested || loading !== undefined)) {
      await reloadOnce();
    }
    return keys.get(kid) ?? null;
  };
}
