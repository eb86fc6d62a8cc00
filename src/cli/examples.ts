import type { Command } from 'commander';

/** What is written behind `tenantry`, one line for each command. */
export const examples: readonly string[] = [
  'orgs list --status suspended',
  'orgs show acme',
  'orgs create "Acme Corp" --owner ada --email ada@acme.com --plan team --seats 5',
  'orgs seats acme 12',
  'orgs suspend acme',
  'orgs resume acme',
  'members list acme',
  'members add acme bob --role admin --email bob@acme.com',
  'members role acme bob viewer',
  'members suspend acme bob',
  'members activate acme bob',
  'members remove acme bob',
  'members approve acme bob',
  'keys list acme',
  'keys show acme 0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90',
  'keys create acme --user bob --name laptop --scopes "notes:read,calls:*"',
  'keys rotate acme 0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90',
  'keys revoke acme 0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90',
  'keys disable acme 0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90',
  'keys enable acme 0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90',
  'plans list',
  'plans show acme',
  'plans set acme pro',
  'plans override acme calls 5000',
  'usage show acme',
  'usage periods acme',
  'usage forecast acme calls',
  'usage prune acme',
  'billing show acme',
  'billing reconcile acme',
  'billing sync-catalog',
  'billing events',
  'billing replay evt_1Q2w3E4r',
  'webhooks list acme',
  'webhooks create acme https://acme.com/hooks --events "bot.*"',
  'webhooks enable acme 0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90',
  'webhooks disable acme 0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90',
  'webhooks test acme 0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90',
  'webhooks health acme 0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90',
  'webhooks deliveries acme 0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90',
  'webhooks replay acme 0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90',
  'audit list acme --actor ada',
  'audit export acme --format csv > acme.csv',
  'audit verify acme',
  'migrate inspect --strategy per-org --out migration.ts',
  'migrate plan migration.ts --sql',
  'migrate apply migration.ts --to enforce --report report.md',
  'migrate status migration.ts',
  'migrate verify migration.ts',
  'migrate rollback migration.ts',
  'migrate pause migration.ts',
  'migrate resume migration.ts',
  'migrate sql migration.ts --format prisma --out prisma/migrations',
  'doctor --json',
  'install --grant-to app',
  'schema install --grant-to app',
  'schema status',
  'schema sql',
  'completion bash > /etc/bash_completion.d/tenantry',
];

/** Adds to the help of each command how it is written, with the examples of all its commands to that of a group. */
export function addExamples(program: Command): void {
  for (const command of [...program.commands, ...program.commands.flatMap((group) => group.commands)]) {
    const path = `${pathOf(command)} `;
    const lines = examples.filter((line) => `${line} `.startsWith(path));
    if (lines.length > 0) {
      const title = lines.length === 1 ? 'Example:' : 'Examples:';
      command.addHelpText('after', ['', title, ...lines.map((line) => `  tenantry ${line}`)].join('\n'));
    }
  }
}

/** The words that lead to a command, without the name of the program. */
export function pathOf(command: Command): string {
  const group = command.parent?.parent ? `${pathOf(command.parent)} ` : '';
  return `${group}${command.name()}`;
}
