import { sql } from 'kysely';
import { createTenantry, definePlans, hybridSeats } from 'tenantry';
import { createPlatform } from 'tenantry/tenancy';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

type Empty = Record<string, never>;

let database: TestDatabase<Empty>;
const plans = definePlans({
  free: { quotas: { calls: { amount: 50, per: 'month' } } },
  pro: { quotas: { calls: { amount: 500, per: 'month' } } },
});
const program = () => createTenantry({ db: database.app, plans, strategy: hybridSeats({ plan: 'free', seats: 5 }) });
const by = { userId: 'root' };
const tenantIds: string[] = [];

beforeAll(async () => {
  database = await postgresDatabase<Empty>();
  const { tenancy, organizations, plans: meters } = program();
  for (let n = 0; n < 25; n += 1) {
    const { tenantId } = await tenancy.provision({ userId: `owner ${n}`, name: `Company ${n}`, slug: `company-${n}` });
    tenantIds.push(tenantId);
    await organizations.members.add({ tenantId, userId: 'everywhere', role: 'member' });
    await meters.consume(tenantId, 'calls', n + 1);
    if (n % 5 === 0) await tenancy.setPlan(tenantId, 'pro');
    if (n === 24) await tenancy.suspend(tenantId);
  }
});
afterAll(() => database.destroy());

interface Page {
  readonly items: readonly object[];
  readonly nextCursor: string | null;
}

async function all(read: (cursor: string | null) => Promise<Page>): Promise<object[]> {
  const items: object[] = [];
  let cursor: string | null = null;
  do {
    const page: Page = await read(cursor);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

it('lists tenants, members and usage across tenants, in parts that neither skip nor repeat', async () => {
  const { platform } = program();
  const tenants = await all((cursor) => platform.tenants({ by, cursor, limit: 7 }));
  expect(tenants.map((tenant) => Reflect.get(tenant, 'tenantId'))).toEqual(tenantIds.toSorted());
  expect(tenants[0]).toMatchObject({ kind: 'organization', status: 'active', seatsBought: 5, seatsTaken: 2 });
  const members = await all((cursor) => platform.members({ by, cursor, limit: 7 }));
  expect(new Set(members.map((member) => Reflect.get(member, 'id'))).size).toBe(50);
  const usage = await all((cursor) => platform.usage({ by, cursor, limit: 7, meter: 'calls' }));
  expect(usage.map((row) => Reflect.get(row, 'used')).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 25 }, (_, n) => n + 1),
  );
});

it('filters, and counts by plan and status', async () => {
  const { platform } = program();
  const names = async (filter: object) => (await platform.tenants({ by, ...filter })).items.map(({ name }) => name);
  expect(await names({ status: 'suspended' })).toEqual(['Company 24']);
  expect(await names({ plan: 'pro' })).toHaveLength(5);
  expect((await names({ search: 'company 2' })).toSorted()).toEqual([
    'Company 2',
    'Company 20',
    'Company 21',
    'Company 22',
    'Company 23',
    'Company 24',
  ]);
  expect(await names({ search: 'company-7' })).toEqual(['Company 7']);
  expect(await names({ search: '%' })).toEqual([]);
  expect((await platform.members({ by, userId: 'everywhere' })).items).toHaveLength(25);
  expect(
    (await platform.members({ by, tenantId: tenantIds[3] ?? '' })).items.map(({ userId }) => userId).toSorted(),
  ).toEqual(['everywhere', 'owner 3']);
  expect(await platform.plans({ by })).toEqual([
    { plan: 'free', status: 'active', subscriptionStatus: null, tenants: 19, seatsBought: 95, seatsTaken: 38 },
    { plan: 'free', status: 'suspended', subscriptionStatus: null, tenants: 1, seatsBought: 5, seatsTaken: 2 },
    { plan: 'pro', status: 'active', subscriptionStatus: null, tenants: 5, seatsBought: 25, seatsTaken: 10 },
  ]);
});

it('records who looked at what and why, before they see it', async () => {
  const { platform, audit } = program();
  const before = (await audit.platform.list({ limit: 1000 })).items.length;
  await platform.members({ by: { userId: 'eve' }, reason: 'ticket 7', tenantId: tenantIds[0] ?? '' });
  const { items } = await audit.platform.list({ actorId: 'eve' });
  expect(items).toMatchObject([
    {
      action: 'platform.read',
      actor: { type: 'user', id: 'eve', metadata: { superAdmin: true } },
      targets: [{ type: 'tenant', id: tenantIds[0] }],
      metadata: { view: 'members', reason: 'ticket 7' },
    },
  ]);
  expect((await audit.platform.list({ limit: 1000 })).items).toHaveLength(before + 1);
  expect(await audit.platform.verify()).toMatchObject({ ok: true });
});

it('shows nothing when it cannot be recorded, or nobody says who looks', async () => {
  const failing = createPlatform({
    db: database.app,
    events: async () => {
      throw new Error('the trail is full');
    },
  });
  await expect(failing.tenants({ by })).rejects.toThrow('the trail is full');
  await expect(program().platform.tenants({ by: { userId: '' } })).rejects.toMatchObject({ code: 'name_invalid' });
  await expect(program().platform.tenants(JSON.parse('{}'))).rejects.toMatchObject({ code: 'name_invalid' });
  expect(() => createPlatform(JSON.parse('{}'))).toThrow(expect.objectContaining({ code: 'config_invalid' }));
});

it('reads as the service role, puts the caller’s role back, and is out of reach of a tenant’s transaction', async () => {
  const { platform, tenancy } = program();
  await database.app.transaction().execute(async (tx) => {
    await platform.plans({ by }, { db: tx });
    const { rows } = await sql<{ role: string }>`select current_setting('role') as role`.execute(tx);
    expect(rows[0]?.role).toBe('none');
  });
  const within = tenancy.transaction(tenantIds[0] ?? '', (tx) => platform.tenants({ by }, { db: tx }), {
    plugin: false,
  });
  await expect(within).rejects.toMatchObject({ code: '42501' });
});

it.each([
  ['a limit of none', { limit: 0 }, 'amount_invalid'],
  ['a limit beyond the most', { limit: 1001 }, 'amount_invalid'],
  ['a cursor that is none', { cursor: 'x' }, 'name_invalid'],
  ['a cursor with another key', { cursor: Buffer.from('["a"]').toString('base64url') }, 'name_invalid'],
  ['a reason with control characters', { reason: 'a\u0000' }, 'name_invalid'],
])('refuses %s', async (_, input, code) => {
  const { platform } = program();
  await expect(platform.tenants({ by, ...input })).rejects.toMatchObject({ code });
  await expect(platform.members({ by, ...input })).rejects.toMatchObject({ code });
  await expect(platform.usage({ by, ...input })).rejects.toMatchObject({ code });
});

it('finds nothing under an id that is none', async () => {
  const { platform } = program();
  await expect(platform.members({ by, tenantId: 'x' })).rejects.toMatchObject({ code: 'tenant_not_found' });
  expect((await platform.members({ by, tenantId: '00000000-0000-7000-8000-00000000dead' })).items).toEqual([]);
});
