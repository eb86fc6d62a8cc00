import type { Command } from 'commander';
import type { Perform } from '../action.ts';
import { done, facts } from '../action.ts';
import type { Terminal } from '../terminal.ts';
import { migrationCommand } from './migrate.ts';

/** `tenantry schema …` and `tenantry install`: the library's own tables. */
export function schema(program: Command, deps: { readonly perform: Perform; readonly terminal: Terminal }): void {
  migrationCommand(program, 'install', deps);
  const group = program.command('schema').description('the schema "tenantry" of the library itself');
  migrationCommand(group, 'install', deps);
  const status = group
    .command('status')
    .description('tell which version is installed, and which this package brings')
    .option('--url <url>', 'the database; DATABASE_URL when absent')
    .option('--json', 'one JSON document on the standard output');
  status.action(() =>
    deps.perform(status, async ({ db }) => {
      const { schemaVersion } = await import('../../database/schema-version.ts');
      const found = await schemaVersion(db);
      return done(found, facts({ installed: found.installed, known: found.known, waiting: found.waiting.join(', ') }));
    }),
  );
  const statements = group
    .command('sql')
    .description('print the statements that install would run on a database without the schema')
    .option('--json', 'one JSON document on the standard output');
  statements.action(async () => {
    const { schemaStatements } = await import('../../database/schema-version.ts');
    const steps = schemaStatements();
    const text = steps
      .map(({ version, name, statements: all }) => `-- ${version} ${name}\n${all.join(';\n')};`)
      .join('\n\n');
    deps.terminal.out(
      statements.opts().json === true ? JSON.stringify({ command: 'sql', exit: 0, result: steps }, null, 2) : text,
    );
  });
}
