import { writeFile } from 'node:fs/promises';
import { planMigration } from '../../migrate/index.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { planSql, planText } from '../text/plan-text.ts';
import { dryRun } from './dry-run.ts';

/** Shows what a migration would do; refuses what cannot be. */
export const plan: Command = async (context) => {
  const { db, options, definition } = context;
  if (options.flags.has('dry-run')) return dryRun(context);
  const made = await planMigration(db, await definition());
  const out = options.values.get('out');
  if (out !== undefined) await writeFile(out, `${JSON.stringify(made, null, 2)}\n`);
  const text = [
    planText(made),
    ...(options.flags.has('sql') ? ['', planSql(made)] : []),
    ...(out === undefined
      ? []
      : [`written to ${out}: migrate apply --plan ${out} refuses a database that changed since`]),
  ];
  return { exit: exitCodes.done, json: made, text: text.join('\n') };
};
