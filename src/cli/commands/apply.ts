import { readFile } from 'node:fs/promises';
import {
  type AnyMigration,
  applyMigration,
  type MigrationPlan,
  migrationStatus,
  planMigration,
} from '../../migrate/index.ts';
import { numberOf, stageOf } from '../arguments.ts';
import { ask, refuseUnasked } from '../ask.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { progressView } from '../progress-view.ts';
import { planText } from '../text/plan-text.ts';
import { statusText } from '../text/status-text.ts';
import { count, counted, duration } from '../text/words.ts';
import { UsageError } from '../usage-error.ts';
import { refuseReport, withReport } from '../write-report.ts';
import { dryRun } from './dry-run.ts';

/** Applies a migration, or goes on with one. */
export const apply: Command = async (context) => {
  const { db, options, definition: load, terminal, clock, signal } = context;
  if (options.flags.has('dry-run')) return dryRun(context);
  refuseUnasked(context);
  refuseReport(context);
  const definition = await load();
  const to = stageOf(options) ?? 'enforce';
  const plan = await agreedPlan(context, definition);
  await ask(context, `Apply ${definition.name} up to ${to}`);
  const actor = options.values.get('actor');
  const numbers = {
    batchSize: numberOf(options, 'batch-size'),
    batchMilliseconds: numberOf(options, 'batch-milliseconds'),
    pause: numberOf(options, 'pause'),
    lockTimeout: numberOf(options, 'lock-timeout'),
    maxReplicaLag: numberOf(options, 'max-replica-lag'),
    maxLockWaiters: numberOf(options, 'max-lock-waiters'),
  };
  const run = (): ReturnType<typeof applyMigration> =>
    applyMigration(db, definition, {
      to,
      signal,
      clock,
      onProgress: progressView(terminal, clock),
      ...given(numbers),
      ...(plan === undefined ? {} : { plan }),
      ...(actor === undefined ? {} : { actor }),
    });
  const result = await withReport(context, run);
  const did =
    result.steps === 0
      ? 'nothing was left to do'
      : `${counted(result.steps, 'step')}, ${result.rows === 0 ? '' : `${count(result.rows)} rows led to their tenant, `}${duration(result.seconds)}`;
  return { exit: exitCodes.done, json: result, text: `${result.migration}: ${result.stage}; ${did}` };
};

function given(numbers: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(numbers).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}

/** The plan of the file, or one that is shown before it is asked; none where a migration is gone on with. */
async function agreedPlan(
  { db, options, terminal }: CommandContext,
  definition: AnyMigration,
): Promise<MigrationPlan | undefined> {
  const file = options.values.get('plan');
  if (file !== undefined) return readPlan(file);
  if (options.flags.has('yes')) return undefined;
  const status = await migrationStatus(db, definition.name);
  if (status.stepsDone > 0) {
    terminal.note(statusText(status));
    return undefined;
  }
  const plan = await planMigration(db, definition);
  terminal.note(planText(plan));
  return plan;
}

async function readPlan(file: string): Promise<MigrationPlan> {
  try {
    const plan: MigrationPlan = JSON.parse(await readFile(file, 'utf8'));
    if (typeof plan.hash === 'string' && Array.isArray(plan.steps)) return plan;
  } catch (error) {
    throw new UsageError(`${file} cannot be read as a plan: ${error instanceof Error ? error.message : error}`);
  }
  throw new UsageError(`${file} holds no plan: migrate plan --out writes one`);
}
