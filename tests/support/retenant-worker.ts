/** Merges or splits the shop's tenants in a process of its own, or takes it back, and prints a line for every sign of progress. */
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { applyRetenanting, rollbackRetenanting } from '../../src/migrate/index.ts';
import { retenantingOf, type Shop } from './retenant-rows.ts';

const [url, kind = 'merge', way = 'apply', acme = '', beta = '', largeUnit = '20000'] = process.argv.slice(2);
const pool = new Pool({ connectionString: url, max: 2 });
pool.on('error', () => undefined);
const db = new Kysely<Shop>({
  dialect: new PostgresDialect({ pool }),
  log: ({ query }) => {
    if (query.sql.startsWith('select set_config(') || query.sql === 'commit')
      process.stdout.write(`${query.sql.slice(0, 6)}\n`);
  },
});
const definition = retenantingOf(kind === 'merge' ? 'merge' : 'split', acme, beta);
process.stdout.write('begun\n');
if (way === 'apply') await applyRetenanting(db, definition, { largeUnit: Number(largeUnit), batchSize: 8 });
else await rollbackRetenanting(db, definition);
process.stdout.write('done\n');
await db.destroy();
