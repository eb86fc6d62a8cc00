import type { Command } from 'commander';
import { type GivenOptions, numberOf } from '../arguments.ts';

/** Adds the options of a list that comes in pages. */
export function paged(command: Command): Command {
  return command
    .option('--limit <number>', 'how many at once')
    .option('--cursor <cursor>', 'where the page before ended, as it said');
}

/** Which page is asked for. */
export function pageOf(given: GivenOptions): { readonly limit?: number; readonly cursor?: string } {
  const limit = numberOf(given, 'limit');
  const cursor = given.values.get('cursor');
  return { ...(limit !== undefined && { limit }), ...(cursor !== undefined && { cursor }) };
}
