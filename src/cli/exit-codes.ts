import { type ErrorCode, isTenantryError } from '../core/index.ts';
import { UsageError } from './usage-error.ts';

/** What the exit code of the command says; docs/guides/command-line.md explains each. */
export const exitCodes = {
  done: 0,
  unexpected: 1,
  usage: 2,
  refused: 3,
  differences: 4,
  drifted: 5,
  held: 6,
  stopped: 7,
} as const;

const byError: Partial<Readonly<Record<ErrorCode, number>>> = {
  config_invalid: exitCodes.usage,
  migration_not_found: exitCodes.usage,
  migration_stage_invalid: exitCodes.usage,
  schema_missing: exitCodes.refused,
  schema_newer: exitCodes.refused,
  database_right_missing: exitCodes.refused,
  migration_definition_invalid: exitCodes.refused,
  migration_tables_unclassified: exitCodes.refused,
  migration_rows_unresolved: exitCodes.refused,
  migration_rows_ambiguous: exitCodes.refused,
  migration_conflict: exitCodes.refused,
  migration_right_missing: exitCodes.refused,
  migration_verify_failed: exitCodes.differences,
  migration_drifted: exitCodes.drifted,
  migration_running: exitCodes.held,
  migration_lease_lost: exitCodes.held,
  migration_step_failed: exitCodes.stopped,
  migration_stopped: exitCodes.stopped,
};

/** The exit code that an error leads to. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage;
  if (!isTenantryError(error)) return exitCodes.unexpected;
  // What a client would be told as a mistake of its own was refused: nobody of that name, a limit that is reached.
  return byError[error.code] ?? (error.status < 500 ? exitCodes.refused : exitCodes.unexpected);
}
