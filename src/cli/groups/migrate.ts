import type { Command } from 'commander';
import { systemClock } from '../../core/index.ts';
import type { Perform } from '../action.ts';
import { givenTo } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { commands } from '../commands/index.ts';
import { type CommandName, commandNames, lineOf, optionsOf } from '../help.ts';
import { loadDefinition } from '../load-definition.ts';
import { onInterrupt } from '../on-interrupt.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface MigrateDeps {
  readonly perform: Perform;
  readonly terminal: Terminal;
}

/** `tenantry migrate …`: moves a database from one tenancy to another. */
export function migrate(program: Command, deps: MigrateDeps): void {
  const group = program.command('migrate').description('move a live database from one tenancy to another');
  for (const name of commandNames) {
    if (name !== 'install') migrationCommand(group, name, deps).argument('[definition]', 'the module that exports it');
  }
}

/** Declares a command that works with a {@link CommandContext}. */
export function migrationCommand(parent: Command, name: CommandName, { perform, terminal }: MigrateDeps): Command {
  const command = parent
    .command(name)
    .description(lineOf(name))
    .option('--url <url>', 'the database; DATABASE_URL when absent, which keeps it out of the list of processes')
    .option('--json', 'one JSON document on the standard output');
  for (const { flags, meaning } of optionsOf(name)) command.option(flags, meaning);
  return command.action(() =>
    perform(command, async ({ db, address, cancel }) => {
      const given = givenTo(command);
      const file = given.values.get('definition') ?? command.args[0];
      const asked = given.values.get('name');
      let loaded: ReturnType<typeof loadDefinition> | undefined;
      const definition: CommandContext['definition'] = () => {
        if (file === undefined) throw new UsageError(`say where the definition is: migrate ${name} <file>`);
        loaded ??= loadDefinition(file, asked);
        return loaded;
      };
      const interrupt = onInterrupt(terminal, cancel);
      try {
        const run = await commands[name]();
        return await run({
          options: { command: name, ...given, ...(file !== undefined && { definition: file }) },
          terminal,
          db,
          address,
          signal: interrupt.signal,
          clock: systemClock,
          definition,
          async migration() {
            if (file === undefined && asked !== undefined) return asked;
            return (await definition()).name;
          },
        });
      } finally {
        interrupt.end();
      }
    }),
  );
}
