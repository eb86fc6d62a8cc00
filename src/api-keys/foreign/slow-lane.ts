/** Runs slow work, a few at a time. */
export interface SlowLane {
  /** Runs work in its turn; `undefined` when too many wait already. */
  run<Result>(work: () => Result | Promise<Result>): Promise<Result> | undefined;
}

/**
 * Makes a lane for slow work. A slow hash is an attack on the processor: whoever sends secrets that must be hashed keeps
 * only this lane busy, and is turned away when it is full.
 */
export function createSlowLane({
  width = 2,
  length = 64,
}: {
  readonly width?: number;
  readonly length?: number;
} = {}): SlowLane {
  let running = 0;
  const waiting: (() => void)[] = [];

  async function turn(): Promise<void> {
    if (running < width) {
      running += 1;
      return;
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }

  return {
    run(work) {
      if (running >= width && waiting.length >= length) return undefined;
      const go = async (): Promise<Awaited<ReturnType<typeof work>>> => {
        await turn();
        try {
          return await work();
        } finally {
          leave();
        }
      };
      return go();
    },
  };
}
