import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { applyMigration, rollbackMigration, verifyMigration } from 'tenantry/migrate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { makePartsLegacy, type PartsLegacy, partsMigration } from '../support/parts-legacy.ts';

let database: TestDatabase<PartsLegacy>;
/** The old application: a login that knows nothing of the library. */
let old: Kysely<PartsLegacy>;

beforeEach(async () => {
  database = await postgresDatabase<PartsLegacy>();
  await makePartsLegacy(database.owner);
  await sql`grant select, insert, update, delete on all tables in schema public to tenantry_test_legacy`.execute(
    database.owner,
  );
  const pool = new Pool({ connectionString: database.urls?.legacy ?? '', max: 8 });
  old = new Kysely<PartsLegacy>({ dialect: new PostgresDialect({ pool }) });
});

afterEach(async () => {
  await old.destroy();
  await database.destroy();
});

const digest = (text: string) => sql<string>`encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`;

async function rows<Row>(query: ReturnType<typeof sql<Row>>): Promise<Row[]> {
  return (await query.execute(database.owner)).rows;
}

const write = (query: ReturnType<typeof sql>) => query.execute(old);

/** Members of the tenant of a company, by user. */
const membersOf = (company: number) =>
  rows<{ user_id: string; role: string; status: string }>(sql`select m.user_id, m.role, m.status from tenantry.members m
    join companies c on c.tenant_id = m.tenant_id where c.id = ${company} and m.status <> 'removed' order by m.user_id::integer`);

const member = async (company: number, user: number) =>
  (await membersOf(company)).find(({ user_id }) => user_id === String(user));

const seats = async (company: number): Promise<number> =>
  (
    await rows<{ n: number }>(sql`select o.seats_taken as n from tenantry.organizations o join companies c
      on c.tenant_id = o.tenant_id where c.id = ${company}`)
  )[0]?.n ?? -1;

/** The keys whose name is this: company whose tenant it opens, user, whether it is revoked. */
const keys = (name: string) =>
  rows(sql`select c.id as company, m.user_id as user, k.revoked_at is not null as revoked from tenantry.api_keys k
    join tenantry.api_key_digests d on d.tenant_id = k.tenant_id and d.key_id = k.id
    join companies c on c.tenant_id = k.tenant_id left join tenantry.members m on m.tenant_id = k.tenant_id and m.id = k.member_id
    where k.name = ${name} order by 1, 3`);

const grants = (user: number) =>
  rows(sql`select c.id as company, g.permission, g.granted_by from tenantry.member_grants g
    join tenantry.members m on m.tenant_id = g.tenant_id and m.id = g.member_id and m.status <> 'removed'
    join companies c on c.tenant_id = g.tenant_id where m.user_id = ${String(user)} order by 1, 2`);

const status = async (company: number): Promise<unknown> =>
  (
    await rows<{ status: string | null }>(sql`select t.subscription_status as status from tenantry.tenants t
      join companies c on c.tenant_id = t.tenant_id where c.id = ${company}`)
  )[0]?.status;

/** Expects every check to pass, or to say why it could not be judged. */
async function proved(): Promise<void> {
  const report = await verifyMigration(database.owner, partsMigration);
  expect(report.checks.filter((check) => check.status === 'fail')).toEqual([]);
}

const newUser = (id: number, company: number | null, rest: Partial<PartsLegacy['users']> = {}) =>
  write(sql`insert into users (id, company_id, email, role, is_approved, is_active) values (${id}, ${company},
    ${rest.email ?? `new${id}@x.org`}, ${rest.role ?? 'member'}, ${rest.is_approved ?? true}, ${rest.is_active ?? true})`);

const newToken = (user: number, secret: string, name = secret) =>
  write(sql`insert into api_tokens (user_id, token_hash, label) values (${user}, ${digest(secret)}, ${name})`);

