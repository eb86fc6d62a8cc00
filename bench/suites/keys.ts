import { type ChildProcess, fork } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { type ApiKeys, createApiKeys } from '../../src/api-keys/index.ts';
import { digestOf, makeToken, startOf } from '../../src/api-keys/token.ts';
import { uuidv7 } from '../../src/core/index.ts';
import { betterAuthKeys } from '../better-auth.ts';
import type { BenchDatabase } from '../database.ts';
import { type Bench, type Row, rounded, type Suite } from '../harness.ts';

const tenantCount = 10_000;
const cachedCount = 10_000;

/**
 * `verify` without a cache against a prepared read of one row by its primary key, the same digests in both tables, the
 * same pool, in no order; from memory against the bare hash and a look into a Map; both against better-auth; and how long
 * a revoked key is still let in by another process that remembers it.
 */
export const suite: Suite = async (bench) => {
  const database = await bench.database();
  const { db, pool } = database;
  const { secrets, tenants } = await makeKeys(database, bench.quick ? 100_000 : 500_000);
  const digests = secrets.map(digestOf);
  const pick = (): number => Math.floor(Math.random() * secrets.length);
  const cold = createApiKeys({ db, prefix: 'bench', lastUsed: false });
  const cached = await cachedKeys(database);
  for (const secret of secrets.slice(0, cachedCount)) await accept(cached, secret);

  const rows = [
    ...(await bench.compare({
      name: 'verify-cold/pk-read',
      at: [1, 16, 64],
      ours: () => accept(cold, secrets[pick()]),
      async reference() {
        const { rowCount } = await pool.query({
          name: 'pk-read',
          text: 'select tenant_id, id, scopes, created_at from bench.keys where digest = $1',
          values: [digests[pick()]],
        });
        if (rowCount !== 1) throw new Error('not found');
      },
    })),
    ...(await againstMap(bench, cached, secrets.slice(0, cachedCount))),
  ];
  const peer = await betterAuthKeys(database, bench.quick ? 200 : 1000);
  const at = bench.quick ? [16] : [1, 16, 64];
  const compared = [
    {
      name: 'verify-cold/better-auth-default',
      ours: () => accept(cold, secrets[pick()]),
      reference: () => peer.byDefault(pick()),
    },
    {
      name: 'verify-cached/better-auth-memory',
      ours: () => accept(cached, secrets[pick() % cachedCount]),
      reference: () => peer.inMemory(pick()),
    },
  ];
  for (const comparison of compared) rows.push(...(await bench.compare({ ...comparison, at })));
  rows.push(
    await revokeElsewhere(bench, database, {
      keys: cold,
      tenantId: tenants[0] ?? '',
      others: secrets.slice(0, cachedCount),
    }),
  );
  await cached.close();
  return rows;
};

async function accept({ verify }: Pick<ApiKeys, 'verify'>, secret: string | undefined): Promise<void> {
  const result = await verify(secret);
  if (!result.ok) throw new Error(result.reason);
}

async function makeKeys({ run }: BenchDatabase, count: number): Promise<{ secrets: string[]; tenants: string[] }> {
  const now = new Date();
  const tenants = Array.from({ length: tenantCount }, () => uuidv7());
  await run(
    `insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
     select id, 'organization', 'Acme', 'bench', $2::timestamptz, $2::timestamptz, $2::timestamptz
     from unnest($1::uuid[]) as id`,
    [tenants, now],
  );
  await run(`create table bench.keys (digest text collate "C" primary key, tenant_id uuid not null, id uuid not null,
    scopes text[] not null, created_at timestamptz not null)`);
  const secrets: string[] = [];
  for (let start = 0; start < count; start += 20_000) {
    const tokens = Array.from({ length: 20_000 }, () => makeToken({ prefix: 'bench', environment: 'live' }));
    secrets.push(...tokens);
    const values = [
      tokens.map((_, index) => tenants[(start + index) % tenantCount]),
      tokens.map(() => uuidv7()),
      tokens.map(digestOf),
      tokens.map(startOf),
      now,
    ];
    await run(
      `with given as (select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as g (tenant_id, id, digest, start)),
        keys as (
          insert into tenantry.api_keys (tenant_id, id, environment, start, scheme, scopes, created_at)
          select tenant_id, id, 'live', start, 'sha256', '{calls:*}', $5::timestamptz from given
          returning id, facts),
        digests as (
          insert into tenantry.api_key_digests (digest, tenant_id, key_id, facts)
          select g.digest, g.tenant_id, k.id, k.facts from given g join keys k using (id))
      insert into bench.keys select digest, tenant_id, id, '{calls:*}', $5::timestamptz from given`,
      values,
    );
  }
  await run('vacuum analyze');
  return { secrets, tenants };
}

