import { setTimeout as wait } from 'node:timers/promises';
import { TenantryError } from '../../core/index.ts';

interface Stoppable {
  readonly migration: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Ends a run between two pieces of work when its caller asked for it.
 *
 * @throws TenantryError `migration_stopped`.
 */
export function refuseStopped({ migration, signal }: Stoppable, step: string): void {
  if (signal?.aborted === true) throw new TenantryError('migration_stopped', { migration, step });
}

/**
 * Waits, and no longer than until the caller asks to stop.
 *
 * @throws TenantryError `migration_stopped`.
 */
export async function rest(work: Stoppable, milliseconds: number, step: string): Promise<void> {
  await wait(milliseconds, undefined, work.signal === undefined ? {} : { signal: work.signal }).catch(() => undefined);
  refuseStopped(work, step);
}
