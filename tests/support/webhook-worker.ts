import { writeSync } from 'node:fs';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { createSecretBox } from '../../src/core/index.ts';
import { nameStatements } from '../../src/database/index.ts';
import { createWebhooks } from '../../src/webhooks/delivery/index.ts';
import { catalogue, open } from './webhook-world.ts';

/**
 * A worker that delivers until it is killed: `node webhook-worker.ts <url> <key>`. It says `ready` when it has
 * begun. On `SIGTERM` it drains, and says `drained`.
 */
const [url = '', key = ''] = process.argv.slice(2);
const pool = new Pool({ connectionString: url, max: 4 });
const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
const webhooks = createWebhooks({
  db,
  catalogue,
  secretBox: createSecretBox([{ id: 'one', key }]),
  fetch: { ...open, deadlineMilliseconds: 800 },
  delivery: {
    pollMilliseconds: 50,
    leaseMilliseconds: 1000,
    slowAfterMilliseconds: 100,
    retry: { steps: Array.from({ length: 30 }, () => 0.1), afterOverload: 0.2 },
    // Here every message fails at first, which a circuit breaker takes for an endpoint that is down.
    circuit: { failures: 1000, pauseSeconds: 0.1, longestPauseSeconds: 0.2 },
  },
});
const worker = webhooks.startDelivery();
process.on('SIGTERM', async () => {
  await worker.stop();
  await db.destroy();
  writeSync(1, 'drained\n');
  process.exit(0);
});
writeSync(1, 'ready\n');
