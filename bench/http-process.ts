/**
 * A server of its own: `node http-process.ts <fastify|express> <side> <row|nothing> <owner's url> <url>`. Each side has the
 * same handler, which reads a row of the application's own or does nothing; it tells its port when it listens.
 */
import { createServer } from 'node:http';
import express from 'express';
import Fastify from 'fastify';
import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import { nameStatements } from 'tenantry/database';
import { createExpressAdapter } from 'tenantry/express';
import { createFastifyAdapter } from 'tenantry/fastify';
import { betterAuthKeys } from './better-auth.ts';
import { benchTenantry } from './http-tenantry.ts';

const [framework = '', side = '', reads = '', ownerUrl = '', url = ''] = process.argv.slice(2);
const pool = new Pool({ connectionString: url, max: 10 });
pool.on('error', () => undefined);
const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
const nothing = { text: 'hello' };
/** What the guard demands: units that are durable before the handler runs, or of a block that was taken ahead. */
const demands = {
  ours: { consume: 'calls' },
  'ours-leased': { consume: { meter: 'calls', lease: { block: 1000 } } },
} as const;

async function handle(): Promise<object> {
  if (reads !== 'row') return nothing;
  const id = Math.floor(Math.random() * 1000);
  const { rows } = await pool.query({ name: 'note', text: 'select text from bench.notes where id = $1', values: [id] });
  return { text: rows[0]?.text };
}

/** Keys of better-auth, by a number that the header has in place of the key. */
async function betterAuth(): Promise<(key: string | string[] | undefined) => Promise<void>> {
  const owner = new Client({ connectionString: ownerUrl });
  await owner.connect();
  const run = async (statement: string): Promise<void> => void (await owner.query(statement));
  const { byDefault, inMemory } = await betterAuthKeys({ pool, run }, 64);
  await owner.end();
  const verify = side === 'better-auth' ? byDefault : inMemory;
  return (key) => verify(Number(key));
}

async function ours() {
  const tenantry = benchTenantry(db, url);
  while (!tenantry.apiKeys.cacheState().trusted) await new Promise((resolve) => setTimeout(resolve, 5));
  return tenantry;
}

async function serveFastify(): Promise<number> {
  const app = Fastify();
  if (side === 'ours' || side === 'ours-leased') {
    const tenant = createFastifyAdapter(await ours());
    app.register(tenant.plugin);
    app.get('/', tenant.guard(demands[side]), handle);
  } else if (side === 'bare') {
    app.get('/', handle);
  } else {
    const verify = await betterAuth();
    app.get('/', { preHandler: (request) => verify(request.headers['x-api-key']) }, handle);
  }
  await app.listen({ port: 0, host: '127.0.0.1' });
  return Number(Object(app.server.address()).port);
}

async function serveExpress(): Promise<number> {
  const app = express();
  if (side === 'ours' || side === 'ours-leased') {
    const tenant = createExpressAdapter(await ours());
    app.get('/', tenant.guard(demands[side]), async (_request, response) => void response.json(await handle()));
    app.use(...tenant.problems());
  } else {
    app.get('/', async (_request, response) => void response.json(await handle()));
  }
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Number(Object(server.address()).port);
}

process.on('message', () => process.exit(0));
process.send?.({ port: await (framework === 'fastify' ? serveFastify() : serveExpress()) });
