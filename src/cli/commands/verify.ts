import { verifyMigration } from '../../migrate/index.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { verifyText } from '../text/verify-text.ts';
import { withReport } from '../write-report.ts';

/** Proves the result of a migration by another path. */
export const verify: Command = async (context) => {
  const { db, definition, signal } = context;
  const migration = await definition();
  const found = await withReport(
    context,
    () => verifyMigration(db, migration, { signal }),
    (report) => report,
  );
  return {
    exit: found.failed === 0 ? exitCodes.done : exitCodes.differences,
    json: found,
    text: verifyText(found),
  };
};
