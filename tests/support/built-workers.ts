import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'tsup';
import type { TestProject } from 'vitest/node';
import type { Worker } from './worker-file.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the built programs. */
    workers: string;
  }
}

const workers: readonly Worker[] = [
  'lease-worker',
  'migrate-worker',
  'quota-worker',
  'retenant-worker',
  'webhook-worker',
];

/**
 * Builds the programs that tests start and kill, each into one file: such a program lives for a moment, and would spend
 * most of it on reading hundreds of sources.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cache = join(import.meta.dirname, '../../node_modules/.cache/tenantry');
  await mkdir(cache, { recursive: true });
  // Below the checkout, so that they find their packages.
  const directory = await mkdtemp(join(cache, 'workers-'));
  await build({
    config: false,
    silent: true,
    entry: workers.map((name) => join(import.meta.dirname, `${name}.ts`)),
    outDir: directory,
    outExtension: () => ({ js: '.mjs' }),
    format: 'esm',
    target: 'node22',
  });
  project.provide('workers', directory);
  return () => rm(directory, { recursive: true, force: true });
}
