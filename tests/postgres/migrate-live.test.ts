import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { applyMigration, rollbackMigration, verifyMigration } from 'tenantry/migrate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyMigration, makeLegacy } from '../support/legacy.ts';
import { openOldWriter } from '../support/runner.ts';

/** The old application: a login that knows nothing of the library. */
let old: Kysely<Legacy>;
let database: TestDatabase<Legacy>;

beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  await makeLegacy(database.owner);
  await sql`grant select, insert, update, delete on all tables in schema public to tenantry_test_legacy`.execute(
    database.owner,
  );
  const pool = new Pool({ connectionString: database.urls?.legacy ?? '', max: 8 });
  old = new Kysely<Legacy>({ dialect: new PostgresDialect({ pool }) });
});

afterEach(async () => {
  await old.destroy();
  await database.destroy();
});

const digest = (text: string) => sql<string>`encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`;

async function one<Row>(query: ReturnType<typeof sql<Row>>): Promise<Row | undefined> {
  return (await query.execute(database.owner)).rows[0];
}

/** A customer as the old application writes one. */
function customer(id: number, rest: Partial<Record<keyof Legacy['customers'], unknown>>) {
  const row = {
    id,
    email: `new${id}@example.com`,
    company: null,
    stripe_customer_id: null,
    created_at: new Date('2026-05-01T00:00:00Z'),
    ...rest,
  };
  return sql`insert into customers ${sql.raw(`(${Object.keys(row).join(', ')})`)} values (${sql.join(Object.values(row))})`.execute(
    old,
  );
}

describe('between expand and switch, what the old application writes is in the new shape when it commits', () => {
  beforeEach(async () => {
    await applyMigration(database.owner, legacyMigration, { to: 'backfill' });
  });

  it('a new customer gets a tenant of its own, a member and a key', async () => {
    await customer(9001, {
      api_key_hash: digest('live secret'),
      api_key_prefix: 'hc_live_new',
      subscription_status: 'active',
    });
    const made = await one(sql`select t.subscription_status, m.user_id, m.role, o.seats_taken, k.start
      from customers c join tenantry.tenants t on t.tenant_id = c.tenant_id join tenantry.organizations o on o.tenant_id = c.tenant_id
      join tenantry.members m on m.tenant_id = c.tenant_id join tenantry.api_key_digests d on d.digest = c.api_key_hash
      join tenantry.api_keys k on k.tenant_id = d.tenant_id and k.id = d.key_id and k.member_id = m.id where c.id = 9001`);
    expect(made).toEqual({
      subscription_status: 'active',
      user_id: '9001',
      role: 'owner',
      seats_taken: 1,
      start: 'hc_live_new',
    });
  });

  it('a new customer of a known company joins its tenant and takes a seat there', async () => {
    const before = await one<{
      tenant_id: string;
      seats_taken: number;
    }>(sql`select o.tenant_id, o.seats_taken from customers c
      join tenantry.organizations o on o.tenant_id = c.tenant_id where c.id = 6`);
    await customer(9002, { company: "  żółć o'brien " });
    await customer(9003, { company: "Żółć O'Brien", email: 'NEW9002@example.com' });
    const after = await one(
      sql`select o.tenant_id, o.seats_taken from tenantry.organizations o where o.tenant_id in (select tenant_id from customers where id in (9002, 9003))`,
    );
    expect(after).toEqual({ tenant_id: before?.tenant_id, seats_taken: (before?.seats_taken ?? 0) + 1 });
  });

  it('children follow: inserts, a project that moves to another customer, and its notes', async () => {
    await sql`insert into projects (id, customer_id, name) values (9001, 5, 'new')`.execute(old);
    await sql`insert into notes (project_id, position, body) values (9001, 1, 'new'), (9001, 2, 'new')`.execute(old);
    await sql`update projects set customer_id = 3 where id = 9001`.execute(old);
    const found =
      await one(sql`select (select tenant_id from projects where id = 9001) = (select tenant_id from customers where id = 3) as project,
      (select bool_and(tenant_id = (select tenant_id from customers where id = 3)) from notes where project_id = 9001) as notes`);
    expect(found).toEqual({ project: true, notes: true });
  });

  it('a revoked, a rotated and a deleted key no longer open', async () => {
    await sql`update customers set api_key_revoked_at = now() where id = 1`.execute(old);
    await sql`update customers set api_key_hash = ${digest('rotated')} where id = 2`.execute(old);
    const found = await sql<{ start: string; revoked: boolean }>`select k.start, k.revoked_at is not null as revoked
      from tenantry.api_keys k where k.start in ('hc_live_1', 'hc_live_2') order by k.start, k.revoked_at nulls last`.execute(
      database.owner,
    );
    expect(found.rows).toEqual([
      { start: 'hc_live_1', revoked: true },
      { start: 'hc_live_2', revoked: true },
      { start: 'hc_live_2', revoked: false },
    ]);
  });

  it('a customer who is deleted frees the seat', async () => {
    await customer(9004, { company: "Żółć O'Brien" });
    const taken = (): Promise<{ n: number } | undefined> =>
      one(
        sql<{
          n: number;
        }>`select o.seats_taken as n from tenantry.organizations o join customers c on c.tenant_id = o.tenant_id where c.id = 6`,
      );
    const before = await taken();
    await sql`delete from customers where id = 9004`.execute(old);
    expect((await taken())?.n).toBe((before?.n ?? 0) - 1);
  });

  it('a customer keeps the tenant when a column changes that the rules read', async () => {
    const before = await one(sql`select tenant_id from customers where id = 10`);
    await sql`update customers set stripe_customer_id = 'cus_late' where id = 10`.execute(old);
    expect(await one(sql`select tenant_id from customers where id = 10`)).toEqual(before);
  });
});

