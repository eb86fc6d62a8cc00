import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditActor, AuditContext } from './entry.ts';

/** Who acts, and from where. */
export interface Acting {
  readonly actor: AuditActor;
  readonly context?: AuditContext;
}

/** Remembers who acts during a piece of work and everything that it awaits. */
export interface ActingStore {
  /**
   * Runs work as an actor; within it another may act, and afterwards the one before does again. A function is asked who
   * acts once something is written down, which is cheaper where most work writes nothing down.
   */
  as<Result>(acting: Acting | (() => Acting), work: () => Result): Result;
  /** Who acts now; undefined outside of {@link ActingStore.as}. */
  now(): Acting | undefined;
}

/** Makes a memory of who acts. */
export function createActing(): ActingStore {
  const storage = new AsyncLocalStorage<Acting | (() => Acting)>();
  return {
    as: (acting, work) => storage.run(acting, work),
    now() {
      const acting = storage.getStore();
      return typeof acting === 'function' ? acting() : acting;
    },
  };
}
