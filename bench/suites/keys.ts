import { createApiKeys } from '../../src/api-keys/index.ts';
import { digestOf, makeToken, startOf } from '../../src/api-keys/token.ts';
import { uuidv7 } from '../../src/core/index.ts';
import type { Suite } from '../harness.ts';

const tenantCount = 10_000;

/**
 * `verify` without a cache against a prepared read of one row by its primary key, the same digests in both tables, the
 * same pool, in no order.
 */
export const suite: Suite = async (bench) => {
  const { db, pool, run } = await bench.database();
  const keyCount = bench.quick ? 100_000 : 500_000;
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
  for (let start = 0; start < keyCount; start += 20_000) {
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
          select tenant_id, id, 'live', start, 'sha256', '{calls:*}', $5::timestamptz from given),
        digests as (
          insert into tenantry.api_key_digests (digest, tenant_id, key_id) select digest, tenant_id, id from given)
      insert into bench.keys select digest, tenant_id, id, '{calls:*}', $5::timestamptz from given`,
      values,
    );
  }
  await run('vacuum analyze');
  const digests = secrets.map(digestOf);
  const pick = (): number => Math.floor(Math.random() * keyCount);
  const { verify } = createApiKeys({ db, prefix: 'bench' });
  return bench.compare({
    name: 'verify-cold/pk-read',
    at: [1, 16, 64],
    async ours() {
      const result = await verify(secrets[pick()]);
      if (!result.ok) throw new Error(result.reason);
    },
    async reference() {
      const { rowCount } = await pool.query({
        name: 'pk-read',
        text: 'select tenant_id, id, scopes, created_at from bench.keys where digest = $1',
        values: [digests[pick()]],
      });
      if (rowCount !== 1) throw new Error('not found');
    },
  });
};
