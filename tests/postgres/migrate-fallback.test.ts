import { type Kysely, sql } from 'kysely';
import {
  type AnyMigration,
  applyMigration,
  bySql,
  defaultTenant,
  defineMigration,
  exportSql,
  planMigration,
  roleFrom,
  rollbackMigration,
  verifyMigration,
  via,
} from 'tenantry/migrate';
import { none, perOrg, perUser } from 'tenantry/tenancy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { asPrisma, asPsql, contents } from './export-sql-runner.ts';

/** Clinics that are tenants, and much that belongs to none of them. */
interface Legacy {
  clinics: { id: number; name: string };
  people: { id: number; clinic_id: number | null; mail: string; role: string };
  notes: { id: number; person_id: number; body: string };
  rooms: { id: number; clinic_id: number | null };
  beds: { id: number; clinic_id: number };
}

const definition = defineMigration<Legacy>()({
  name: 'practice',
  from: none(),
  to: perOrg({ plan: 'basic' }),
  tenants: {
    source: 'clinics',
    sameTenant: ['id'],
    name: 'name',
    fallback: { name: 'Default Organization', slug: 'default-org', plan: 'practice' },
  },
  members: { source: 'people', userId: 'id', email: 'mail', role: roleFrom('role') },
  tables: {
    people: via('clinic_id', { unresolved: defaultTenant() }),
    notes: via('person_id'),
    rooms: via('clinic_id', { unresolved: defaultTenant() }),
    beds: via('clinic_id', { unresolved: defaultTenant() }),
  },
});

let database: TestDatabase<Legacy>;
let db: Kysely<Legacy>;

beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  db = database.owner;
  for (const statement of [
    'create table clinics (id integer primary key, name text not null)',
    'create table people (id integer primary key, clinic_id integer, mail text not null, role text not null)',
    'create table notes (id integer primary key, person_id integer not null references people, body text not null)',
    'create table rooms (id integer primary key, clinic_id integer)',
    'create table beds (id integer primary key, clinic_id integer not null)',
    `insert into clinics values (1, 'North'), (2, 'Default Org'), (3, 'South')`,
    `insert into people select n, case when n % 4 = 0 then null when n % 7 = 0 then 99 else 1 + n % 3 end, 'p' || n || '@example.com',
      case when n % 20 = 0 then 'owner' else 'member' end from generate_series(1, 60) n`,
    `insert into notes select n, 1 + n % 60, 'note' from generate_series(1, 240) n`,
    `insert into beds select n, case when n % 5 = 0 then 99 else 1 + n % 3 end from generate_series(1, 20) n`,
    `insert into rooms select n, case when n % 2 = 0 then n % 3 + 1 end from generate_series(1, 20) n`,
  ]) {
    await sql.raw(statement).execute(db);
  }
});

afterEach(() => database.destroy());

async function one<Row>(text: string): Promise<Row | undefined> {
  return (await sql.raw<Row>(text).execute(db)).rows[0];
}

const checksum = async () =>
  (
    await one<{ sum: string }>(`select md5(string_agg(x.h, ',' order by x.h)) as sum from (
      select row(id, name)::text as h from clinics union all select row(id, clinic_id, mail, role)::text from people
      union all select row(id, person_id, body)::text from notes union all select row(id, clinic_id)::text from rooms union all select 'bed' || row(id, clinic_id)::text from beds) as x`)
  )?.sum;

const fallback = `(select tenant_id from tenantry.tenant_lookups where kind = 'slug' and value = 'default-org')`;
/** 15 without a clinic and 6 of one that is gone; 28 is both. */
const loose = 'clinic_id is null or clinic_id = 99';

