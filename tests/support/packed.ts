import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { inject } from 'vitest';
import { until } from './until.ts';

/** The packed package: its file, and an empty project of a user's into which it was installed. */
export interface Packed {
  readonly files: readonly string[];
  readonly tarball: string;
  readonly project: string;
}

/** What became of it. */
export type PackedOutcome = { readonly packed: Packed } | { readonly failure: string };

/** The packed package, once it is there. */
export async function packedPackage(): Promise<Packed> {
  const file = inject('packed');
  await until(() => existsSync(file));
  const outcome: PackedOutcome = JSON.parse(await readFile(file, 'utf8'));
  if ('failure' in outcome) throw new Error(outcome.failure);
  return outcome.packed;
}
