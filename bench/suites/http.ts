import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BenchDatabase } from '../database.ts';
import type { Row, Suite } from '../harness.ts';
import { connectCallers } from '../http-callers.ts';

const connections = 64;
const tenants = 16;

/**
 * A handler behind authenticate and consume, with keys that are remembered, against the same handler without us, in
 * Fastify and in Express: one that reads a row, as handlers do, and one that does nothing at all. `fastify-leased` takes
 * units ahead, the others are durable before the handler runs. And against better-auth
 * before the same handler: as it is by default, where it counts requests in the database too, and at its fastest, where it
 * counts nothing. Each server is a process of its own.
 */
export const suite: Suite = async (bench) => {
  // The servers run what is published.
  const build = fileURLToPath(new URL('../../scripts/build-if-stale.ts', import.meta.url));
  const { status } = spawnSync(process.execPath, [build], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the package cannot be built');
  const database = await bench.database();
  await database.run('create table bench.notes (id integer primary key, text text not null)');
  await database.run(`insert into bench.notes select n, 'hello ' || n from generate_series(0, 999) as n`);
  const requests = (await makeKeys(database)).map((key) => requestOf(key));
  const numbered = requests.map((_, index) => requestOf(String(index)));
  const rows: Row[] = [];
  const comparisons = [
    ['fastify/bare', 'fastify', 'bare', 'row', requests],
    ['express/bare', 'express', 'bare', 'row', requests],
    ['fastify-leased/bare', 'fastify', 'bare', 'row', requests, 'ours-leased'],
    ['fastify/better-auth', 'fastify', 'better-auth', 'row', numbered],
    ['fastify/better-auth-memory', 'fastify', 'better-auth-memory', 'row', numbered],
    ['fastify/bare-empty', 'fastify', 'bare', 'nothing', requests],
    ['express/bare-empty', 'express', 'bare', 'nothing', requests],
  ] as const;
  for (const [name, framework, other, reads, others, side = 'ours'] of comparisons) {
    const ours = await startServer(database, [framework, side, reads], requests);
    const reference = await startServer(database, [framework, other, reads], others);
    try {
      rows.push(...(await bench.compare({ name, at: [connections], ours: ours.call, reference: reference.call })));
    } finally {
      await ours.stop();
      await reference.stop();
    }
  }
  return rows;
};

const requestOf = (key: string): string => `GET / HTTP/1.1\r\nHost: bench\r\nX-API-Key: ${key}\r\n\r\n`;

async function makeKeys({ db, appUrl }: BenchDatabase): Promise<string[]> {
  const { benchTenantry } = await import('../http-tenantry.ts');
  const { tenancy, apiKeys } = benchTenantry(db, appUrl);
  const ids: string[] = [];
  for (let made = 0; made < tenants; made += 1) {
    ids.push((await tenancy.provision({ userId: `owner ${made}`, name: `Tenant ${made}` })).tenantId);
  }
  const secrets: string[] = [];
  for (let made = 0; made < connections; made += 1) {
    secrets.push((await apiKeys.issue({ tenantId: ids[made % tenants] ?? '' })).secret);
  }
  await apiKeys.close();
  return secrets;
}

async function startServer(
  { url, appUrl }: BenchDatabase,
  how: readonly [framework: string, side: string, reads: string],
  requests: readonly string[],
): Promise<{ readonly call: (caller: number) => Promise<void>; stop(): Promise<void> }> {
  const child = fork(fileURLToPath(new URL('../http-process.ts', import.meta.url)), [...how, url, appUrl]);
  const { call, close } = await connectCallers(await portOf(child), requests);
  return {
    call,
    async stop() {
      close();
      const ended = once(child, 'exit');
      child.send('stop');
      await ended;
    },
  };
}

async function portOf(child: ChildProcess): Promise<number> {
  const [message]: unknown[] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('the server of the bench ended'))),
  ]);
  return Number(Object(message).port);
}
