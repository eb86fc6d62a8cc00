import type { Command } from 'commander';
import type { StageName } from '../migrate/index.ts';
import type { CommandName } from './help.ts';
import { UsageError } from './usage-error.ts';

/** What stands behind a command, as texts; absent where it was not given. */
export interface GivenOptions {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
}

/** What stands behind a command of a migration. */
export interface CommandOptions extends GivenOptions {
  readonly command: CommandName;
  /** The file with the definition: `--definition`, or the word after the command. */
  readonly definition?: string;
}

/** What was given to a command, by the long names of its options. */
export function givenTo(command: Command): GivenOptions {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  for (const option of command.options) {
    const name = option.long?.slice(2) ?? '';
    const value: unknown = command.getOptionValue(option.attributeName());
    if (value === true) flags.add(name);
    else if (typeof value === 'string') values.set(name, value);
  }
  return { flags, values };
}

const stages: readonly StageName[] = ['expand', 'backfill', 'enforce', 'switch', 'contract'];

/** The stage that `--to` names. */
export function stageOf({ values }: GivenOptions): StageName | undefined {
  const text = values.get('to');
  if (text === undefined) return undefined;
  const stage = stages.find((name) => name === text);
  if (stage === undefined) throw new UsageError(`--to takes a stage: ${stages.join(', ')}; not "${text}"`);
  return stage;
}

/** A whole number that an option gives. */
export function numberOf({ values }: GivenOptions, name: string): number | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${name} takes a whole number, not "${text}"`);
  return Number(text);
}

/** A moment that an option gives, as ISO 8601 writes it. */
export function timeOf({ values }: GivenOptions, name: string): Date | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  const time = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(time.getTime())) {
    throw new UsageError(
      `--${name} takes a day or a moment, such as 2026-05-01 or 2026-05-01T12:00:00Z, not "${text}"`,
    );
  }
  return time;
}

/** Which of a few words an option gives. */
export function wordOf<Word extends string>(
  { values }: GivenOptions,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  const word = words.find((known) => known === text);
  if (word === undefined) throw new UsageError(`--${name} takes ${words.join(', ')}; not "${text}"`);
  return word;
}

/** The parts of an option that lists several, with commas between. */
export function listOf({ values }: GivenOptions, name: string): string[] | undefined {
  return values
    .get(name)
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
