import type { Random } from './random.ts';

/**
 * How a request fails. `error`: 500 before anything happens, not kept under the idempotency key. `error-after-effect`: 500
 * although everything happened, and kept. `rate-limit`: 429. `conflict`: 409, as when another
 * request with the same key is still worked on. `timeout-before` and `timeout-after-effect`: no answer comes,
 * and nothing happened or everything did. `drop`: the connection breaks, and whether anything happened is chance.
 */
export type FaultKind =
  | 'error'
  | 'error-after-effect'
  | 'rate-limit'
  | 'conflict'
  | 'timeout-before'
  | 'timeout-after-effect'
  | 'drop';

/** Which requests fail, and how. */
export interface FaultOptions {
  /** How many requests fail; all that match, when neither this nor `rate` is given. */
  readonly next?: number;
  /** The share of requests that fail, from 0 to 1, until the fault is taken away. */
  readonly rate?: number;
  /** Only requests of this method and path; a path may end in `*`. */
  readonly match?: { readonly method?: string; readonly path?: string };
  /** One kind, or several of which chance picks one each time; `error` when absent. */
  readonly how?: FaultKind | readonly FaultKind[];
}

/** The faults that are set. */
export interface Faults {
  /** Sets a fault; what comes back takes it away. */
  set(options: FaultOptions): () => void;
  clear(): void;
  /** How this request fails, if it does. */
  pick(method: string, path: string): PickedFault | undefined;
}

/** The fault that befalls a request. */
export interface PickedFault {
  readonly how: FaultKind;
  /** Whether the request has its effect all the same. */
  readonly happens: boolean;
}

/** Makes the faults, whose chances repeat with the seed. */
export function createFaults(random: Random): Faults {
  const set = new Set<{ readonly options: FaultOptions; left: number }>();
  return {
    set(options) {
      const fault = { options, left: options.next ?? Number.POSITIVE_INFINITY };
      set.add(fault);
      return () => {
        set.delete(fault);
      };
    },
    clear: () => set.clear(),
    pick(method, path) {
      for (const fault of set) {
        const { match, rate, how = 'error' } = fault.options;
        if (match?.method !== undefined && match.method.toUpperCase() !== method) continue;
        if (match?.path !== undefined && !fits(match.path, path)) continue;
        if (rate !== undefined && !random.chance(rate)) continue;
        fault.left -= 1;
        if (fault.left <= 0) set.delete(fault);
        const kind = typeof how === 'string' ? how : (how[Math.floor(random.next() * how.length)] ?? 'error');
        return { how: kind, happens: kind.endsWith('after-effect') || (kind === 'drop' && random.chance(0.5)) };
      }
      return undefined;
    },
  };
}

function fits(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}
