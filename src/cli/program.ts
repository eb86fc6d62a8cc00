import { Command } from 'commander';
import { createActions, type Perform } from './action.ts';
import { completion } from './completion.ts';
import type { DoctorFlags } from './doctor/doctor-options.ts';
import { doctorFlags } from './doctor/doctor-options.ts';
import { addExamples } from './examples.ts';
import { audit } from './groups/audit.ts';
import { billing } from './groups/billing.ts';
import { keys } from './groups/keys.ts';
import { members } from './groups/members.ts';
import { migrate } from './groups/migrate.ts';
import { orgs } from './groups/orgs.ts';
import { plans } from './groups/plans.ts';
import { schema } from './groups/schema.ts';
import { usage } from './groups/usage.ts';
import { webhooks } from './groups/webhooks.ts';
import { exitCodesText } from './help.ts';
import type { Terminal } from './terminal.ts';

/** What the program needs of whoever runs it. */
export interface ProgramDeps {
  readonly terminal: Terminal;
  readonly version: string;
  readonly perform: Perform;
  /** Runs the doctor, which prints by itself and has exit codes of its own. */
  readonly doctor: (flags: DoctorFlags) => Promise<void>;
  /** Where help and complaints go: they are printed when it is known which of them they are. */
  readonly write: (text: string) => void;
}

/** All commands with their words, options and help. */
export function createProgram({ terminal, version, perform, doctor, write }: ProgramDeps): Command {
  const program = new Command('tenantry')
    .description('Tenants, keys, plans and bills of a PostgreSQL database, and its way from one tenancy to another.')
    .version(version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write })
    .showSuggestionAfterError()
    .addHelpText('after', `\nOptions of a command: tenantry <command> --help\n${exitCodesText}`);
  const actions = createActions(perform, terminal);
  for (const group of [orgs, members, keys, plans, usage, billing, webhooks, audit]) group(program, actions);
  migrate(program, { perform, terminal });
  const doctorCommand = program.command('doctor').description('look for holes in the isolation of the database');
  doctorFlags(doctorCommand);
  doctorCommand.action((flags: DoctorFlags) => doctor(flags));
  schema(program, { perform, terminal });
  completion(program, terminal);
  addExamples(program);
  return program;
}
