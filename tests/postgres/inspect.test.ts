import { type Kysely, sql } from 'kysely';
import {
  applyMigration,
  draftDefinition,
  type InspectedTable,
  type Inspection,
  inspectDatabase,
  planMigration,
  rollbackMigration,
  verifyMigration,
} from 'tenantry/migrate';
import { hybridSeats, none, perUser } from 'tenantry/tenancy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type DraftFile, writeDraft } from '../support/draft-file.ts';
import { type Legacy, legacyChecksum, makeLegacy } from '../support/legacy.ts';

type Any = Record<string, Record<string, unknown>>;

let database: TestDatabase<Any>;
let db: Kysely<Any>;
let draft: DraftFile | undefined;

beforeEach(async () => {
  database = await postgresDatabase<Any>();
  db = database.owner;
});

afterEach(async () => {
  await draft?.remove();
  draft = undefined;
  await database.destroy();
});

async function run(...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const legacyOf = ({ owner }: TestDatabase<Any>): Kysely<Legacy> =>
  owner.withTables<{ [Table in keyof Legacy]: Legacy[Table] }>();

const guessOf = (inspection: Inspection, table: string): InspectedTable['guess'] | undefined =>
  inspection.tables.find(({ name }) => name === table)?.guess;

const asked = (inspection: Inspection, topic: string): string[] =>
  inspection.questions.filter((question) => question.topic === topic).map(({ text }) => text);

describe('the small legacy application', () => {
  it('is drafted, compiled, converted, proved and taken back', async () => {
    const legacy = legacyOf(database);
    await makeLegacy(legacy);
    const inspection = await inspectDatabase(db);
    expect(inspection).toMatchObject({
      schema: 'public',
      column: 'tenant_id',
      source: 'customers',
      keys: { column: 'api_key_hash', scheme: 'sha256-hex', invalid: 0, doubled: 0 },
    });
    expect(guessOf(inspection, 'api_calls')).toMatchObject({ kind: 'via', to: 'customers', unresolved: 39 });
    expect(guessOf(inspection, 'notes')).toMatchObject({
      kind: 'via',
      path: 'project_id → customer_id',
      others: [{ columns: ['author_id'], disagree: 0 }],
    });
    expect(inspection.groupings.map(({ label, groups, tenants }) => [label, groups, tenants])).toEqual([
      ['the domain of "email"', 1, 1],
      ['"company"', 111, 131],
      ['"stripe_customer_id"', 84, 188],
    ]);
    expect(inspection.questions.map(({ topic, blocking, rows }) => [topic, blocking, rows])).toEqual([
      ['grouping', false, 200],
      ['unresolved', false, 39],
      ['whose', false, 2],
    ]);
    const rows = await sql.raw(inspection.questions[1]?.sql ?? '').execute(db);
    expect(rows.rows).toHaveLength(39);

    draft = await writeDraft(
      draftDefinition(inspection, { name: 'to-organizations', to: hybridSeats({ plan: 'team' }) }),
    );
    expect(draft.compilerErrors()).toEqual([]);
    const definition = await draft.load();
    const before = await legacyChecksum(legacy);
    const plan = await planMigration(db, definition);
    expect(plan).toMatchObject({ tenants: 200, members: 200, keys: 167 });
    await applyMigration(db, definition, { plan });
    const report = await verifyMigration(db, definition);
    expect(report.checks.filter((check) => check.status !== 'pass')).toEqual([]);

    const { tables, questions } = await inspectDatabase(db);
    expect(tables.map(({ name, guess, columns }) => [name, guess.kind, columns])).toEqual(
      inspection.tables.map(({ name, guess, columns }) => [name, guess.kind, columns]),
    );
    expect(questions.map(({ topic }) => topic)).toEqual(['grouping', 'whose']);
    await rollbackMigration(db, definition);
    expect(await legacyChecksum(legacy)).toBe(before);
  });

  it('looks the same on an embedded database', async () => {
    await makeLegacy(legacyOf(database));
    const embedded = await pgliteDatabase<Any>();
    try {
      await makeLegacy(legacyOf(embedded));
      const strip = ({ tables, ...rest }: Inspection): unknown => ({
        ...rest,
        tables: tables.map(({ bytes: _, ...table }) => table),
      });
      expect(strip(await inspectDatabase(embedded.owner))).toEqual(strip(await inspectDatabase(db)));
    } finally {
      await embedded.destroy();
    }
  });

  it('is sampled where a table is too large to be counted', async () => {
    await makeLegacy(legacyOf(database), 500, 20_000);
    await run('analyze');
    const inspection = await inspectDatabase(db, { exactUpTo: 2000 });
    const calls = inspection.tables.find(({ name }) => name === 'api_calls');
    expect(calls).toMatchObject({ rows: 20_000, rowsExact: false, guess: { kind: 'via', to: 'customers' } });
    expect(asked(inspection, 'unresolved')).toEqual([
      expect.stringMatching(/^\d+ rows of a sample \(there are about 20000\) lead to no row/),
    ]);
    expect(inspection.tables.find(({ name }) => name === 'projects')).toMatchObject({ rows: 1000, rowsExact: true });
  });
});

describe('keys and types of every kind', () => {
  it('lead through keys of two columns, unique columns, odd names and partitions, and compile', async () => {
    await run(
      `create type mood as enum ('it''s good', 'bad\\')`,
      'create domain short as varchar(20) not null',
      `create table accounts (region char(2), number integer, mail text not null unique, joined timestamptz, primary key (region, number))`,
      `create table orders (id uuid primary key, region char(2) not null, account_number integer not null, moods mood[], tag short, size int4range,
        took interval, raw bytea, doc jsonb, part numeric[] not null, foreign key (region, account_number) references accounts)`,
      `create table "Order \`Lines\` */ \${x}" (id bigint primary key, "__proto__" uuid not null references orders, "it's
\u2028new" text default 'x')`,
      'create table logins (id serial primary key, account_mail text not null)',
      'create table empty_one ()',
      `insert into accounts select case when n % 2 = 0 then 'ch' else 'pl' end, n / 2, 'a' || n || '@x.org', '2026-01-01' from generate_series(1, 30) n`,
      `insert into orders select md5(n::text)::uuid, case when n % 2 = 0 then 'ch' else 'pl' end, 1 + n % 14, '{bad\\\\}', 't', '[1,2)', '1 day', 'x', '{}', '{1}' from generate_series(1, 90) n`,
      `insert into "Order \`Lines\` */ \${x}" select n, md5((1 + n % 90)::text)::uuid from generate_series(1, 100) n`,
      `insert into logins (account_mail) select 'a' || 1 + n % 30 || '@x.org' from generate_series(1, 50) n`,
    );
    const inspection = await inspectDatabase(db);
    expect(inspection.source).toBe('accounts');
    expect(guessOf(inspection, 'orders')).toMatchObject({ kind: 'via', columns: ['region', 'account_number'] });
    expect(guessOf(inspection, 'logins')).toMatchObject({ kind: 'via', columns: ['account_mail'], key: ['mail'] });
    const text = draftDefinition(inspection, { name: 'odd', to: perUser(), from: none({ plan: 'own', name: 'Shop' }) });
    expect(text).toContain("via(['region', 'account_number'])");
    expect(text).toContain("via('account_mail', { to: 'accounts', key: 'mail' })".replace("to: 'accounts', ", ''));
    expect(text).toContain("from: none({ plan: 'own', name: 'Shop' }),");
    draft = await writeDraft(text);
    expect(draft.compilerErrors()).toEqual([]);
    const definition = await draft.load();
    expect(await planMigration(db, definition)).toMatchObject({ tenants: 30 });
    await applyMigration(db, definition);
    expect((await verifyMigration(db, definition)).failed).toBe(0);
    await rollbackMigration(db, definition);
  });

  it('do not hang on circles that lead nowhere', async () => {
    await run(
      'create table customers (id integer primary key, email text, referred_by integer references customers)',
      'create table a (id integer primary key, a_id integer references a)',
      'create table b (id integer primary key, a_id integer references a)',
      'alter table a add b_id integer references b',
      `insert into customers values (1, 'x', null), (2, 'y', 1)`,
    );
    const inspection = await inspectDatabase(db);
    expect(inspection.tables.map(({ name, guess }) => [name, guess.kind])).toEqual([
      ['a', 'untouched'],
      ['b', 'untouched'],
      ['customers', 'source'],
    ]);
    expect(inspection.questions).toMatchObject([
      { topic: 'paths', table: 'customers', blocking: true, rows: 1 },
      { topic: 'whose', table: 'a' },
      { topic: 'whose', table: 'b' },
    ]);
  });
});

describe('questions', () => {
  beforeEach(() =>
    run(
      'create table customers (id integer primary key, email text not null, created_at timestamptz)',
      'create table orders (id integer primary key, customer_id integer references customers, code text unique, token text unique)',
      'create table lines (id integer primary key, order_id integer not null references orders on delete cascade, buyer_customer_id integer references customers)',
      `insert into customers select n, 'c' || n || '@x.org', '2026-01-01' from generate_series(1, 20) n`,
      `insert into orders select n, case when n % 10 > 0 then 1 + n % 20 end, 'o' || n, 't' || n from generate_series(1, 100) n`,
      `insert into lines select n, 1 + n % 100 from generate_series(1, 200) n`,
    ),
  );

  it('ask of values that tenants would want alike, of views, functions, triggers and policies', async () => {
    await run(
      'create view open_orders as select * from orders',
      'create view safe_orders with (security_invoker = true) as select * from orders',
      'create view deep as select code from open_orders',
      'create materialized view sums as select customer_id, count(*) from orders group by 1',
      `create function peek() returns bigint language sql security definer as 'select count(*) from orders'`,
      `create function touch() returns trigger language plpgsql as 'begin return NEW; end'`,
      'create trigger touch before update on orders for each row execute function touch()',
      'create policy mine on orders using (true)',
    );
    const inspection = await inspectDatabase(db);
    expect(asked(inspection, 'unique')).toEqual([expect.stringContaining('"orders_code_key" keeps (code) unique')]);
    expect(inspection.views.map(({ name, invoker, reads }) => [name, invoker, reads])).toEqual([
      ['deep', false, ['orders']],
      ['open_orders', false, ['orders']],
      ['safe_orders', true, ['orders']],
      ['sums', false, ['orders']],
    ]);
    expect(asked(inspection, 'view')).toHaveLength(3);
    expect(asked(inspection, 'function')).toEqual([expect.stringContaining('peek()')]);
    expect(inspection.questions.filter(({ topic }) => topic === 'trigger')).toMatchObject([
      { table: 'orders', blocking: true },
    ]);
    expect(inspection.questions.filter(({ topic }) => topic === 'policy')).toMatchObject([
      { table: 'orders', blocking: false },
    ]);
    const text = draftDefinition(inspection, { name: 'x', to: hybridSeats() });
    for (const { number } of inspection.questions) expect(text).toMatch(new RegExp(`// QUESTION ${number}[ :]`));
  });

  it('ask of rows that would go with what is moved aside, which a plan does not see', async () => {
    await run(
      'update lines set buyer_customer_id = 1 where id % 2 = 0',
      'alter table lines add owner_id integer references customers',
      'create table stamps (id integer primary key, order_id integer references orders)',
      'insert into stamps select n, n from generate_series(1, 20) n',
      'create table pins (order_id integer not null references orders on delete cascade)',
      'insert into pins select n from generate_series(1, 20) n',
    );
    const inspection = await inspectDatabase(db);
    const blocked = inspection.questions.filter(({ topic }) => topic === 'blocked');
    expect(blocked).toMatchObject([{ table: 'pins', blocking: true, rows: 2 }]);
    expect(blocked[0]?.text).toContain('would be deleted with those');
    expect(guessOf(inspection, 'stamps')).toMatchObject({ kind: 'via', unresolved: 2 });
  });

  it('ask of a table whose references all rows leave empty', async () => {
    await run(
      'create table organizations (id integer primary key, name text, email text, stripe_customer_id text)',
      'alter table customers add organization_id integer references organizations',
      'create table drafts (id integer primary key, customer_id integer references customers)',
      'insert into drafts values (1), (2)',
      `insert into organizations values (1, 'o')`,
    );
    const inspection = await inspectDatabase(db);
    expect(inspection.source).toBe('customers');
    expect(guessOf(inspection, 'drafts')).toMatchObject({
      kind: 'untouched',
      why: 'no-path',
      reason: expect.stringContaining('"customer_id" is empty on all rows'),
    });
  });

  it('ask of names that promise more than the data keeps', async () => {
    await run(
      'create table calls (id integer primary key, customer_id integer, order_ref integer)',
      'insert into calls select n, n, null from generate_series(11, 60) n',
      'create table orders_backup (id integer, customer_id integer)',
      'insert into orders_backup values (1, 1)',
    );
    const inspection = await inspectDatabase(db);
    expect(asked(inspection, 'reference')).toEqual([expect.stringContaining('10 of 50 values')]);
    expect(guessOf(inspection, 'calls')).toMatchObject({ kind: 'untouched', why: 'no-path' });
    expect(guessOf(inspection, 'orders_backup')).toMatchObject({
      kind: 'untouched',
      why: 'archive',
      led: { target: 'customers' },
    });
  });

  it('about a key that a partitioned table lacks are answered by adding one; other tables need none', async () => {
    await run(
      'create table marks (customer_id integer not null references customers, note text)',
      `insert into marks values (1, 'm')`,
      'create table hits (customer_id integer not null references customers, day date not null) partition by range (day)',
      `create table hits_1 partition of hits for values from ('2026-01-01') to ('2027-01-01')`,
      `insert into hits values (1, '2026-05-05')`,
    );
    const first = await inspectDatabase(db);
    expect(guessOf(first, 'marks')).toMatchObject({ kind: 'via', to: 'customers' });
    expect(guessOf(first, 'hits')).toMatchObject({
      kind: 'untouched',
      why: 'no-key',
      led: { columns: ['customer_id'] },
    });
    expect(first.questions.filter(({ topic }) => topic === 'primary-key')).toMatchObject([
      { table: 'hits', rows: 1, blocking: false },
    ]);
    await run('alter table hits add unique (customer_id, day)');
    expect(guessOf(await inspectDatabase(db), 'hits')).toMatchObject({ kind: 'via', to: 'customers' });
  });

  it('about API keys count those that are no SHA-256 and those that open two doors', async () => {
    await run(
      'alter table customers add api_key_hash text',
      `update customers set api_key_hash = encode(sha256(convert_to((id / 2)::text, 'UTF8')), 'hex') where id < 9`,
      `update customers set api_key_hash = 'plain' where id = 9`,
    );
    const inspection = await inspectDatabase(db);
    expect(inspection.keys).toEqual({ column: 'api_key_hash', scheme: 'sha256-hex', rows: 9, invalid: 1, doubled: 6 });
    expect(inspection.questions.filter(({ topic }) => topic === 'keys')).toMatchObject([
      { blocking: true, rows: 1 },
      { blocking: true, rows: 6 },
    ]);
  });

  it('are left to whoever names the source', async () => {
    await run(
      'create table organizations (id integer primary key, name text)',
      'alter table customers add organization_id integer references organizations',
      `insert into organizations values (1, 'o')`,
      'update customers set organization_id = 1',
    );
    expect((await inspectDatabase(db)).source).toBe('organizations');
    const named = await inspectDatabase(db, { source: 'customers' });
    expect(named.source).toBe('customers');
    expect(guessOf(named, 'organizations')).toMatchObject({ kind: 'shared' });
  });
});

describe('refusals', () => {
  const refused = (inspection: Promise<unknown>, code: string, details: object): Promise<void> =>
    expect(inspection).rejects.toMatchObject({ code, details: expect.objectContaining(details) });

  it('name an empty or a missing schema', async () => {
    await refused(inspectDatabase(db), 'migration_definition_invalid', {
      path: 'schema',
      problem: '"public" has no tables',
    });
    await refused(inspectDatabase(db, { schema: 'nowhere' }), 'migration_definition_invalid', { path: 'schema' });
  });

  it('say that nothing looks like a source, and that a named one is none', async () => {
    await run('create table settings (name text primary key, value text)', 'create table log (line text)');
    await refused(inspectDatabase(db), 'migration_definition_invalid', { path: 'source' });
    await refused(inspectDatabase(db, { source: 'users' }), 'migration_definition_invalid', { path: 'source' });
    await refused(inspectDatabase(db, { source: 'log' }), 'migration_definition_invalid', { path: 'source' });
  });

  it('keep to a tenant column that is free', async () => {
    await run('create table users (id integer primary key, email text, tenant_id integer)');
    expect((await inspectDatabase(db)).column).toBe('tenant_uuid');
    await refused(inspectDatabase(db, { column: 'tenant_id' }), 'migration_definition_invalid', { path: 'column' });
  });

  it('name what the role may not read, with the remedy', async () => {
    await run(
      'create table users (id integer primary key, email text)',
      'create table notes (id integer primary key, user_id integer references users)',
    );
    await run('grant select on users to tenantry_test_app');
    await refused(inspectDatabase(database.app), 'migration_right_missing', {
      table: 'notes',
      right: 'SELECT',
      remedy: 'grant select on "public"."notes" to tenantry_test_app;',
    });
    await run('grant select on notes to tenantry_test_app', 'alter table notes enable row level security');
    await refused(inspectDatabase(database.app), 'migration_right_missing', {
      table: 'notes',
      remedy: 'alter role tenantry_test_app bypassrls;',
    });
    await run('create schema hidden', 'create table hidden.users (id integer primary key)');
    await refused(inspectDatabase(database.app, { schema: 'hidden' }), 'migration_right_missing', {
      right: 'USAGE on the schema',
    });
  });

  it('never write', async () => {
    await run('create table users (id integer primary key, email text)', 'grant select on users to tenantry_test_app');
    const inspection = await inspectDatabase(database.app);
    expect(inspection.questions).toMatchObject([{ topic: 'owner', table: 'users', blocking: true }]);
  });
});
