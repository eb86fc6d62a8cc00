import type { Terminal } from './terminal.ts';

/**
 * Lets Ctrl+C end the work with a whole state: the first time at the next step or batch, the second time by cancelling
 * the statement under way, the third time at once; the migration can be gone on with after each of them.
 *
 * @param cancel - Cancels the statements under way.
 */
export function onInterrupt(terminal: Terminal, cancel: () => Promise<void>): { signal: AbortSignal; end(): void } {
  const stop = new AbortController();
  let times = 0;
  const heard = (): void => {
    times += 1;
    stop.abort();
    if (times === 1) terminal.note('stopping at the next step or batch; once more to cancel the statement under way');
    else if (times === 2) {
      terminal.note('cancelling the statement under way; once more to end at once');
      void cancel().catch(() => undefined);
    } else process.exit(7);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, heard);
  return {
    signal: stop.signal,
    end() {
      for (const signal of signals) process.off(signal, heard);
    },
  };
}