describe('what the old application writes to the tables of parts is in the new shape when it commits', () => {
  beforeEach(async () => {
    await applyMigration(database.owner, partsMigration, { to: 'backfill' });
  });
  afterEach(proved);

  it('a new user becomes a member with a seat, and a company of its own gets its owner', async () => {
    const before = await seats(1);
    await newUser(9001, 1, { is_approved: false });
    expect(await member(1, 9001)).toEqual({ user_id: '9001', role: 'member', status: 'pending' });
    await newUser(9002, 1, { is_active: false });
    expect(await member(1, 9002)).toMatchObject({ status: 'suspended' });
    expect(await seats(1)).toBe(before + 1);
    await write(sql`insert into companies values (900, 'New & Co', now())`);
    await newUser(9003, 900);
    await newUser(9004, 900);
    expect(await membersOf(900)).toEqual([
      { user_id: '9003', role: 'owner', status: 'active' },
      { user_id: '9004', role: 'member', status: 'active' },
    ]);
    expect(await seats(900)).toBe(2);
  });

  it("a person's second account is the same member, who stays while one of them does", async () => {
    const before = await seats(1);
    await newUser(9001, 1, { email: ' NEW@x.org ' });
    await newUser(9002, 1, { email: 'new@x.org', role: 'admin' });
    await newToken(9002, 'second account');
    expect(await member(1, 9001)).toMatchObject({ role: 'admin' });
    expect(await member(1, 9002)).toBeUndefined();
    expect(await keys('second account')).toEqual([{ company: 1, user: '9001', revoked: false }]);
    await write(sql`delete from users where id = 9001`);
    expect(await member(1, 9002)).toMatchObject({ role: 'admin' });
    expect(await seats(1)).toBe(before + 1);
    await write(sql`delete from users where id = 9002`);
    expect(await seats(1)).toBe(before);
    expect(await keys('second account')).toEqual([{ company: 1, user: '9002', revoked: true }]);
  });

  it('a role and an approval follow, and nothing else of the member changes', async () => {
    await newUser(9001, 1, { is_approved: false });
    await sql`update tenantry.members set role = 'auditor' where user_id = '9001'`.execute(database.app);
    await write(sql`update users set is_approved = true, full_name = 'Nine' where id = 9001`);
    expect(await member(1, 9001)).toEqual({ user_id: '9001', role: 'auditor', status: 'active' });
    await write(sql`update users set role = 'admin' where id = 9001`);
    expect(await member(1, 9001)).toMatchObject({ role: 'admin' });
  });

  it('the oldest becomes owner when the last owner goes', async () => {
    expect((await membersOf(1)).filter(({ role }) => role === 'owner')).toEqual([
      { user_id: '1', role: 'owner', status: 'active' },
    ]);
    await write(sql`update users set company_id = 2 where id = 1`);
    expect((await membersOf(1)).filter(({ role }) => role === 'owner')).toEqual([
      { user_id: '2', role: 'owner', status: 'active' },
    ]);
  });

  it('a user who changes company moves with seat and keys', async () => {
    const [one, five] = [await seats(1), await seats(5)];
    expect(await keys('Token 4')).toEqual([{ company: 1, user: '4', revoked: false }]);
    await write(sql`update users set company_id = 5 where id = 4`);
    expect(await member(1, 4)).toBeUndefined();
    expect(await member(5, 4)).toEqual({ user_id: '4', role: 'member', status: 'active' });
    expect([await seats(1), await seats(5)]).toEqual([one - 1, five + 1]);
    expect(await keys('Token 4')).toEqual([{ company: 5, user: '4', revoked: false }]);
    await write(sql`update users set company_id = 1 where id = 4`);
    expect(await member(1, 4)).toMatchObject({ status: 'active' });
    expect([await seats(1), await seats(5)]).toEqual([one, five]);
    expect(await keys('Token 4')).toEqual([{ company: 1, user: '4', revoked: false }]);
  });

  it('a user who leaves all companies has no member and no open key, and both again in the next one', async () => {
    await write(sql`update users set company_id = null where id = 4`);
    expect(await rows(sql`select 1 from tenantry.members where user_id = '4' and status <> 'removed'`)).toEqual([]);
    expect(await keys('Token 4')).toEqual([{ company: 1, user: '4', revoked: true }]);
    await write(sql`update users set company_id = 2 where id = 9`);
    expect(await member(2, 9)).toMatchObject({ status: 'active' });
    expect(await keys('Token 9')).toEqual([{ company: 2, user: '9', revoked: false }]);
  });

  it('a key is made, used, named, revoked, let in again, rotated and deleted', async () => {
    await newToken(1, 'secret', 'key');
    expect(await keys('key')).toEqual([{ company: 1, user: '1', revoked: false }]);
    await write(sql`update api_tokens set last_used_at = '2026-06-01', expires_at = '2028-01-01' where label = 'key'`);
    expect(
      await rows(
        sql`select last_used_at::date::text as used, expires_at::date::text as expires from tenantry.api_keys where name = 'key'`,
      ),
    ).toEqual([{ used: '2026-06-01', expires: '2028-01-01' }]);
    await write(sql`update api_tokens set revoked_at = now() where label = 'key'`);
    expect(await keys('key')).toEqual([{ company: 1, user: '1', revoked: true }]);
    await write(sql`update api_tokens set revoked_at = null where label = 'key'`);
    expect(await keys('key')).toEqual([{ company: 1, user: '1', revoked: false }]);
    await sql`update tenantry.api_keys set revoked_at = now() where name = 'key'`.execute(database.app);
    await write(sql`update api_tokens set last_used_at = now() where label = 'key'`);
    expect(await keys('key')).toEqual([{ company: 1, user: '1', revoked: true }]);
    await write(sql`update api_tokens set token_hash = ${digest('rotated')} where label = 'key'`);
    expect(await keys('key')).toEqual([
      { company: 1, user: '1', revoked: false },
      { company: 1, user: '1', revoked: true },
    ]);
    await write(sql`delete from api_tokens where label = 'key'`);
    expect(await keys('key')).toEqual([
      { company: 1, user: '1', revoked: true },
      { company: 1, user: '1', revoked: true },
    ]);
  });

  it('a key that another row holds, or that is none, is recorded and stops nobody', async () => {
    await newToken(1, 'twice', 'first');
    await newToken(11, 'twice', 'second');
    await write(sql`insert into api_tokens (user_id, token_hash, label) values (1, 'no digest', 'third')`);
    expect(await keys('second')).toEqual([]);
    const recorded = () =>
      rows(
        sql`select row_data ->> 'user_id' as user, reason from tenantry.migration_quarantine where table_name = 'api_tokens as apiKeys' order by 1, 2`,
      );
    expect(await recorded()).toEqual([
      { user: '1', reason: 'its digest is no SHA-256' },
      { user: '11', reason: 'another row holds the same key' },
    ]);
    await write(sql`delete from api_tokens where label = 'second'`);
    expect(await keys('first')).toEqual([{ company: 1, user: '1', revoked: false }]);
    expect(await recorded()).toHaveLength(1);
  });

  it('a grant is made, changed, given twice and taken back', async () => {
    await write(sql`delete from permissions where user_id = 4`);
    expect(await grants(4)).toEqual([]);
    const give = (id: number, permission: string, by: number) =>
      write(sql`insert into permissions values (${id}, 1, 4, ${permission}, ${by}, now(), null)`);
    await give(8001, 'a:read', 1);
    await give(8002, 'a:read', 5);
    await give(8003, 'b:read', 5);
    expect(await grants(4)).toEqual([
      { company: 1, permission: 'a:read', granted_by: '1' },
      { company: 1, permission: 'b:read', granted_by: '5' },
    ]);
    await write(sql`delete from permissions where id = 8001`);
    await write(sql`update permissions set permission = 'c:read' where id = 8003`);
    expect(await grants(4)).toEqual([
      { company: 1, permission: 'a:read', granted_by: '5' },
      { company: 1, permission: 'c:read', granted_by: '5' },
    ]);
    await write(sql`update permissions set user_id = 999999 where id = 8003`);
    await write(sql`delete from permissions where id = 8002`);
    expect(await grants(4)).toEqual([]);
    expect(await rows(sql`select reason from tenantry.migration_quarantine where row_key = '8003'`)).toEqual([
      { reason: 'its user is no member of the tenant' },
    ]);
  });

  it('the most alive subscription counts, whatever is written to them', async () => {
    await write(sql`delete from subscriptions where company_id = 1`);
    expect(await status(1)).toBeNull();
    await write(sql`insert into subscriptions values (8001, 1, 'cus_new', 'sub_new', 'canceled')`);
    await write(sql`insert into subscriptions values (8002, 1, 'cus_new', 'sub_newer', 'past_due')`);
    expect(await status(1)).toBe('past_due');
    await write(sql`update subscriptions set status = 'active' where id = 8001`);
    expect(await status(1)).toBe('active');
    await write(sql`update subscriptions set company_id = 2 where id = 8001`);
    expect([await status(1), await status(2)]).toEqual(['past_due', 'active']);
    const named =
      await rows(sql`select l.value, c.id as company from tenantry.tenant_lookups l join companies c on c.tenant_id = l.tenant_id
      where l.value in ('cus_new', 'sub_new', 'sub_newer') order by 1`);
    expect(named).toEqual([
      { value: 'cus_new', company: 2 },
      { value: 'sub_new', company: 2 },
      { value: 'sub_newer', company: 1 },
    ]);
  });

  it('what happens is told, and stays told', async () => {
    const told = () =>
      rows(sql`select c.id as company, e.actor_id, e.targets, e.metadata from tenantry.audit_entries e
        join companies c on c.tenant_id = e.tenant_id where e.action = 'new.action'`);
    await write(sql`insert into audit_logs (company_id, user_id, action, entity_type, entity_id, details)
      values (1, 5, 'new.action', 'page', '7', '{"x": 1}'), (null, 5, 'new.action', null, null, null)`);
    const entry = { company: 1, actor_id: '5', targets: [{ type: 'page', id: '7' }], metadata: { x: 1 } };
    expect(await told()).toEqual([entry]);
    await write(sql`update audit_logs set action = 'old.action', company_id = 2 where action = 'new.action'`);
    expect(await told()).toEqual([entry]);
    await write(sql`delete from audit_logs where action = 'old.action'`);
    expect(await told()).toEqual([entry]);
  });

  it('primary keys that change take along what was made of their rows', async () => {
    await write(sql`delete from api_tokens where user_id in (2, 3)`);
    await write(sql`update users set id = 7002 where id = 2`);
    await write(sql`update permissions set id = 7001 where id = 1`);
    expect(await member(1, 7002)).toEqual({ user_id: '7002', role: 'member', status: 'active' });
    expect(await member(1, 2)).toBeUndefined();
    await write(sql`delete from permissions where id = 7001`);
    expect(await grants(1)).toEqual([]);
  });
});

