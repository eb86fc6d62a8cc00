import { type Kysely, sql } from 'kysely';
import {
  applyMigration,
  defaultTenant,
  defineMigration,
  firstIsOwner,
  planMigration,
  rollbackMigration,
  untouched,
  verifyMigration,
  via,
} from 'tenantry/migrate';
import { createTenancy, none, perOrg, perUser, type Strategy } from 'tenantry/tenancy';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

/** A shop with a key of two columns, a path by a unique column, a table that refers to itself, and a computed column. */
interface Shop {
  accounts: { region: string; number: number; mail: string; joined: Date };
  orders: { id: string; account: string; total: number; doubled: number; parent: string | null };
  visits: { at: Date; page: string; mail: string | null };
  settings: { name: string };
}

let database: TestDatabase<Shop>;
let db: Kysely<Shop>;

beforeEach(async () => {
  database = await postgresDatabase<Shop>();
  db = database.owner;
  for (const statement of [
    'create table accounts (region char(2), number integer, mail text not null unique, joined timestamptz not null, primary key (region, number))',
    `create table orders (id uuid primary key, account text not null, total integer not null, doubled integer generated always as (total * 2) stored,
      parent uuid references orders (id))`,
    'create table visits (at timestamptz, page text, mail text, primary key (at, page))',
    'create table settings (name text)',
    `insert into accounts select case when n % 2 = 0 then 'ch' else 'pl' end, n, 'a' || n || '@x.org', timestamptz '2026-01-01' + n * interval '1 day' from generate_series(1, 30) n`,
    `insert into orders (id, account, total) select md5(n::text)::uuid, 'a' || (1 + n % 30) || '@x.org', n from generate_series(1, 300) n`,
    `update orders o set parent = (select p.id from orders p where p.account = o.account and p.total < o.total order by p.total limit 1)`,
    `insert into visits select timestamptz '2026-01-01' + n * interval '1 minute', '/' || n % 7, case when n % 5 = 0 then null else 'a' || (1 + n % 30) || '@x.org' end from generate_series(1, 500) n`,
  ]) {
    await sql.raw(statement).execute(db);
  }
});

afterEach(() => database.destroy());

const shop = (to: Strategy, sameTenant = sql`mail`) =>
  defineMigration<Shop>()({
    name: `shop-to-${to.name}`,
    from: none(),
    to,
    column: 'organization_id',
    tenants: { source: 'accounts', sameTenant: [sameTenant], name: 'mail' },
    members: { source: 'accounts', userId: 'mail', email: 'mail', role: firstIsOwner({ by: 'joined' }) },
    tables: {
      orders: via('account', { to: 'accounts', key: 'mail' }),
      visits: via('mail', { to: 'accounts', key: 'mail', unresolved: defaultTenant('["pl", 1]') }),
      settings: untouched(),
    },
  });

it.each([perUser(), perOrg(), none()])('leads to $name and back', async (to) => {
  const definition = shop(to, to.name === 'none' ? sql`'everybody'` : sql`mail`);
  const plan = await planMigration(db, definition);
  expect(plan.tenants).toBe(to.name === 'none' ? 1 : 30);
  await applyMigration(db, definition, { plan, batchSize: 50 });
  const report = await verifyMigration(db, definition);
  expect(report.checks.filter((check) => check.status !== 'pass')).toEqual([]);
  const visits = await sql<{ n: number }>`select count(*)::integer as n from visits where mail is null
    and organization_id = (select organization_id from accounts where number = 1)`.execute(db);
  expect(visits.rows[0]?.n).toBe(100);

  if (to.name !== 'per-org') {
    const tenancy = createTenancy({ db: database.app, strategy: to });
    const home = await tenancy.provision({ userId: 'a7@x.org', name: 'ignored' });
    const owned = await sql<{
      tenant: string;
    }>`select organization_id::text as tenant from accounts where number = 7`.execute(db);
    expect(home).toMatchObject({ tenantId: owned.rows[0]?.tenant, created: false });
  }
  await rollbackMigration(db, definition);
  const left = await sql<{ n: number }>`select count(*)::integer as n from tenantry.tenant_lookups`.execute(db);
  expect(left.rows[0]?.n).toBe(0);
});

it('refuses groups that do not fit the strategy', async () => {
  await expect(planMigration(db, shop(none()))).rejects.toMatchObject({
    code: 'migration_definition_invalid',
    details: { path: 'tenants.sameTenant' },
  });
  await expect(planMigration(db, shop(perUser(), sql`region`))).rejects.toMatchObject({ code: 'migration_conflict' });
});
