import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import {
  applyMigration,
  defineMigration,
  derived,
  planMigration,
  quarantine,
  rollbackMigration,
  verifyMigration,
  via,
} from 'tenantry/migrate';
import { perOrg } from 'tenantry/tenancy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { tableChecksums } from '../support/table-checksums.ts';

interface Legacy {
  companies: { id: number; name: string };
  users: { id: number; company_id: number | null; since: string };
  packages: { id: number; company_id: number };
}
const tables = ['companies', 'users', 'packages'];

const migration = defineMigration<Legacy>()({
  name: 'packages-of-users',
  from: perOrg(),
  to: perOrg({ plan: 'team' }),
  tenants: { source: 'companies', sameTenant: ['id'], name: 'name' },
  tables: { users: via('company_id', { unresolved: quarantine() }), packages: via('company_id') },
  derived: {
    user_packages: derived({
      columns: { user_id: 'integer', package_id: 'integer', company_id: 'integer', since: 'date' },
      key: ['user_id', 'package_id'],
      tenant: via('company_id', { to: 'companies' }),
      select: sql`select u.id as user_id, p.id as package_id, p.company_id, u.since from users u join packages p on p.company_id = u.company_id`,
      follows: {
        users: { id: 'user_id', company_id: 'company_id' },
        packages: { id: 'package_id', company_id: 'company_id' },
      },
    }),
  },
  additions: [
    {
      name: 'notes',
      stage: 'expand',
      sql: [
        'create table notes (id integer primary key, tenant_id uuid not null, body text)',
        'grant select, insert, update, delete on notes to tenantry_app, tenantry_service, tenantry_test_legacy',
        'alter table users add column locale text',
      ],
      undo: ['drop table notes', 'alter table users drop column locale'],
      creates: { notes: 'own' },
      adds: { users: ['locale'] },
    },
    {
      name: 'languages',
      stage: 'backfill',
      sql: [
        sql`create table languages (code text primary key, name text not null)`,
        sql`insert into languages values ('en', 'English'), ('de', 'Deutsch')`,
        sql`update users set locale = 'en' where id % 2 = 0`,
      ],
      undo: ['drop table languages'],
      creates: { languages: 'shared' },
    },
  ],
});

let database: TestDatabase<Legacy>;
let old: Kysely<Legacy>;
beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  for (const statement of [
    'create table companies (id integer primary key, name text)',
    'create table users (id integer primary key, company_id integer, since date not null)',
    'create table packages (id integer primary key, company_id integer not null references companies (id))',
    `insert into companies select n, 'Company ' || n from generate_series(1, 20) n`,
    `insert into users select n, case when n % 10 = 0 then 900 + n else 1 + n % 20 end, date '2024-01-01' + n from generate_series(1, 200) n`,
    'insert into packages select n, 1 + n % 20 from generate_series(1, 60) n',
    'grant select, insert, update, delete on all tables in schema public to tenantry_test_legacy',
  ])
    await sql.raw(statement).execute(database.owner);
  const pool = new Pool({ connectionString: database.urls?.legacy ?? '', max: 8 });
  old = new Kysely<Legacy>({ dialect: new PostgresDialect({ pool }) });
});
afterEach(async () => {
  await old.destroy();
  await database.destroy();
});

async function count(query: string): Promise<number> {
  const { rows } = await sql.raw<{ count: string }>(`select count(*) as count ${query}`).execute(database.owner);
  return Number(rows[0]?.count);
}
const should = 'from users u join packages p on p.company_id = u.company_id';
const write = (statement: string) => sql.raw(statement).execute(old);