async function expectConverted(): Promise<void> {
  const report = await verifyMigration(db, definition);
  expect(report.checks.filter(({ status }) => status !== 'pass')).toEqual([]);
  expect(
    await one(`select t.name, t.kind, t.plan, o.slug, o.seats_taken from tenantry.tenants t
      join tenantry.organizations o on o.tenant_id = t.tenant_id where t.tenant_id = ${fallback}`),
  ).toEqual({
    name: 'Default Organization',
    kind: 'organization',
    plan: 'practice',
    slug: 'default-org',
    seats_taken: 21,
  });
  expect(
    await one(
      `select bool_and((tenant_id = ${fallback}) = (${loose})) as led, count(*) filter (where ${loose})::integer as n from people`,
    ),
  ).toEqual({ led: true, n: 21 });
  expect(
    await one(`select bool_and(n.tenant_id = p.tenant_id) as led from notes n join people p on p.id = n.person_id`),
  ).toEqual({ led: true });
}

it('makes one tenant for all that lead to none, proves it, and takes it back', async () => {
  const before = await checksum();
  const plan = await planMigration(db, definition);
  expect(plan.tenants).toBe(4);
  expect(plan.tables.find(({ table }) => table === 'people')?.unresolved).toMatchObject({
    rows: 0,
    policy: 'default tenant "Default Organization"',
  });
  expect(plan.decisions.find(({ topic }) => topic === 'default of people')).toMatchObject({ count: 21 });
  for (let time = 0; time < 2; time += 1) {
    await applyMigration(db, definition);
    await expectConverted();
    const back = await rollbackMigration(db, definition);
    expect(back.kept).toEqual([]);
    expect(await checksum()).toBe(before);
    expect(await one('select count(*)::integer as n from tenantry.tenants')).toEqual({ n: 0 });
  }
});

it('is there though no row needs it, with the same identifier in every run', async () => {
  await sql.raw(`update people set clinic_id = 1 where ${loose}`).execute(db);
  await sql`update rooms set clinic_id = 1`.execute(db);
  await sql`update beds set clinic_id = 1`.execute(db);
  await applyMigration(db, definition);
  const first = await one(`select ${fallback} as id`);
  expect(first).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  await rollbackMigration(db, definition);
  await applyMigration(db, definition);
  expect(await one(`select ${fallback} as id`)).toEqual(first);
});

it('takes what the old application writes without a tenant, from the first moment', async () => {
  await applyMigration(db, definition, { to: 'expand' });
  await sql`insert into people values (901, null, 'new@example.com', 'member')`.execute(db);
  await sql`insert into notes values (901, 901, 'new')`.execute(db);
  expect(
    await one(
      `select p.tenant_id = ${fallback} and n.tenant_id = ${fallback} as led from people p join notes n on n.person_id = p.id where p.id = 901`,
    ),
  ).toEqual({
    led: true,
  });
  await applyMigration(db, definition, { to: 'backfill' });
  await sql`update people set clinic_id = 3 where id = 901`.execute(db);
  expect(
    await one(
      `select bool_and(tenant_id = (select tenant_id from clinics where id = 3)) as led from notes where id = 901`,
    ),
  ).toEqual({ led: true });
  await sql`insert into people values (902, null, 'later@example.com', 'member')`.execute(db);
  expect(
    await one(`select count(*)::integer as n from tenantry.members where user_id = '902' and tenant_id = ${fallback}`),
  ).toEqual({ n: 1 });
  await applyMigration(db, definition);
  expect((await verifyMigration(db, definition)).failed).toBe(0);
});

it('is not mistaken for another tenant by the proof', async () => {
  await applyMigration(db, definition, { to: 'backfill' });
  await db.connection().execute(async (connection) => {
    await sql`set tenantry.runner = 'on'`.execute(connection);
    await sql`update rooms set tenant_id = (select tenant_id from clinics where id = 1) where id = 1`.execute(
      connection,
    );
    await sql`reset tenantry.runner`.execute(connection);
  });
  const failed = (await verifyMigration(db, definition)).checks.filter(({ status }) => status === 'fail');
  expect(failed.map(({ name, table }) => `${name} ${table}`)).toEqual(['tenant rooms']);
});

