import { availableParallelism } from 'node:os';

/**
 * Runs so many pieces of work at a time and lets the others wait for their turn. Hashes are work for the few threads that
 * files and names of hosts need too, and one more than there are processors only takes time from the event loop.
 */
export function createTurns(atOnce: number = Math.min(3, availableParallelism())) {
  let running = 0;
  const waiting: (() => void)[] = [];

  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      // The turn goes to the next one without being given back.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
