/** Applies the legacy migration in a process of its own and prints a line for every sign of progress. */
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { applyMigration } from '../../src/migrate/index.ts';
import { type Legacy, legacyMigration } from './legacy.ts';

const [url, pause = '0'] = process.argv.slice(2);
const db = new Kysely<Legacy>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: url, max: 2 }) }) });
await applyMigration(db, legacyMigration, {
  batchSize: 200,
  batchMilliseconds: 1,
  pause: Number(pause),
  onProgress: ({ step, rows }) => process.stdout.write(`${step} ${rows}\n`),
});
process.stdout.write('done\n');
await db.destroy();
