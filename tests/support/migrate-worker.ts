/** Applies the legacy migration in a process of its own, or takes it back, and prints a line for every sign of progress. */
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { applyMigration, rollbackMigration } from '../../src/migrate/index.ts';
import { type Legacy, legacyMigration } from './legacy.ts';

const [url, way = 'enforce', pause = '0'] = process.argv.slice(2);
const pool = new Pool({ connectionString: url, max: 2 });
pool.on('error', () => undefined);
const db = new Kysely<Legacy>({ dialect: new PostgresDialect({ pool }) });
const onProgress = ({ step, rows }: { readonly step: string; readonly rows: number }): void => {
  process.stdout.write(`${step} ${rows}\n`);
};
if (way === 'rollback') {
  await rollbackMigration(db, legacyMigration, { onProgress });
} else {
  await applyMigration(db, legacyMigration, {
    to: way === 'contract' || way === 'switch' ? way : 'enforce',
    batchSize: 200,
    batchMilliseconds: 1,
    pause: Number(pause),
    onProgress,
  });
}
process.stdout.write('done\n');
await db.destroy();