describe('a derived table', () => {
  it('is counted by the plan, filled, led to its tenants and proved, and goes', async () => {
    const before = await tableChecksums(database.owner, tables);
    const plan = await planMigration(database.owner, migration);
    expect(plan.tables.find(({ table }) => table === 'user_packages')).toMatchObject({ rows: 180 * 3 });
    await applyMigration(database.owner, migration);
    expect(await count('from user_packages')).toBe(await count(should));
    expect(
      await count('from user_packages d join companies c on c.id = d.company_id where c.tenant_id <> d.tenant_id'),
    ).toBe(0);
    const { checks, failed } = await verifyMigration(database.owner, migration);
    expect(failed).toBe(0);
    expect(checks.filter(({ table }) => table === 'user_packages').map(({ name }) => name)).toContain('derived');
    await rollbackMigration(database.owner, migration);
    expect(await tableChecksums(database.owner, tables)).toEqual(before);
    expect(await count(`from pg_class where relname in ('user_packages', 'notes', 'languages')`)).toBe(0);
  });

  it('follows every table that it is made from, in both directions, until the switch', async () => {
    await applyMigration(database.owner, migration, { to: 'backfill' });
    await write('insert into users values (1001, 3, current_date)');
    await write('insert into packages values (1001, 3), (1002, 4)');
    await write('update users set company_id = 4 where id = 1001');
    await write(`update users set since = '2020-02-02' where id = 1001`);
    await write('update packages set company_id = 4 where id = 1001');
    await write('delete from packages where id = 1002');
    await write('update users set id = 1003 where id = 1001');
    expect(await count(`from user_packages where user_id = 1003 and since = '2020-02-02'`)).toBe(
      await count('from packages where company_id = 4'),
    );
    expect(await count('from user_packages where user_id = 1001 or package_id = 1002')).toBe(0);
    await write('delete from users where id = 1003');
    expect((await verifyMigration(database.owner, migration)).failed).toBe(0);
    await sql.raw('delete from user_packages where user_id = 1').execute(database.owner);
    expect(await verifyMigration(database.owner, migration)).toMatchObject({ failed: 1 });
  });

  it('is right after eight writers changed its tables at once', async () => {
    await applyMigration(database.owner, migration, { to: 'expand' });
    const writer = async (seed: number): Promise<void> => {
      for (let turn = 0; turn < 40; turn += 1) {
        const [user, other] = [1 + ((seed * 31 + turn * 7) % 200), 1 + ((seed + turn) % 20)];
        const statements = [
          `update users set company_id = ${other} where id = ${user}`,
          `update packages set company_id = ${other} where id = ${1 + (turn % 60)}`,
          `delete from users where id = ${user} and id % 3 = 0`,
          `insert into users values (${seed * 1000 + turn}, ${other}, current_date)`,
        ];
        await write(statements[turn % 4] ?? '').catch((error) => {
          // Two writers that wait for each other: PostgreSQL lets one go, and it tells its user.
          if (error.code !== '40P01') throw error;
        });
      }
    };
    const [applied] = await Promise.all([
      applyMigration(database.owner, migration, { to: 'backfill' }),
      ...[1, 2, 3, 4, 5, 6, 7, 8].map((seed) => writer(seed)),
    ]);
    expect(applied.stage).toBe('backfill');
    const { checks, failed } = await verifyMigration(database.owner, migration);
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(failed).toBe(0);
    expect(await count('from user_packages')).toBe(await count(should));
  });

  it('is refused when its SELECT gives a key twice', async () => {
    const { user_packages } = migration.derived ?? {};
    if (user_packages === undefined) throw new Error('there is no such table');
    const wrong = { ...migration, derived: { user_packages: { ...user_packages, key: ['user_id'] } } };
    await expect(planMigration(database.owner, wrong)).rejects.toMatchObject({
      code: 'migration_conflict',
      details: { table: 'user_packages' },
    });
  });

  it.each([
    ['key', { key: ['nothing'] }],
    ['follows', { follows: {} }],
    ['follows', { follows: { nothing: { id: 'user_id' } } }],
    ['follows.users', { follows: { users: { nothing: 'user_id' } } }],
    ['follows.users', { follows: { users: { id: 'nothing' } } }],
  ])('is refused by its %s', async (path, wrong) => {
    const { user_packages } = migration.derived ?? {};
    if (user_packages === undefined) throw new Error('there is no such table');
    const definition = { ...migration, derived: { user_packages: { ...user_packages, ...wrong } } };
    await expect(planMigration(database.owner, definition)).rejects.toMatchObject({
      code: 'migration_definition_invalid',
      details: { path: `derived.user_packages.${path}` },
    });
  });
});

describe('additions', () => {
  it('isolate the tables that they make, and keep what stands in them when they are taken back', async () => {
    await applyMigration(database.owner, migration, { to: 'enforce' });
    expect(await count('from languages')).toBe(2);
    expect(await count(`from users where locale = 'en'`)).toBe(80);
    await sql`insert into notes select 1, tenant_id, 'kept' from companies where id = 1`.execute(database.owner);
    const secured = `from pg_class where relname = 'notes' and relrowsecurity and relforcerowsecurity`;
    expect(await count(secured)).toBe(1);
    await applyMigration(database.owner, migration);
    const { kept } = await rollbackMigration(database.owner, migration);
    expect(kept).toContainEqual({ table: 'notes', rows: 1 });
    expect(
      await count(`from tenantry.migration_quarantine where table_name = 'notes' and row_data ->> 'body' = 'kept'`),
    ).toBe(1);
    const { rows } = await sql<{
      name: string;
    }>`select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'tenantry_archive' and c.relkind = 'r'`.execute(database.owner);
    expect(rows).toHaveLength(1);
    expect(await count(`from tenantry_archive."${rows[0]?.name}" where locale = 'en'`)).toBe(80);
    await applyMigration(database.owner, migration);
    expect((await verifyMigration(database.owner, migration)).failed).toBe(0);
  });

  it.each([
    ['a name that is none', [{ name: 'Not Good', stage: 'expand', sql: [], undo: [] }]],
    [
      'a name twice',
      [
        { name: 'one', stage: 'expand', sql: [], undo: [] },
        { name: 'one', stage: 'backfill', sql: [], undo: [] },
      ],
    ],
    ['a table that is there', [{ name: 'one', stage: 'expand', sql: [], undo: [], creates: { users: 'own' } }]],
  ] as const)('are refused with %s', async (_what, additions) => {
    await expect(planMigration(database.owner, { ...migration, additions })).rejects.toMatchObject({
      code: 'migration_definition_invalid',
    });
  });

  it('that fail stop the stage, and it goes on when they are mended', async () => {
    const wrong = {
      ...migration,
      additions: [{ name: 'notes', stage: 'expand' as const, sql: ['create table notes (id nothing)'], undo: [] }],
    };
    await expect(applyMigration(database.owner, wrong)).rejects.toMatchObject({
      code: 'migration_step_failed',
      details: { step: 'expand:addition:notes' },
    });
    await rollbackMigration(database.owner, wrong);
    await applyMigration(database.owner, migration);
  });
});
