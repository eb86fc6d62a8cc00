import type { CommandContext } from './command.ts';
import { UsageError } from './usage-error.ts';

/** Refuses to change anything where nobody can be asked and `--yes` did not say so. */
export function refuseUnasked({ options, terminal }: CommandContext): void {
  if (options.flags.has('yes') || terminal.interactive) return;
  throw new UsageError('nobody is there to be asked: add --yes to change the database');
}

/** Asks a person before anything is changed, unless `--yes` said so. */
export async function ask({ options, terminal, address }: CommandContext, what: string): Promise<void> {
  if (options.flags.has('yes')) return;
  if (!(await terminal.confirm(`${what} on ${address}?`))) throw new UsageError('nothing was done');
}
