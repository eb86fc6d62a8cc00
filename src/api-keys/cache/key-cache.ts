import { createBoundedMap } from '../../core/bounded-map.ts';
import type { KeyFacts } from '../judge.ts';

/** What the process remembers of keys. */
export interface KeyCache {
  /** What is remembered: facts, null for a key that nobody has, `undefined` for what must be read. */
  get(digest: string): KeyFacts | null | undefined;
  /** Where a look-up stands; ask before it is sent. */
  begin(): Fence;
  /** Remembers what a look-up found; null: nobody has this key. */
  store(digest: string, facts: KeyFacts | null, fence: Fence): void;
  /** Forgets the keys of a tenant. */
  forget(tenantId: string): void;
  /** Forgets the keys of a tenant, and remembers none of them for a while: a change of theirs is not committed yet. */
  shun(tenantId: string): void;
  /** Forgets which keys nobody has: keys were made. */
  forgetAbsent(): void;
  /** Forgets everything. */
  clear(): void;
  readonly size: number;
}

/** Where a look-up stands among the changes. */
export interface Fence {
  /** The number of changes that were told when it was sent. */
  readonly generation: number;
  /** Until when what it finds may be remembered: counted from when it was sent, so that no change is forgotten earlier. */
  readonly until: number;
}

interface Entry extends Fence {
  readonly facts: KeyFacts | null;
}

interface Change {
  readonly generation: number;
  /** Nothing of the tenant is stored before. */
  readonly shunnedUntil: number;
  /** Until then something older may still be remembered. */
  readonly until: number;
}

/** How long the keys of a tenant are not remembered when a transaction of this process changed them. */
const longestTransaction = 10_000;
const mostChanges = 100_000;

/**
 * Makes a bounded memory of look-ups, fenced by a generation that counts the changes that were told. What a look-up found
 * is of the generation in which it was sent, and counts for nothing once its tenant has changed in a later one: nobody
 * knows whether the statement saw the change.
 *
 * @param max How many keys are remembered.
 * @param age How long, in milliseconds.
 * @param now Milliseconds of a clock that is never set.
 */
export function createKeyCache({
  max,
  age,
  now,
}: {
  readonly max: number;
  readonly age: number;
  readonly now: () => number;
}): KeyCache {
  // What nobody has is kept apart: whoever sends made-up keys must not drive out those of users.
  const present = createBoundedMap<string, Entry>(max);
  const absent = createBoundedMap<string, Entry>(Math.ceil(max / 4));
  const changes = new Map<string, Change>();
  let generation = 0;
  let clearedAt = 0;
  let madeAt = 0;

  /** A change is kept for as long as anything from before it may be remembered. */
  function prune(): void {
    const time = now();
    for (const [tenantId, { until }] of changes) if (until <= time) changes.delete(tenantId);
    if (changes.size >= mostChanges) clear();
  }

  function clear(): void {
    generation += 1;
    clearedAt = generation;
    present.clear();
    absent.clear();
    const time = now();
    for (const [tenantId, { shunnedUntil }] of changes) if (shunnedUntil <= time) changes.delete(tenantId);
  }

  function change(tenantId: string, shunFor: number): void {
    if (changes.size >= mostChanges) prune();
    generation += 1;
    const shunnedUntil = Math.max(now() + shunFor, changes.get(tenantId)?.shunnedUntil ?? 0);
    changes.set(tenantId, { generation, shunnedUntil, until: Math.max(shunnedUntil, now()) + age });
  }

  function holds({ facts, generation: of }: Entry): boolean {
    if (of < clearedAt) return false;
    if (facts === null) return of >= madeAt;
    if (changes.size === 0) return true;
    const last = changes.get(facts.accepted.tenant.id);
    return last === undefined || last.generation <= of;
  }

  return {
    get(digest) {
      const entry = present.get(digest) ?? absent.get(digest);
      if (entry === undefined) return undefined;
      if (entry.until > now() && holds(entry)) return entry.facts;
      present.delete(digest);
      absent.delete(digest);
      return undefined;
    },

    begin: () => ({ generation, until: now() + age }),

    store(digest, facts, fence) {
      const entry = { facts, ...fence };
      if (!holds(entry)) return;
      if (facts === null) {
        absent.set(digest, entry);
        return;
      }
      const shunnedUntil = changes.get(facts.accepted.tenant.id)?.shunnedUntil ?? 0;
      if (now() < shunnedUntil) return;
      absent.delete(digest);
      present.set(digest, entry);
    },

    forget: (tenantId) => change(tenantId, 0),
    shun: (tenantId) => change(tenantId, longestTransaction),

    forgetAbsent() {
      generation += 1;
      madeAt = generation;
    },

    clear,

    get size() {
      return present.size + absent.size;
    },
  };
}
