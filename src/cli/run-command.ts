import { isTenantryError, systemClock } from '../core/index.ts';
import { readArguments } from './arguments.ts';
import type { CommandContext, CommandOutcome } from './command.ts';
import { commands } from './commands/index.ts';
import { type Connection, connect } from './connect.ts';
import { doctorCommand } from './doctor/doctor-command.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { helpText } from './help.ts';
import { loadDefinition } from './load-definition.ts';
import { onInterrupt } from './on-interrupt.ts';
import type { Terminal } from './terminal.ts';
import { errorText } from './text/error-text.ts';
import { UsageError } from './usage-error.ts';

/** Runs the words of a command line. Gives the exit code. */
export async function runCommand(words: readonly string[], terminal: Terminal, version: string): Promise<number> {
  const json = words.includes('--json');
  try {
    if (words[0] === '--version' || words[0] === '-v') {
      terminal.out(version);
      return exitCodes.done;
    }
    if (words[0] === 'doctor') return await doctorCommand(words.slice(1), terminal);
    const options = readArguments(words);
    if (options === 'help' || options.flags.has('help')) {
      terminal.out(helpText(options === 'help' ? undefined : options.command));
      return exitCodes.done;
    }
    const connection = await connect(options.values.get('url'), options.command, terminal);
    try {
      const { exit, text, json: data } = await execute(options, connection, terminal);
      if (json) terminal.out(JSON.stringify({ command: options.command, exit, result: data }, null, 2));
      else terminal.out(text);
      return exit;
    } finally {
      await connection.close();
    }
  } catch (error) {
    const exit = exitCodeOf(error);
    if (json) terminal.out(JSON.stringify({ exit, error: errorJson(error) }, null, 2));
    else terminal.note(errorText(error, exit));
    return exit;
  }
}

async function execute(
  options: Exclude<ReturnType<typeof readArguments>, 'help'>,
  { db, address, cancel }: Connection,
  terminal: Terminal,
): Promise<CommandOutcome> {
  const { command, values, definition: file } = options;
  const name = values.get('name');
  let loaded: ReturnType<typeof loadDefinition> | undefined;
  const definition: CommandContext['definition'] = () => {
    if (file === undefined) throw new UsageError(`say where the definition is: migrate ${command} <file>`);
    loaded ??= loadDefinition(file, name);
    return loaded;
  };
  const interrupt = onInterrupt(terminal, cancel);
  try {
    const run = await commands[command]();
    return await run({
      options,
      terminal,
      db,
      address,
      signal: interrupt.signal,
      clock: systemClock,
      definition,
      async migration() {
        if (file === undefined && name !== undefined) return name;
        return (await definition()).name;
      },
    });
  } finally {
    interrupt.end();
  }
}

function errorJson(error: unknown): Record<string, unknown> {
  if (isTenantryError(error)) return { code: error.code, message: error.message, details: error.details };
  const message = error instanceof Error && error.message !== '' ? error.message : errorText(error, 1);
  return { code: error instanceof UsageError ? 'usage' : 'unexpected', message };
}
