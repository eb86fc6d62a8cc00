/**
 * A process of its own that remembers keys: `node key-process.ts <url>`. Under the load of callers who verify without a
 * pause it watches the secret that it is told, and tells when it was first refused, in nanoseconds of the clock that all
 * processes of the machine share.
 */
import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import { createApiKeys } from '../src/api-keys/index.ts';
import { nameStatements } from '../src/database/index.ts';

const [url = ''] = process.argv.slice(2);
const pool = new Pool({ connectionString: url, max: 4 });
const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
const { verify, cacheState, close } = createApiKeys({
  db,
  prefix: 'bench',
  cache: {
    async listen() {
      const client = new Client({ connectionString: url });
      await client.connect();
      return client;
    },
  },
});

let running = true;
let watched = '';
const others: string[] = [];

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function load(): Promise<void> {
  for (let call = 0; running; call += 1) {
    await verify(others[call % others.length]);
    if (call % 200 === 0) await turn();
  }
}

async function watch(): Promise<void> {
  while (running) {
    const secret = watched;
    if (secret !== '' && !(await verify(secret)).ok) {
      watched = '';
      process.send?.({ refused: secret, at: String(process.hrtime.bigint()) });
    }
    await turn();
  }
}

process.on(
  'message',
  async (message: { readonly others?: string[]; readonly watch?: string; readonly stop?: boolean }) => {
    if (message.others !== undefined) {
      others.push(...message.others);
      while (!cacheState().trusted) await turn();
      void Promise.all([load(), watch()]);
      process.send?.({ ready: true });
    }
    if (message.watch !== undefined) {
      // Remembered before it is revoked.
      await verify(message.watch);
      watched = message.watch;
      process.send?.({ watching: message.watch });
    }
    if (message.stop) {
      running = false;
      await close();
      await db.destroy();
      process.exit(0);
    }
  },
);
