import type { Clock } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import type { AnyMigration } from '../migrate/index.ts';
import type { CommandOptions } from './arguments.ts';
import type { Terminal } from './terminal.ts';

/** What a command works with. */
export interface CommandContext {
  readonly options: CommandOptions;
  readonly terminal: Terminal;
  readonly db: AnyDatabase;
  /** The database for people, without the password. */
  readonly address: string;
  /** Fires when somebody presses Ctrl+C, or the process is told to end. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The definition that the options name. */
  definition(): Promise<AnyMigration>;
  /** The name of the migration, from `--name` or the definition. */
  migration(): Promise<string>;
}

/** What a command found or did. */
export interface CommandOutcome {
  readonly exit: number;
  /** For people. */
  readonly text: string;
  /** For programs, with `--json`. */
  readonly json: unknown;
}

/** One command. */
export type Command = (context: CommandContext) => Promise<CommandOutcome>;
