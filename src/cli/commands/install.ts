import { installSchema } from '../../database/index.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

/** Installs the library's schema, or brings it up to date. */
export const install: Command = async ({ db, options, address, clock }) => {
  const grantTo = (options.values.get('grant-to') ?? '').split(',').filter((login) => login.trim() !== '');
  const result = await installSchema(db, { grantTo: grantTo.map((login) => login.trim()), clock });
  const what = result.applied.length === 0 ? 'was up to date' : `was brought there (${result.applied.join(', ')})`;
  return {
    exit: exitCodes.done,
    json: result,
    text: `the schema "tenantry" of ${address} has version ${result.version}: it ${what}`,
  };
};
