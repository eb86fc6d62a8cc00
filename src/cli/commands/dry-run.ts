import { dryRunMigration } from '../../migrate/index.ts';
import { numberOf, stageOf } from '../arguments.ts';
import { ask, refuseUnasked } from '../ask.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { dryRunText } from '../text/dry-run-text.ts';

/** Runs the real statements in one transaction and rolls it back. The tables are locked meanwhile, so it asks, too. */
export const dryRun: Command = async (context) => {
  const { db, options, definition, terminal, clock, signal } = context;
  refuseUnasked(context);
  const migration = await definition();
  const to = stageOf(options);
  const lockTimeout = numberOf(options, 'lock-timeout');
  await ask(context, `Lock the tables of ${migration.name} while it is tried, and roll it back,`);
  const report = await dryRunMigration(db, migration, {
    signal,
    clock,
    onStep: ({ step, place, total }) => terminal.passing(`  step ${place + 1} of ${total}  ${step}`),
    ...(to === undefined ? {} : { to }),
    ...(lockTimeout === undefined ? {} : { lockTimeout }),
  });
  const differs = (report.verification?.failed ?? 0) > 0;
  const exit = report.failure !== null ? exitCodes.refused : differs ? exitCodes.differences : exitCodes.done;
  return { exit, json: report, text: dryRunText(report) };
};
