import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { nameStatements } from '../../src/database/index.ts';
import { createPlans } from '../../src/plans/index.ts';
import { quotaCatalogue } from './quota-catalogue.ts';

/**
 * A process of its own that consumes from a lease: `node lease-worker.ts <url> <tenant> <block> <callers>`. It says `ready`,
 * and begins with the line `go`. Each unit that a caller got is one line, `granted`, written at once; callers end with their
 * first refusal, and when all did, it settles, says `settled`, and ends.
 */
const [url = '', tenantId = '', block = '1', callers = '1'] = process.argv.slice(2);
const pool = new Pool({ connectionString: url, max: 4 });
const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
const plans = createPlans({ db, plans: quotaCatalogue });
const lease = plans.leases.open(tenantId, 'calls', { block: Number(block) });
const say = (line: string): unknown => writeSync(1, `${line}\n`);

async function consume(): Promise<void> {
  for (;;) {
    const { ok } = await lease.consume();
    if (!ok) return;
    say('granted');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  if (line !== 'go') return;
  await Promise.all(Array.from({ length: Number(callers) }, consume));
  await plans.leases.settle();
  say('settled');
  await db.destroy();
  process.exit(0);
});
await pool.query('select 1');
say('ready');