/** Keys that are remembered; resolves when the memory is used. */
async function cachedKeys({ db, appUrl }: BenchDatabase): Promise<ApiKeys> {
  const keys = createApiKeys({
    db,
    prefix: 'bench',
    cache: {
      async listen() {
        const client = new Client({ connectionString: appUrl });
        await client.connect();
        return client;
      },
    },
  });
  while (!keys.cacheState().trusted) await new Promise((resolve) => setTimeout(resolve, 5));
  return keys;
}

async function againstMap(bench: Bench, cached: ApiKeys, secrets: readonly string[]): Promise<readonly Row[]> {
  const known = new Map(secrets.map((secret) => [hash('sha256', secret), true]));
  let call = 0;
  const next = (): string => {
    call = (call + 1) % secrets.length;
    return secrets[call] ?? '';
  };
  for (const secret of secrets) await accept(cached, secret);
  const rows = await bench.compare({
    name: 'verify-cached/hash-map',
    at: [1],
    ours() {
      // A server goes back to its connections between requests; here nothing else would ever let a message in.
      return call % 1000 === 0 ? accept(cached, next()).then(breath) : cached.verify(next());
    },
    reference() {
      if (known.get(hash('sha256', next())) !== true) throw new Error('not found');
      // Who hears nothing for two turns of a second remembers nothing any more.
      return call % 1000 === 0 ? breath() : undefined;
    },
  });
  for (const secret of secrets) await accept(cached, secret);
  return rows;
}

const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * How long after `revoke` has resolved another process still lets the key in: the 99th percentile of many tries, while
 * callers of that process verify without a pause, in milliseconds. The reference is what is wanted.
 */
async function revokeElsewhere(
  bench: Bench,
  { appUrl }: BenchDatabase,
  { keys, tenantId, others }: { readonly keys: ApiKeys; readonly tenantId: string; readonly others: readonly string[] },
): Promise<Row> {
  const tries = bench.quick ? 200 : 1000;
  const child = fork(fileURLToPath(new URL('../key-process.ts', import.meta.url)), [appUrl]);
  child.send({ others });
  await answer(child, 'ready');
  const delays: number[] = [];
  for (let count = 0; count < tries; count += 1) {
    const { key, secret } = await keys.issue({ tenantId });
    child.send({ watch: secret });
    await answer(child, 'watching');
    const refused = answer(child, 'refused');
    await keys.revoke({ tenantId, keyId: key.id });
    const done = process.hrtime.bigint();
    const { at } = await refused;
    delays.push(Math.max(0, Number(BigInt(String(at)) - done) / 1e6));
  }
  const ended = once(child, 'exit');
  child.send({ stop: true });
  await ended;
  const wanted = 50;
  const sorted = delays.toSorted((one, other) => one - other);
  const at = (share: number): number => rounded(sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN);
  const p99 = at(0.99);
  const ratio = rounded(p99 / wanted);
  const spread = [rounded(at(0.5) / wanted), rounded(at(1) / wanted)] as const;
  const row: Row = { name: 'revoke-elsewhere/wanted', at: 1, unit: 'ms', ours: p99, reference: wanted, ratio, spread };
  bench.report(row);
  return row;
}

function answer(child: ChildProcess, name: string): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve) => {
    const listen = (message: unknown): void => {
      if (typeof message !== 'object' || message === null || !(name in message)) return;
      child.off('message', listen);
      resolve({ ...message });
    };
    child.on('message', listen);
  });
}
