import { runCommand } from '../../src/cli/run-command.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

/** What a command said in this process. */
export interface Said {
  readonly exit: number;
  readonly out: string;
  readonly notes: string;
}

/** Runs a command line in this process, where no person sits. */
export async function sayCommand(words: readonly string[]): Promise<Said> {
  const out: string[] = [];
  const notes: string[] = [];
  const terminal: Terminal = {
    interactive: false,
    width: () => 100,
    out: (text) => out.push(text),
    note: (text) => notes.push(text),
    passing: () => undefined,
    confirm: async () => false,
    hide: () => undefined,
  };
  const exit = await runCommand(words, terminal, '1.2.3');
  return { exit, out: out.join('\n'), notes: notes.join('\n') };
}
