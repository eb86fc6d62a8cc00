import { pauseMigration, resumeMigration } from '../../migrate/index.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

/** Lets whoever applies a migration wait. */
export const pause: Command = async ({ db, migration, options }) => {
  const name = await migration();
  const by = options.values.get('actor');
  await pauseMigration(db, name, by === undefined ? {} : { by });
  return {
    exit: exitCodes.done,
    json: { migration: name, paused: true },
    text: `${name}: paused; whoever applies it finishes the step or batch under way and waits`,
  };
};

/** Lets whoever applies a migration go on. */
export const resume: Command = async ({ db, migration }) => {
  const name = await migration();
  const was = await resumeMigration(db, name);
  return {
    exit: exitCodes.done,
    json: { migration: name, paused: false, was },
    text: `${name}: ${was ? 'goes on' : 'was not paused'}`,
  };
};