it('reports what the new application wrote to it, after the switch, when it is taken back', async () => {
  const before = await checksum();
  await applyMigration(db, definition, { to: 'switch' });
  const id = (await one<{ id: string }>(`select ${fallback}::text as id`))?.id;
  await sql.raw(`insert into rooms (id, tenant_id) values (800, '${id}')`).execute(db);
  await sql.raw(`update tenantry.tenants set name = 'Renamed' where tenant_id = '${id}'`).execute(database.app);
  await sql
    .raw(`insert into tenantry.members (tenant_id, id, user_id, role, created_at, updated_at)
    values ('${id}', gen_random_uuid(), 'somebody new', 'member', now(), now())`)
    .execute(database.app);
  await sql
    .raw(`update tenantry.organizations set seats_taken = seats_taken + 1 where tenant_id = '${id}'`)
    .execute(database.app);
  await sql.raw(`insert into beds (id, tenant_id) values (800, '${id}')`).execute(db);
  expect((await verifyMigration(db, definition)).checks.filter(({ status }) => status === 'fail')).toEqual([]);
  const back = await rollbackMigration(db, definition);
  // A bed must have a clinic in the old shape, and a room need not.
  expect(back.kept).toEqual([
    { table: 'beds', rows: 1 },
    { table: 'tenantry.members', rows: 1 },
    { table: 'tenantry.tenants', rows: 1 },
  ]);
  expect(await one('select clinic_id from rooms where id = 800')).toEqual({ clinic_id: null });
  await sql`delete from rooms where id = 800`.execute(db);
  expect(await checksum()).toBe(before);
  expect(await one('select count(*)::integer as n from clinics')).toEqual({ n: 3 });
});

describe.each([
  ['psql', asPsql],
  ['prisma', asPrisma],
] as const)('files for %s', (format, run) => {
  it('make it and take it back', async () => {
    const before = await checksum();
    const plan = await planMigration(db, definition);
    const files = await exportSql(plan, { db, definition }, { format });
    const back = format === 'psql' ? /rollback/ : /down\.sql$/;
    const url = database.urls?.owner ?? '';
    for (const { name, content } of files.files) if (!back.test(name)) await run(url, content);
    await expectConverted();
    for (const content of contents(files, back).reverse()) await run(url, content);
    expect(await checksum()).toBe(before);
    expect(await one('select count(*)::integer as n from tenantry.tenants')).toEqual({ n: 0 });
  });
});

describe('a definition is refused', () => {
  const define = (tenants: Pick<AnyMigration['tenants'], 'fallback'>, to: AnyMigration['to'] = perOrg()) => {
    const { fallback: _without, ...source } = definition.tenants;
    return defineMigration<Record<string, Record<string, unknown>>>()({
      ...definition,
      to,
      tenants: { ...source, ...tenants },
    });
  };
  const invalid = (path: string) =>
    expect.objectContaining({ code: 'migration_definition_invalid', details: expect.objectContaining({ path }) });
  const thrown = (work: () => unknown): unknown => {
    try {
      return work();
    } catch (error) {
      return error;
    }
  };

  it('that leads to a fallback which is not there, or has one that cannot be', () => {
    expect(thrown(() => define({}))).toEqual(invalid('tables.people.unresolved'));
    expect(thrown(() => define({ fallback: { name: ' ' } }))).toEqual(invalid('tenants.fallback.name'));
    expect(thrown(() => define({ fallback: { name: 'A', slug: 'Not A Slug' } }))).toEqual(
      invalid('tenants.fallback.slug'),
    );
    expect(thrown(() => define({ fallback: { name: 'A' } }, perUser()))).toEqual(invalid('tenants.fallback'));
  });
});

it('tables of any rule lead there', async () => {
  const others: AnyMigration = {
    ...definition,
    tables: { ...definition.tables, rooms: bySql(sql`rooms.clinic_id * 1000`, { unresolved: defaultTenant() }) },
  };
  await applyMigration(db, others);
  expect(await one(`select bool_and(tenant_id = ${fallback}) as led from rooms`)).toEqual({ led: true });
  expect((await verifyMigration(db, others)).failed).toBe(0);
});
