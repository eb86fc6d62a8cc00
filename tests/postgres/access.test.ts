import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { Client } from 'pg';
import { createTenantry, definePlans, hybridSeats, own } from 'tenantry';
import type { KeyCacheOptions } from 'tenantry/api-keys';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isolateTable } from '../../src/database/index.ts';
import { problemOf } from '../../src/http/index.ts';
import { fromHeader } from '../../src/tenancy/index.ts';
import { type CountingDatabase, countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

interface Database {
  calls: { tenant_id: string; id: string; path: string };
}

const plans = definePlans({
  free: { quotas: { calls: { amount: 1000, per: 'month' } } },
  pro: { quotas: { calls: { amount: 2000, per: 'month' } }, features: ['webhooks'] },
});

let database: TestDatabase<Database>;
let counting: CountingDatabase<Database>;

beforeAll(async () => {
  database = await postgresDatabase<Database>();
  await sql`create table calls (tenant_id uuid not null, id text not null, path text not null, primary key (tenant_id, id))`.execute(
    database.owner,
  );
  for (const statement of isolateTable({ table: 'calls' })) await sql.raw(statement).execute(database.owner);
  counting = countingDatabase<Database>(database.urls?.app ?? '');
});
afterAll(async () => {
  await counting.destroy();
  await database.destroy();
});

const wire = (cache?: KeyCacheOptions) =>
  createTenantry({
    db: counting.db,
    plans,
    strategy: hybridSeats({ plan: 'free', seats: 5 }),
    apiKeys: { prefix: 'hc', foreign: /^hc_live_[0-9a-f]{32}$/, ...(cache !== undefined && { cache }) },
    tables: { calls: own() },
  });
const headers = (secret: string) => ({ authorization: `Bearer ${secret}` });

it('spends one statement on letting a request in and one on using up', async () => {
  const tenantry = wire();
  const { tenantId, owner } = await tenantry.organizations.create({ name: 'Acme', owner: { userId: 'ada' } });
  const { secret } = await tenantry.apiKeys.issue({ tenantId, memberId: owner.id });
  const access = await tenantry.access.authenticate(headers(secret));
  await access.consume('calls', 1);

  expect(await counting.during(() => tenantry.access.authenticate(headers(secret)))).toHaveLength(1);
  const warm = await counting.during(() => access.consume('calls', 1));
  expect(warm).toHaveLength(1);
  expect(warm[0]).toMatch(/update/i);
  expect(
    await counting.during(async () => [access.plan, await access.has('webhooks'), access.can('calls:read')]),
  ).toEqual([]);
  expect(await counting.during(() => access.db.selectFrom('calls').selectAll().execute())).toHaveLength(1);
  const many = await counting.during(async () => {
    const all = await Promise.all(Array.from({ length: 64 }, () => tenantry.access.authenticate(headers(secret))));
    await Promise.all(all.map((one) => one.consume('calls', 1)));
  });
  expect(many.length).toBeLessThanOrEqual(8);
  expect(await access.check('calls')).toMatchObject({ used: 66 });
});

it('spends two statements at most where nothing is remembered and nothing was used yet, also on a refusal', async () => {
  const { organizations, apiKeys } = wire();
  const { tenantId, owner } = await organizations.create({ name: 'Cold', owner: { userId: 'ada' } });
  const { secret } = await apiKeys.issue({ tenantId, memberId: owner.id });
  const cold = async (amount: number): Promise<string[]> => {
    const { access } = wire();
    return counting.during(async () => {
      const one = await access.authenticate(headers(secret));
      await one.consume('calls', amount).catch(() => undefined);
    });
  };
  expect(await cold(2)).toHaveLength(2);
  expect(await cold(3)).toHaveLength(2);
  expect(await cold(1_000_000)).toHaveLength(1 + 1);
  // Also where only the counter shows that it does not fit.
  expect(await cold(996)).toHaveLength(2);
  const access = await wire().access.authenticate(headers(secret));
  expect(await access.check('calls')).toMatchObject({ used: 5 });
});

it('spends one write alone where keys are remembered', async () => {
  const listener = new Client({ connectionString: database.urls?.app });
  await listener.connect();
  const { organizations, apiKeys, access } = wire({ listen: async () => listener });
  const { tenantId, owner } = await organizations.create({ name: 'Warm', owner: { userId: 'ada' } });
  const { secret } = await apiKeys.issue({ tenantId, memberId: owner.id });
  while (!apiKeys.cacheState().trusted) await new Promise((resolve) => setTimeout(resolve, 5));
  const request = async (): Promise<void> => {
    const one = await access.authenticate(headers(secret));
    await one.consume('calls', 1);
  };
  await request();
  const warm = await counting.during(request);
  expect(warm).toHaveLength(1);
  expect(warm[0]).toMatch(/update tenantry.usage_counters/);
  // Many at once share it.
  expect(await counting.during(() => Promise.all(Array.from({ length: 64 }, request)))).toHaveLength(1);
  await apiKeys.close();
});

it('takes nothing from the limits of a key for what the request is refused for otherwise', async () => {
  const { access, apiKeys, organizations } = createTenantry({
    db: counting.db,
    plans,
    strategy: hybridSeats({ plan: 'free', seats: 5 }),
    organizations: { whenSeatsExceeded: { policy: 'block' } },
    resolution: [fromHeader('x-tenant')],
  });
  const { tenantId, owner } = await organizations.create({ name: 'Acme', owner: { userId: 'ada' } });
  const { key, secret } = await apiKeys.issue({
    tenantId,
    memberId: owner.id,
    scopes: ['calls:*'],
    uses: { amount: 9 },
  });
  const demands = async (one: { require(permission: string): void }) => one.require('bots:write');
  await expect(access.forRequest({ headers: headers(secret) }, {}, { demands })).rejects.toMatchObject({
    code: 'permission_denied',
  });
  const another = { ...headers(secret), 'x-tenant': '00000000-0000-7000-8000-000000000001' };
  await expect(access.forRequest({ headers: another })).rejects.toMatchObject({ code: 'tenant_not_found' });
  const unless = () => 'disabled' as const;
  expect(await access.verify(headers(secret), { unless })).toEqual({ ok: false, reason: 'disabled' });
  await organizations.members.add({ tenantId, userId: 'tom', role: 'member' });
  await organizations.setSeats(tenantId, 1);
  expect(await access.verify(headers(secret))).toEqual({ ok: false, reason: 'seats_exceeded' });
  await organizations.setSeats(tenantId, 5);
  const entered = await access.forRequest(
    { headers: { ...headers(secret), 'x-tenant': tenantId } },
    {},
    { demands: (one) => one.require('calls:write') },
  );
  expect(entered.left?.uses).toMatchObject({ used: 1, remaining: 8 });
  expect((await apiKeys.get({ tenantId, keyId: key.id }))?.uses?.used).toBe(1);
});

it('tells a caller who was refused by a rate limit which one, and what is left of a window', async () => {
  const tenantry = createTenantry({
    db: counting.db,
    plans: definePlans({
      free: { quotas: { calls: { amount: 9, per: 'month', within: [{ amount: 1, per: 'hour' }] } } },
    }),
    strategy: hybridSeats({ plan: 'free', seats: 5 }),
    apiKeys: { rates: { tenant: { limit: 2, per: 'hour' } } },
  });
  const { tenantId } = await tenantry.organizations.create({ name: 'Acme', owner: { userId: 'ada' } });
  const { secret } = await tenantry.apiKeys.issue({ tenantId });
  const access = await tenantry.access.authenticate(headers(secret));
  await access.consume('calls');
  const window = problemOf(await access.consume('calls').catch((error: unknown) => error));
  expect(window.headers.ratelimit).toMatch(/^"calls";r=0;t=3[56]\d\d$/);
  await tenantry.access.authenticate(headers(secret));
  const rate = problemOf(await tenantry.access.authenticate(headers(secret)).catch((error: unknown) => error));
  expect(rate).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
  expect(rate.headers.ratelimit).toMatch(/^"tenant";r=0;t=3[56]\d\d$/);
  expect(rate.headers['ratelimit-policy']).toBe('"tenant";q=2');
  expect(rate.headers['retry-after']).toMatch(/^1[78]\d\d$/);
});

it('sees a change of plan at the next request', async () => {
  const tenantry = wire();
  const { tenantId } = await tenantry.tenancy.provision({ userId: 'ada', name: 'Change' });
  const { secret } = await tenantry.apiKeys.issue({ tenantId });
  const before = await tenantry.access.authenticate(headers(secret));
  await before.consume('calls', 1000);
  await expect(before.consume('calls', 1)).rejects.toMatchObject({ code: 'quota_exceeded' });
  await wire().tenancy.setPlan(tenantId, 'pro');
  const after = await tenantry.access.authenticate(headers(secret));
  expect(await after.consume('calls', 1)).toMatchObject({ used: 1001, limit: 2000 });
});

it('opens with an old key of another system, and refuses a revoked one with its reason', async () => {
  const tenantry = wire();
  const { tenantId, owner } = await tenantry.organizations.create({ name: 'Legacy', owner: { userId: 'ada' } });
  const [old, revoked] = ['a', 'b'].map((letter) => `hc_live_${letter.repeat(32)}`);
  const keys = [old ?? '', revoked ?? ''].map((secret, index) => ({
    digest: createHash('sha256').update(secret).digest('hex'),
    scheme: 'sha256-hex' as const,
    start: secret.slice(0, 12),
    memberId: owner.id,
    revokedAt: index === 1 ? new Date('2025-01-01T00:00:00Z') : null,
  }));
  await tenantry.apiKeys.importKeys(tenantId, keys);
  const access = await tenantry.access.authenticate(headers(old ?? ''));
  expect(access).toMatchObject({ tenant: { id: tenantId }, member: { userId: 'ada', role: 'owner' } });
  access.require('calls:write');
  const refused = { code: 'key_refused', status: 403, details: { reason: 'revoked' } };
  await expect(tenantry.access.authenticate(headers(revoked ?? ''))).rejects.toMatchObject(refused);
  await tenantry.organizations.members.add({ tenantId, userId: 'bob' });
  await tenantry.organizations.setSeats(tenantId, 1);
  const exceeded = { code: 'key_refused', details: { reason: 'seats_exceeded' } };
  await expect(tenantry.access.authenticate(headers(old ?? ''))).rejects.toMatchObject(exceeded);
});

it('keeps the rows of tenants apart, in single statements and in transactions', async () => {
  const tenantry = wire();
  const [mine, theirs] = await Promise.all(
    ['Mine', 'Theirs'].map(async (name) => {
      const { tenantId } = await tenantry.tenancy.provision({ userId: name, name });
      const { secret } = await tenantry.apiKeys.issue({ tenantId });
      return tenantry.access.authenticate(headers(secret));
    }),
  );
  if (mine === undefined || theirs === undefined) throw new Error('two tenants are needed');
  for (const access of [mine, theirs])
    await access.db.insertInto('calls').values({ id: '1', path: access.tenant.id }).execute();

  expect(await mine.db.selectFrom('calls').select('path').execute()).toEqual([{ path: mine.tenant.id }]);
  const changed = await mine.db.updateTable('calls').set({ path: 'changed' }).executeTakeFirstOrThrow();
  expect(Number(changed.numUpdatedRows)).toBe(1);
  await mine.transaction(async (tx) => {
    const seen = await sql<{ path: string }>`select path from calls`.execute(tx.withoutPlugins());
    expect(seen.rows).toEqual([{ path: 'changed' }]);
    expect(await tx.selectFrom('calls').select('path').execute()).toEqual([{ path: 'changed' }]);
  });
  await mine.db.deleteFrom('calls').execute();
  expect(await theirs.db.selectFrom('calls').select('path').execute()).toEqual([{ path: theirs.tenant.id }]);
});
