import type { FetchFailure } from './target.ts';

/** The time that a request has, and the caller's wish to end it earlier. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Why the signal was given. */
  reason(): Extract<FetchFailure, 'deadline' | 'aborted'>;
}

/** Does work that ends, at the latest, after so many milliseconds or when the caller wants; the timer ends with it. */
export async function withDeadline<Result>(
  milliseconds: number,
  outer: AbortSignal | undefined,
  work: (deadline: Deadline) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  let passed = false;
  const abort = (): void => controller.abort();
  const timer = setTimeout(() => {
    passed = true;
    abort();
  }, milliseconds);
  outer?.addEventListener('abort', abort, { once: true });
  if (outer?.aborted) abort();
  try {
    return await work({ signal: controller.signal, reason: () => (passed ? 'deadline' : 'aborted') });
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', abort);
  }
}

/** Waits for something that cannot be ended, and no longer than the signal lets it. */
export function unlessAborted<Result>(signal: AbortSignal, pending: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    pending.then(resolve, reject);
    const end = (): void => reject(new Error('aborted'));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