it('neither loses nor doubles anybody while eight writers write, and goes back with what has no place', async () => {
  let going = true;
  const writer = async (seat: number): Promise<void> => {
    for (let n = 0; going; n += 1) {
      const id = 100_000 + seat * 10_000 + n;
      await newUser(id, n % 5 === 0 ? null : 1 + ((seat + n) % 12), {
        email: `LIVE${id - (n % 2)}@x.org`,
        role: n % 7 === 0 ? 'owner' : 'member',
      });
      await newToken(id, `live ${id}`);
      await write(sql`insert into permissions values (${id}, ${1 + (n % 12)}, ${id}, 'live:read', null, now(), null)`);
      await write(sql`insert into audit_logs (company_id, action) values (${1 + (n % 13)}, 'live')`);
      if (n % 3 === 0) await write(sql`update users set company_id = ${1 + ((seat + n + 1) % 12)} where id = ${id}`);
      if (n % 4 === 0) await write(sql`delete from users where id = ${id - 1}`);
    }
  };
  const writers = Array.from({ length: 8 }, (_, seat) => writer(seat));
  try {
    await applyMigration(database.owner, partsMigration, {
      to: 'backfill',
      batchSize: 200,
      batchMilliseconds: 1,
      pause: 2,
    });
  } finally {
    going = false;
    await Promise.all(writers);
  }
  await proved();
  await applyMigration(database.owner, partsMigration);
  await proved();
  await sql`insert into tenantry.member_grants (tenant_id, member_id, permission, granted_at)
    select tenant_id, id, 'made:later', now() from tenantry.members where user_id = '1'`.execute(database.app);
  await sql`insert into tenantry.audit_entries (tenant_id, id, action, occurred_at, actor_type)
    select tenant_id, gen_random_uuid(), 'made.later', now(), 'system' from tenantry.members where user_id = '1'`.execute(
    database.app,
  );
  const { kept } = await rollbackMigration(database.owner, partsMigration);
  expect(kept).toEqual([
    { table: 'tenantry.audit_entries', rows: 1 },
    { table: 'tenantry.member_grants', rows: 1 },
  ]);
});
