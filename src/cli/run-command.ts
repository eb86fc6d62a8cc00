import { CommanderError } from 'commander';
import { isTenantryError } from '../core/index.ts';
import type { Perform } from './action.ts';
import { connect } from './connect.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { createProgram } from './program.ts';
import type { Terminal } from './terminal.ts';
import { errorText } from './text/error-text.ts';
import { UsageError } from './usage-error.ts';

/** Runs the words of a command line. Gives the exit code. */
export async function runCommand(words: readonly string[], terminal: Terminal, version: string): Promise<number> {
  const json = words.includes('--json');
  let exit: number = exitCodes.done;
  const said: string[] = [];
  const perform: Perform = async (command, work) => {
    const { url } = command.opts<{ url?: string }>();
    const connection = await connect(url, command.name(), terminal);
    try {
      const outcome = await work(connection);
      exit = outcome.exit;
      if (json) terminal.out(JSON.stringify({ command: command.name(), exit, result: outcome.json }, null, 2));
      else if (outcome.text !== '') terminal.out(outcome.text);
    } finally {
      await connection.close();
    }
  };
  try {
    const program = createProgram({
      terminal,
      version,
      perform,
      async doctor(flags) {
        const { doctorCommand } = await import('./doctor/doctor-command.ts');
        exit = await doctorCommand(flags, terminal);
      },
      write: (text) => said.push(text),
    });
    await program.parseAsync([...words], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError && isHelp(error)) {
      terminal.out(said.join('').trimEnd());
      return exitCodes.done;
    }
    const problem = error instanceof CommanderError ? usageOf(error) : error;
    exit = exitCodeOf(problem);
    if (json) terminal.out(JSON.stringify({ exit, error: errorJson(problem) }, null, 2));
    else terminal.note(errorText(problem, exit));
    return exit;
  }
}

/** Asked for, or called without a word: a group without a command tells what it has. */
function isHelp({ code }: CommanderError): boolean {
  return ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(code);
}

function usageOf(error: CommanderError): UsageError {
  const text = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return new UsageError(`${text}; see tenantry --help`, { cause: error });
}

function errorJson(error: unknown): Record<string, unknown> {
  if (isTenantryError(error)) return { code: error.code, message: error.message, details: error.details };
  const message = error instanceof Error && error.message !== '' ? error.message : errorText(error, 1);
  return { code: error instanceof UsageError ? 'usage' : 'unexpected', message };
}
