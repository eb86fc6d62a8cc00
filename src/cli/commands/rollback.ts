import { migrationStatus, rollbackMigration } from '../../migrate/index.ts';
import { numberOf } from '../arguments.ts';
import { ask, refuseUnasked } from '../ask.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { progressView } from '../progress-view.ts';
import { statusText } from '../text/status-text.ts';
import { counted, duration } from '../text/words.ts';
import { refuseReport, withReport } from '../write-report.ts';

/** Takes a migration back. */
export const rollback: Command = async (context) => {
  const { db, options, definition: load, terminal, clock, signal } = context;
  refuseUnasked(context);
  refuseReport(context);
  const definition = await load();
  if (!options.flags.has('yes')) terminal.note(statusText(await migrationStatus(db, definition.name)));
  await ask(context, `Take ${definition.name} back`);
  const actor = options.values.get('actor');
  const lockTimeout = numberOf(options, 'lock-timeout');
  const run = (): ReturnType<typeof rollbackMigration> =>
    rollbackMigration(db, definition, {
      signal,
      clock,
      onProgress: progressView(terminal, clock),
      ...(actor === undefined ? {} : { actor }),
      ...(lockTimeout === undefined ? {} : { lockTimeout }),
    });
  const result = await withReport(context, run);
  const text = [
    `${result.migration}: rolled back, ${counted(result.steps, 'step')}, ${duration(result.seconds)}`,
    ...result.returned.map(({ table, rows }) => `  ${counted(rows, 'row')} of ${table} came back`),
    ...result.kept.map(
      ({ table, rows }) =>
        `  ${counted(rows, 'row')} of ${table} had no place in the old shape: kept in tenantry.migration_quarantine`,
    ),
  ];
  return { exit: exitCodes.done, json: result, text: text.join('\n') };
};
