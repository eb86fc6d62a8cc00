import { CommanderError } from 'commander';
import { isTenantryError, TenantryError } from '../core/index.ts';
import { sqlstateOf } from '../database/install.ts';
import { asUnavailable } from '../database/unavailable.ts';
import type { Perform } from './action.ts';
import { completionsOf } from './completion.ts';
import { connect } from './connect.ts';
import { pathOf } from './examples.ts';
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
  let running = 'tenantry';
  const perform: Perform = async (command, work) => {
    running = `tenantry ${pathOf(command)}`;
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
    const completions = completionsOf(program, words);
    if (completions !== undefined) {
      terminal.out(completions.join('\n'));
      return exitCodes.done;
    }
    await program.parseAsync([...words], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError && isHelp(error)) {
      terminal.out(said.join('').trimEnd());
      return exitCodes.done;
    }
    const problem = error instanceof CommanderError ? usageOf(error) : problemOf(error, running);
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

/** What the driver says of a database that is not there, or not prepared, in the words of the library. */
function problemOf(error: unknown, operation: string): unknown {
  const isMissing = ['42P01', '3F000'].includes(sqlstateOf(error)) && error instanceof Error;
  if (isMissing && error.message.includes('tenantry.')) {
    return new TenantryError('schema_missing', { schema: 'tenantry' }, { cause: error });
  }
  return asUnavailable(error, operation);
}

function usageOf(error: CommanderError): UsageError {
  const text = error.message
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .replaceAll('\n', ' ');
  return new UsageError(`${text}; see tenantry --help`, { cause: error });
}

function errorJson(error: unknown): Record<string, unknown> {
  if (isTenantryError(error)) return { code: error.code, message: error.message, details: error.details };
  const message = error instanceof Error && error.message !== '' ? error.message : errorText(error, 1);
  return { code: error instanceof UsageError ? 'usage' : 'unexpected', message };
}
