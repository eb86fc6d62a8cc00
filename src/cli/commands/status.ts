import { migrationStatus } from '../../migrate/index.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { statusText } from '../text/status-text.ts';
import { withReport } from '../write-report.ts';

/** Tells where a migration stands. */
export const status: Command = async (context) => {
  const { db, migration } = context;
  const name = await migration();
  const found = await withReport(context, () => migrationStatus(db, name));
  return { exit: exitCodes.done, json: found, text: statusText(found) };
};
