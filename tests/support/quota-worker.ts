import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { nameStatements } from '../../src/database/index.ts';
import { createPlans } from '../../src/plans/index.ts';
import { quotaCatalogue } from './quota-catalogue.ts';

/**
 * A process of its own that consumes: `node quota-worker.ts <url> <tenant> <callers>`. It says `ready`, then obeys lines:
 * `go` starts the callers, `phase <n>` marks the calls that begin from now on and is answered by its echo, `stop` ends
 * them. Each answer is one line, written at once: `granted <used> <limit> <phase>` or `refused <used> <limit> <phase>`.
 * A caller of phase 0 ends with its first refusal; one of a later phase goes on until `stop`.
 */
const [url = '', tenantId = '', callers = '1'] = process.argv.slice(2);
const pool = new Pool({ connectionString: url, max: 10 });
const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
const plans = createPlans({ db, plans: quotaCatalogue });
const say = (line: string): unknown => writeSync(1, `${line}\n`);
let phase = 0;
let stopped = false;

async function consume(): Promise<void> {
  while (!stopped) {
    const begun = phase;
    const result = await plans.consume(tenantId, 'calls');
    say(`${result.ok ? 'granted' : 'refused'} ${result.used} ${result.limit} ${begun}`);
    if (!result.ok && begun === 0) return;
  }
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  if (line === 'stop') stopped = true;
  if (line.startsWith('phase')) {
    phase = Number(line.slice(6));
    say(line);
  }
  if (line === 'go') {
    await Promise.all(Array.from({ length: Number(callers) }, consume));
    await db.destroy();
    process.exit(0);
  }
});
await pool.query('select 1');
say('ready');
