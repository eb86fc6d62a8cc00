import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { type Actor, isUuid, TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { type GivenOptions, givenTo } from './arguments.ts';
import type { CommandOutcome } from './command.ts';
import type { Connection } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { type App, loadApp } from './load-app.ts';
import type { Terminal } from './terminal.ts';
import { harmless } from './text/harmless.ts';
import { columns } from './text/words.ts';
import { UsageError } from './usage-error.ts';

/** Runs what a command does on a connection, and prints what comes of it. */
export type Perform = (command: Command, work: (connection: Connection) => Promise<CommandOutcome>) => Promise<void>;

/** What an action works with. */
export interface ActionContext {
  readonly app: App;
  readonly db: AnyDatabase;
  readonly terminal: Terminal;
  readonly given: GivenOptions;
  /** The words behind the command, in order. */
  readonly words: readonly string[];
  /** Who acts, for the audit trail: `--as`, or whoever is logged in on this machine. */
  readonly by: Actor;
  /** The tenant that a word names: its id, or its slug. */
  tenantOf(word: string | undefined): Promise<string>;
}

/** Makes commands that act on the modules of an application. */
export interface Actions {
  /** What a command does, to be handed to `Command.action`. */
  does(work: (context: ActionContext) => Promise<CommandOutcome>): (...given: unknown[]) => Promise<void>;
  /** Makes a command of a group, with the options that all of them take. */
  command(group: Command, usage: string, line: string): Command;
}

/** Makes what makes commands. */
export function createActions(perform: Perform, terminal: Terminal): Actions {
  return {
    command: (group, usage, line) =>
      group
        .command(usage)
        .description(line)
        .option('--url <url>', 'the database; DATABASE_URL when absent, which keeps it out of the list of processes')
        .option(
          '--config <file>',
          'the module that wires the application; tenantry.config.ts, .js or .mjs when it is there',
        )
        .option('--as <user>', 'who acts, for the audit trail; whoever is logged in when absent')
        .option('--json', 'one JSON document on the standard output'),

    does:
      (work) =>
      async (...handed) => {
        const command = handed.at(-1);
        if (!isCommand(command)) throw new TypeError('an action is handed its command last');
        const given = givenTo(command);
        await perform(command, async ({ db }) => {
          const app = await loadApp(db, given.values.get('config'));
          const by: Actor = { userId: given.values.get('as') ?? systemUser(), superAdmin: true };
          const context: ActionContext = {
            app,
            db,
            terminal,
            given,
            words: command.args,
            by,
            async tenantOf(word = '') {
              if (isUuid(word)) return word;
              const found = await app.organizations.getBySlug(word);
              if (found === null) throw new TenantryError('organization_not_found', { organization: word });
              return found.tenantId;
            },
          };
          // What takes no actor of its own is told under this one as well.
          return app.audit.as({ actor: { type: 'user', id: by.userId } }, () => work(context));
        });
      },
  };
}

function isCommand(value: unknown): value is Command {
  return typeof value === 'object' && value !== null && 'args' in value && 'options' in value;
}

function systemUser(): string {
  return `cli:${process.env.USER ?? process.env.USERNAME ?? loggedIn()}`;
}

/** Who runs the process; in a container that may be a number without a name. */
function loggedIn(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

/** What a command that went well gives. */
export function done(json: unknown, text: string): CommandOutcome {
  return { exit: exitCodes.done, json, text };
}

/** A list for people: a table, and how to see more. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly unknown[])[],
  more: { readonly nextCursor?: string | null; readonly none: string; readonly right?: readonly number[] },
): string {
  if (rows.length === 0) return more.none;
  const cells = rows.map((row) => row.map(cellOf));
  const next = more.nextCursor ? [``, `more: --cursor ${more.nextCursor}`] : [];
  return [...columns([heads, ...cells], more.right ?? []), ...next].join('\n');
}

/** One thing for people: a line for each of its facts. */
export function facts(lines: Readonly<Record<string, unknown>>): string {
  return columns(Object.entries(lines).map(([name, value]) => [name, cellOf(value)])).join('\n');
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–';
  if (value instanceof Date) return value.toISOString().replace(/\.\d+Z$/, 'Z');
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return harmless(text).replace(/[\n\t]/g, ' ');
}

/** The word of a command that has to be there. */
export function wordAt({ words }: ActionContext, place: number, name: string): string {
  const word = words[place];
  if (word === undefined) throw new UsageError(`say ${name}`);
  return word;
}