it('loses no write of eight writers while it runs, and every row has its one tenant at the end', async () => {
  let going = true;
  const written: number[] = [];
  const writer = async (seat: number): Promise<void> => {
    for (let n = 0; going; n += 1) {
      const id = 100_000 + seat * 10_000 + n;
      await customer(id, { company: n % 3 === 0 ? 'Company 3' : null });
      await sql`insert into projects (id, customer_id, name) values (${id}, ${id}, 'live')`.execute(old);
      await sql`insert into notes (project_id, position, body) values (${id}, 1, 'live')`.execute(old);
      await sql`insert into api_calls (customer_id, path, called_at) values (${id}, '/live', now())`.execute(old);
      await sql`update notes set body = body || '!' where project_id = ${1 + (n % 300)}`.execute(old);
      written.push(id);
    }
  };
  const writers = Array.from({ length: 8 }, (_, seat) => writer(seat));
  try {
    await applyMigration(database.owner, legacyMigration, {
      to: 'backfill',
      batchSize: 200,
      batchMilliseconds: 1,
      pause: 5,
    });
  } finally {
    going = false;
    await Promise.all(writers);
  }
  const report = await verifyMigration(database.owner, legacyMigration);
  expect(report.checks.filter((check) => check.status === 'fail')).toEqual([]);
  const found = await one<{
    n: number;
  }>(sql`select count(*)::integer as n from customers c join projects p on p.customer_id = c.id and p.tenant_id = c.tenant_id
    join notes o on o.project_id = p.id and o.tenant_id = c.tenant_id join api_calls a on a.customer_id = c.id and a.tenant_id = c.tenant_id
    join tenantry.members m on m.tenant_id = c.tenant_id and m.user_id = c.id::text where c.id >= 100000`);
  expect(written.length).toBeGreaterThan(8);
  expect(found?.n).toBe(written.length);
});

it('keeps what was written after enforce when it is rolled back, and sets aside what has no place', async () => {
  await applyMigration(database.owner, legacyMigration);
  const [tenant] = (
    await sql<{ tenant_id: string }>`select tenant_id from customers where id = 5`.execute(database.owner)
  ).rows;
  await sql`insert into projects (id, customer_id, name, tenant_id) values (9100, 5, 'after', ${tenant?.tenant_id})`.execute(
    database.app,
  );
  await sql`insert into tenantry.members (tenant_id, id, user_id, role, created_at, updated_at)
    values (${tenant?.tenant_id}, gen_random_uuid(), 'somebody new', 'member', now(), now())`.execute(database.app);
  const back = await rollbackMigration(database.owner, legacyMigration);
  expect(back.kept).toEqual([{ table: 'tenantry.members', rows: 1 }]);
  expect(await one(sql`select name from projects where id = 9100`)).toEqual({ name: 'after' });
  expect(await one(sql`select row_data ->> 'user_id' as who from tenantry.migration_quarantine`)).toEqual({
    who: 'somebody new',
  });
});

it('columns of the old application may be named like anything in the triggers', async () => {
  await sql`alter table customers add column tenant text, add column member text, add column its_tenant_name text`.execute(
    database.owner,
  );
  const definition = {
    ...legacyMigration,
    tenants: { ...legacyMigration.tenants, sameTenant: [sql`lower(tenant || coalesce(member, ''))`, 'id'] },
  };
  await applyMigration(database.owner, definition);
  const writer = await openOldWriter(database);
  for (const id of [9201, 9202]) {
    await sql`insert into customers (id, email, tenant, created_at) values (${id}, ${`t${id}@example.com`}, 'Same', now())`.execute(
      writer.db,
    );
  }
  await sql`update customers set api_key_hash = ${digest('late')} where id = 9201`.execute(writer.db);
  await writer.db.destroy();
  await writer.destroy();
  const found =
    await one(sql`select count(distinct tenant_id)::integer as tenants, (select count(*)::integer from tenantry.members m
    where m.tenant_id = (select tenant_id from customers where id = 9201)) as members from customers where id in (9201, 9202)`);
  expect(found).toEqual({ tenants: 1, members: 2 });
});
