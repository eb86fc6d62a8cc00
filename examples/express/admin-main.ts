/** The admin commands: `DATABASE_URL=… npx node examples/express/admin-main.ts <command> …`. */
import { parseArgs } from 'node:util';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { isTenantryError } from 'tenantry';
import { commands } from './admin.ts';
import { createHotCross, type Database } from './hotcross.ts';

const { positionals, values } = readWords();
const [name = '', ...args] = positionals;
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
const connectionString = process.env.DATABASE_URL;

if (command === undefined || connectionString === undefined) {
  const usage = Object.entries(commands).map(([known, { usage }]) => `  ${known} ${usage}`);
  console.error(['usage, with DATABASE_URL set:', ...usage].join('\n'));
  process.exitCode = 2;
} else {
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString, max: 2 }) }) });
  try {
    const result = await command.run(createHotCross(db), args, values);
    if (values.json) console.log(JSON.stringify(result));
    else console.table(result);
  } catch (error) {
    if (!isTenantryError(error) && !(error instanceof TypeError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  } finally {
    await db.destroy();
  }
}

/** What stands behind the program's name; nothing of it when there is an option that nobody knows. */
function readWords() {
  const options = { model: { type: 'string', default: 'hybrid' }, json: { type: 'boolean', default: false } } as const;
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch {
    return parseArgs({ args: [], allowPositionals: true, options });
  }
}
