import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { StageName } from '../migrate/index.ts';
import { type CommandName, commandNames, optionsOf } from './help.ts';
import { UsageError } from './usage-error.ts';

/** What stands behind a command, as texts; absent where it was not given. */
export interface CommandOptions {
  readonly command: CommandName;
  /** The file with the definition: `--definition`, or the word after the command. */
  readonly definition?: string;
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
}

const types: Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string }>> = {
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  yes: { type: 'boolean', short: 'y' },
  'dry-run': { type: 'boolean' },
  sql: { type: 'boolean' },
};

/** Reads the words of the command line. */
export function readArguments(words: readonly string[]): CommandOptions | 'help' {
  const [group, second, ...rest] = words;
  if (group === undefined || ['help', '--help', '-h'].includes(group)) return 'help';
  const grouped = group === 'migrate';
  const named = grouped ? second : group;
  if (grouped && (named === undefined || ['help', '--help', '-h'].includes(named))) return 'help';
  const command = commandNames.find((name) => name === named && (grouped ? name !== 'install' : name === 'install'));
  if (command === undefined) {
    throw new UsageError(`there is no command "${grouped ? `migrate ${named}` : group}"; see tenantry --help`);
  }
  const { values, positionals } = parse(command, grouped ? rest : words.slice(1));
  const flags = new Set<string>();
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(values)) {
    if (value === true) flags.add(name);
    else if (typeof value === 'string') texts.set(name, value);
  }
  const [file, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`what is "${more[0]}"? A command takes one file; see tenantry --help`);
  const definition = texts.get('definition') ?? file;
  return { command, flags, values: texts, ...(definition === undefined ? {} : { definition }) };
}

function parse(command: CommandName, args: string[]): ReturnType<typeof parseArgs> {
  const known = ['help', ...optionsOf(command)];
  const options: NonNullable<ParseArgsConfig['options']> = Object.fromEntries(
    known.map((name) => [name, types[name] ?? { type: 'string' }]),
  );
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    const text = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
    throw new UsageError(`${text}; see tenantry migrate ${command} --help`, { cause: error });
  }
}

const stages: readonly StageName[] = ['expand', 'backfill', 'enforce', 'switch', 'contract'];

/** The stage that `--to` names. */
export function stageOf({ values }: CommandOptions): StageName | undefined {
  const text = values.get('to');
  if (text === undefined) return undefined;
  const stage = stages.find((name) => name === text);
  if (stage === undefined) throw new UsageError(`--to takes a stage: ${stages.join(', ')}; not "${text}"`);
  return stage;
}

/** A whole number that an option gives. */
export function numberOf({ values }: CommandOptions, name: string): number | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${name} takes a whole number, not "${text}"`);
  return Number(text);
}
