import type { BusyEndpoint } from './claim-store.ts';

/** The places that a worker has for attempts. An attempt that takes long gives its place to others. */
export interface Places {
  /** How many attempts may begin. */
  free(): number;
  /** How many are under way, with those that take long. */
  running(): number;
  /** Endpoints at which fewer than usual may begin. */
  busy(): ReadonlyMap<string, BusyEndpoint>;
  /** Takes a place for an attempt: one beside the others where the endpoint is known to take long. */
  take(endpointId: string): Place;
  /** Resolves when a place came free since it was asked last, or after so many milliseconds. */
  freed(milliseconds: number): Promise<void>;
  /** Ends a wait as if a place had come free. */
  wake(): void;
}

/** A place that was taken. */
export interface Place {
  /** The attempt ended: another may begin, at another endpoint. */
  ended(): void;
  /** It is written what came of it: another may begin at its endpoint too. */
  recorded(): void;
}

/** What {@link createPlaces} goes by. */
export interface PlacesRules {
  readonly concurrency: number;
  readonly perEndpoint: number;
  readonly slowAfterMilliseconds: number;
}

/** How many times the concurrency there are places for endpoints that are known to take long. */
const slowRoom = 4;
/** How many times the concurrency attempts may be under way in all, those with them that only turned out to take long. */
const mostRoom = 8;
/** How many endpoints are remembered as slow. */
const mostSlow = 2000;

/**
 * Makes the places of a worker. An endpoint takes places from others only until it is known to be slow: `perEndpoint` of
 * them for `slowAfterMilliseconds` at most. From then on, until an attempt there is quick, its attempts begin at places
 * beside, of which it has one where they become few.
 */
export function createPlaces({ concurrency, perEndpoint, slowAfterMilliseconds }: PlacesRules): Places {
  const underWay = new Map<string, number>();
  const slow = new Set<string>();
  let quickOnes = 0;
  let slowOnes = 0;
  let woken = false;
  let resume: () => void = () => undefined;

  function wake(): void {
    woken = true;
    resume();
  }

  function change(endpointId: string, by: 1 | -1): void {
    const count = (underWay.get(endpointId) ?? 0) + by;
    if (count === 0) underWay.delete(endpointId);
    else underWay.set(endpointId, count);
  }

  function noteSlow(endpointId: string): void {
    slow.add(endpointId);
    const [oldest] = slow;
    if (slow.size > mostSlow && oldest !== undefined) slow.delete(oldest);
  }

  return {
    free: () => Math.max(0, Math.min(concurrency - quickOnes, mostRoom * concurrency - quickOnes - slowOnes)),
    running: () => quickOnes + slowOnes,

    busy() {
      const room = slowRoom * concurrency;
      const places = slowOnes >= room ? 0 : slowOnes >= room / 2 ? 1 : perEndpoint;
      const named = places < perEndpoint ? new Set([...underWay.keys(), ...slow]) : underWay.keys();
      return new Map(
        [...named].map((id) => [id, { places: slow.has(id) ? places : perEndpoint, taken: underWay.get(id) ?? 0 }]),
      );
    },

    take(endpointId) {
      let quick = !slow.has(endpointId);
      let over = false;
      change(endpointId, 1);
      if (quick) quickOnes += 1;
      else slowOnes += 1;
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        noteSlow(endpointId);
        if (!quick) return;
        quick = false;
        quickOnes -= 1;
        slowOnes += 1;
        wake();
      }, slowAfterMilliseconds);
      function ended(): void {
        if (over) return;
        over = true;
        clearTimeout(timer);
        if (quick) quickOnes -= 1;
        else slowOnes -= 1;
        if (!late) slow.delete(endpointId);
        wake();
      }
      return {
        ended,
        recorded() {
          ended();
          change(endpointId, -1);
          wake();
        },
      };
    },

    wake,

    async freed(milliseconds) {
      if (!woken) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, milliseconds);
          resume = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      woken = false;
    },
  };
}
