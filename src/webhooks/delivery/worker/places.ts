import type { BusyEndpoint } from './claim-store.ts';

/** The places that a worker has for attempts. An attempt that takes long gives its place to others. */
export interface Places {
  /** How many attempts may begin. */
  free(): number;
  /** How many are under way, with those that take long. */
  running(): number;
  /** Endpoints at which fewer than usual may begin. */
  busy(): ReadonlyMap<string, BusyEndpoint>;
  /** Takes a place for an attempt. */
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

/** How many times the concurrency attempts may be under way that take long. */
const slowRoom = 4;
/** How many endpoints are remembered as slow. */
const mostSlow = 10_000;

/**
 * Makes the places of a worker. An endpoint at which an attempt took long has one place, until an attempt there is quick:
 * so it costs the others next to nothing.
 */
export function createPlaces({ concurrency, perEndpoint, slowAfterMilliseconds }: PlacesRules): Places {
  const underWay = new Map<string, number>();
  const slow = new Set<string>();
  let quickOnes = 0;
  let all = 0;
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
    free: () => Math.max(0, Math.min(concurrency - quickOnes, (1 + slowRoom) * concurrency - all)),
    running: () => all,

    busy() {
      const all = new Set([...underWay.keys(), ...slow]);
      return new Map(
        [...all].map((id) => [id, { places: slow.has(id) ? 1 : perEndpoint, taken: underWay.get(id) ?? 0 }]),
      );
    },

    take(endpointId) {
      let quick = true;
      let over = false;
      change(endpointId, 1);
      all += 1;
      quickOnes += 1;
      const timer = setTimeout(() => {
        quick = false;
        quickOnes -= 1;
        noteSlow(endpointId);
        wake();
      }, slowAfterMilliseconds);
      function ended(): void {
        if (over) return;
        over = true;
        clearTimeout(timer);
        all -= 1;
        if (quick) {
          quickOnes -= 1;
          slow.delete(endpointId);
        }
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
