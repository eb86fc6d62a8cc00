import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { sqlstateOf } from '../database/install.ts';
import type { StageName } from './plan.ts';
import { execute } from './sql-text.ts';

/** Why the last run of a migration stopped. */
export interface MigrationFailure {
  /** Where it stopped: in a stage, in the proof before enforce, or on the way back. */
  readonly stage: StageName | 'verify' | 'rollback';
  /** The step that failed; null when it was none. */
  readonly step: string | null;
  /** The code of the error, as in {@link TenantryError}; `unexpected` when the program that ran it threw one of its own. */
  readonly code: string;
  /** PostgreSQL's code for the reason; null when it was not the database. */
  readonly sqlstate: string | null;
  /** What happened. Values of rows are left out: they stand in the error that was thrown, and nowhere else. */
  readonly message: string;
  /** What can be done about it. */
  readonly remedy: string;
  readonly at: Date;
}

/** Where a run stands, for the record of its failure. */
export interface Place {
  stage: MigrationFailure['stage'];
  step: string | null;
}

/** What of an error is kept. */
export function failureOf(error: unknown, place: Place): Omit<MigrationFailure, 'at'> {
  if (!(error instanceof TenantryError)) {
    const name = error instanceof Error ? error.name : typeof error;
    const message = `${name}, thrown by the program that ran the migration; its text is not kept`;
    return { ...place, code: 'unexpected', sqlstate: null, message, remedy: 'Mend the program and run it again.' };
  }
  const { details, code } = error;
  const remedy = 'remedy' in details && typeof details.remedy === 'string' ? details.remedy : remedies[code];
  const kept = { ...place, code, remedy: remedy ?? 'Mend the cause and run it again.' };
  if (!('sqlstate' in details) || typeof details.sqlstate !== 'string') {
    return { ...kept, sqlstate: null, message: error.message };
  }
  const step = 'step' in details && typeof details.step === 'string' ? details.step : place.step;
  return { ...kept, step, sqlstate: details.sqlstate, message: withoutValues(error.cause) };
}

const remedies: Readonly<Record<string, string>> = {
  migration_verify_failed: 'Ask verify for the rows, mend them or the definition, and run it again.',
  migration_stopped: 'Run it again; it goes on from here.',
  migration_stage_invalid: 'Do what the message says, and run it again.',
};

/**
 * The text of a driver's error without values of rows. PostgreSQL quotes them where data does not fit its type (class
 * 22), and a function of the application may say anything; of that only the place is kept.
 */
export function withoutValues(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const [where = ''] = textOf(error, 'where').split('\n');
  if (textOf(error, 'routine') === 'exec_stmt_raise' && !where.includes('inline_code_block')) {
    return `raised by ${where.replace(/^PL\/pgSQL function /, 'the function ')}`;
  }
  return sqlstateOf(error).startsWith('22') ? error.message.replace(/(["']).*\1/gs, '…') : error.message;
}

function textOf(error: object, name: string): string {
  const found = Object.entries(error).find(([key]) => key === name)?.[1];
  return typeof found === 'string' ? found : '';
}

/** Keeps why a run stopped, in place of what was kept before. */
export async function keepFailure(
  db: AnyDatabase,
  migration: string,
  { stage, step, code, sqlstate, message, remedy }: Omit<MigrationFailure, 'at'>,
): Promise<void> {
  await execute(
    db,
    `insert into tenantry.migration_failures (migration, stage, step, code, sqlstate, message, remedy, failed_at)
values ($1, $2, $3, $4, $5, $6, $7, date_trunc('milliseconds', clock_timestamp()))
on conflict (migration) do update set stage = excluded.stage, step = excluded.step, code = excluded.code,
  sqlstate = excluded.sqlstate, message = excluded.message, remedy = excluded.remedy, failed_at = excluded.failed_at`,
    [migration, stage, step, code, sqlstate, message, remedy],
  );
}

/** A run got past what stopped the last one; inside the transaction in which it did. */
export async function forgetFailure(tx: AnyDatabase, migration: string): Promise<void> {
  await execute(tx, 'delete from tenantry.migration_failures where migration = $1', [migration]);
}

/** Reads why the last run stopped; null when nothing stands in the way. */
export async function readFailure(db: AnyDatabase, migration: string): Promise<MigrationFailure | null> {
  const found = await execute<MigrationFailure>(
    db,
    'select stage, step, code, sqlstate, message, remedy, failed_at as at from tenantry.migration_failures where migration = $1',
    [migration],
  );
  return found.rows[0] ?? null;
}
