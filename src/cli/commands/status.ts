import { listMigrations, migrationStatus } from '../../migrate/index.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { listText, statusText } from '../text/status-text.ts';
import { withReport } from '../write-report.ts';

/** Tells where a migration stands, or lists all that there are when none is named. */
export const status: Command = async (context) => {
  const { db, migration, options } = context;
  if (options.definition === undefined && !options.values.has('name')) {
    const listed = await listMigrations(db);
    return { exit: exitCodes.done, json: listed, text: listText(listed) };
  }
  const name = await migration();
  const found = await withReport(context, () => migrationStatus(db, name));
  return { exit: exitCodes.done, json: found, text: statusText(found) };
};
