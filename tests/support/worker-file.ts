import { join } from 'node:path';
import { inject } from 'vitest';

/** A program of this folder that tests start, and kill. */
export type Worker = 'lease-worker' | 'migrate-worker' | 'quota-worker' | 'retenant-worker' | 'webhook-worker';

/** The file of a built program. */
export function workerFile(name: Worker): string {
  return join(inject('workers'), `${name}.mjs`);
}
