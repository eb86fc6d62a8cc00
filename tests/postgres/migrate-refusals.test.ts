import { type Kysely, sql } from 'kysely';
import { Client } from 'pg';
import {
  type AnyMigration,
  applyMigration,
  migrationStatus,
  planMigration,
  rollbackMigration,
  shared,
  untouched,
  verifyMigration,
  via,
} from 'tenantry/migrate';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyChecksum, legacyMigration, makeLegacy } from '../support/legacy.ts';

let database: TestDatabase<Legacy>;
let db: Kysely<Legacy>;

beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  db = database.owner;
  await makeLegacy(db, 60);
});

afterEach(() => database.destroy());

/** Expects a refusal before anything was written: no column, no row of the library, no state. */
async function refused(work: () => Promise<unknown>, code: string, details: object): Promise<void> {
  const before = await legacyChecksum(db);
  await expect(work()).rejects.toMatchObject({ code, details });
  const left = await sql<{ columns: number; rows: number }>`
    select (select count(*)::integer from information_schema.columns where table_schema = 'public' and column_name = 'tenant_id') as columns,
      (select count(*)::integer from tenantry.tenants) + (select count(*)::integer from tenantry.migrations) as rows`.execute(
    db,
  );
  expect(left.rows[0]).toEqual({ columns: 0, rows: 0 });
  expect(await legacyChecksum(db)).toBe(before);
}

const changed = (tables: AnyMigration['tables']): AnyMigration => ({
  ...legacyMigration,
  tables: { ...legacyMigration.tables, ...tables },
});

it('a table that nobody classified', async () => {
  await sql`create table invoices (id integer primary key)`.execute(db);
  await refused(() => planMigration(db, legacyMigration), 'migration_tables_unclassified', { tables: ['invoices'] });
});

it('a table or column that does not exist', async () => {
  await refused(() => planMigration(db, changed({ gone: shared() })), 'migration_definition_invalid', {
    path: 'tables.gone',
  });
  await refused(() => planMigration(db, changed({ projects: via('owner_id') })), 'migration_definition_invalid', {
    path: 'tables.projects',
  });
});

it('a path that ends in a shared table', async () => {
  await refused(() => planMigration(db, changed({ projects: shared() })), 'migration_definition_invalid', {
    path: 'tables.notes',
  });
});

it('a row without a tenant, with its table, keys and the remedy', async () => {
  await refused(() => planMigration(db, changed({ api_calls: via('customer_id') })), 'migration_rows_unresolved', {
    table: 'api_calls',
    rows: 11,
    keys: expect.arrayContaining([expect.any(String)]),
    remedy: expect.stringContaining('quarantine'),
  });
});

it('a row that leads to two tenants', async () => {
  await sql`update notes set author_id = 6 where project_id = 4 and position = 1`.execute(db);
  await refused(() => planMigration(db, legacyMigration), 'migration_rows_ambiguous', {
    table: 'notes',
    rows: 1,
    keys: ['[4, 1]'],
  });
});

it('a table that has a column of that name already', async () => {
  await sql`alter table notes add column tenant_id integer`.execute(db);
  await expect(planMigration(db, legacyMigration)).rejects.toMatchObject({
    code: 'migration_definition_invalid',
    details: { path: 'tables.notes' },
  });
  const renamed = { ...legacyMigration, column: 'organization_id' };
  await expect(applyMigration(db, renamed)).resolves.toMatchObject({ stage: 'enforce' });
});

it.each(['cascade', 'set null', 'no action'])(
  'rows bound for quarantine that rows which stay refer to, on delete %s',
  async (rule) => {
    await sql`create table receipts (id integer primary key, customer_id integer references customers, call_id bigint)`.execute(
      db,
    );
    await sql
      .raw(`alter table receipts add foreign key (call_id) references api_calls (id) on delete ${rule}`)
      .execute(db);
    await sql`insert into receipts select 1, 5, id from api_calls where id = 97`.execute(db);
    const definition = changed({ receipts: via('customer_id') });
    await refused(() => planMigration(db, definition), 'migration_conflict', {
      table: 'api_calls',
      rows: 1,
      keys: ['97'],
    });
    await refused(() => planMigration(db, changed({ receipts: untouched() })), 'migration_conflict', {
      table: 'api_calls',
    });

    await sql`delete from receipts`.execute(db);
    await applyMigration(db, definition, { to: 'backfill' });
    await sql`insert into receipts select 1, 5, id from api_calls where id = 97`.execute(db);
    await expect(applyMigration(db, definition)).rejects.toMatchObject({
      code: 'migration_step_failed',
      details: { step: 'enforce:api_calls:quarantine', sqlstate: '23503' },
    });
    expect((await sql`select call_id from receipts`.execute(db)).rows).toEqual([{ call_id: '97' }]);
    await sql`delete from receipts`.execute(db);
    await expect(applyMigration(db, definition)).resolves.toMatchObject({ stage: 'enforce' });
  },
);

it('a source row that no rule groups', async () => {
  const loose = {
    ...legacyMigration,
    tenants: { ...legacyMigration.tenants, sameTenant: ['stripe_customer_id' as const] },
  };
  await refused(() => planMigration(db, loose), 'migration_rows_unresolved', { table: 'customers' });
});

it('two rows that hold one key', async () => {
  await sql`update customers set api_key_hash = (select api_key_hash from customers where id = 1) where id = 2`.execute(
    db,
  );
  await refused(() => planMigration(db, legacyMigration), 'migration_conflict', {
    table: 'customers',
    rows: 2,
    keys: ['1', '2'],
  });
});

it('a role that does not own the tables', async () => {
  await sql`grant select on all tables in schema public to tenantry_test_app`.execute(db);
  await sql`grant create on schema tenantry to tenantry_test_app`.execute(db);
  await refused(() => planMigration(database.app, legacyMigration), 'migration_right_missing', {
    table: 'customers',
    right: 'ownership',
  });
});

it('a table whose own triggers would fire on the backfill', async () => {
  await sql`create function touch() returns trigger language plpgsql as 'begin NEW.name := NEW.name || ''.''; return NEW; end'`.execute(
    db,
  );
  await sql`create trigger touch before update on projects for each row execute function touch()`.execute(db);
  await refused(() => planMigration(db, legacyMigration), 'migration_right_missing', {
    table: 'projects',
    remedy: 'grant set on parameter session_replication_role to tenantry_test_owner;',
  });
  expect(
    (await planMigration(database.owner, changed({ projects: untouched(), notes: untouched() }))).tenants,
  ).toBeGreaterThan(0);
});

it('a database that changed since the plan', async () => {
  const plan = await planMigration(db, legacyMigration);
  await sql`alter table notes add column mood text`.execute(db);
  await expect(applyMigration(db, legacyMigration, { plan })).rejects.toMatchObject({
    code: 'migration_drifted',
    details: { tables: ['notes'] },
  });
  expect(await migrationStatus(db, legacyMigration.name)).toMatchObject({ stage: 'planned', stepsDone: 0 });
  await expect(applyMigration(db, legacyMigration)).resolves.toMatchObject({ stage: 'enforce' });
});

it('a definition that changed since the plan', async () => {
  const plan = await planMigration(db, legacyMigration);
  const other = changed({ countries: untouched() });
  await expect(applyMigration(db, other, { plan })).rejects.toMatchObject({ code: 'migration_stage_invalid' });
});

it('a second runner while the first is at work, which goes on undisturbed', async () => {
  await applyMigration(db, legacyMigration, { to: 'expand' });
  // The first is at work for as long as somebody else has a row of its second batch.
  const other = new Client({ connectionString: database.urls?.superuser ?? '' });
  await other.connect();
  await other.query('begin; update notes set body = body where project_id = 120');
  let settled: Promise<PromiseSettledResult<unknown>[]> | undefined;
  const first = applyMigration(db, legacyMigration, {
    batchSize: 200,
    batchMilliseconds: 1,
    onProgress: ({ step, rows }) => {
      if (step !== 'backfill:notes' || rows === 0 || settled !== undefined) return;
      settled = Promise.allSettled([
        applyMigration(db, legacyMigration, { leasePatience: 100 }),
        rollbackMigration(db, legacyMigration, { leasePatience: 100 }),
      ]);
      void settled.then(() => other.end());
    },
  });
  await expect(first).resolves.toMatchObject({ stage: 'enforce' });
  const outcomes = (await settled) ?? [];
  expect(outcomes).toHaveLength(2);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({
      status: 'rejected',
      reason: { code: 'migration_running', details: { migration: legacyMigration.name } },
    });
  }
  expect((await verifyMigration(db, legacyMigration)).failed).toBe(0);
});

it('a runner whose lease was taken over writes nothing more', async () => {
  let taken = false;
  const first = applyMigration(db, legacyMigration, {
    batchSize: 200,
    batchMilliseconds: 1,
    pause: 300,
    onProgress: ({ step, rows }) => {
      if (step !== 'backfill:notes' || rows === 0 || taken) return;
      taken = true;
      void sql`update tenantry.migrations set lease_token = lease_token + 1, holder = 'somebody else'`.execute(db);
    },
  });
  await expect(first).rejects.toMatchObject({ code: 'migration_lease_lost', details: { holder: 'somebody else' } });
  expect(await migrationStatus(db, legacyMigration.name)).toMatchObject({
    stage: 'expand',
    next: { step: 'backfill:notes' },
  });
});

it('enforce after the rows were spoilt, naming what does not hold', async () => {
  await applyMigration(db, legacyMigration, { to: 'backfill' });
  await db.connection().execute(async (connection) => {
    await sql`set tenantry.runner = 'on'`.execute(connection);
    await sql`update projects set tenant_id = (select tenant_id from customers where id = 6) where id = 4`.execute(
      connection,
    );
    await sql`reset tenantry.runner`.execute(connection);
  });
  await expect(applyMigration(db, legacyMigration)).rejects.toMatchObject({ code: 'migration_verify_failed' });
  const report = await verifyMigration(db, legacyMigration);
  expect(
    report.checks.filter((check) => check.status === 'fail').map((check) => `${check.name} ${check.table}`),
  ).toEqual(['tenant projects', 'closed projects', 'closed notes']);
});

it('verification and rollback of what was never begun', async () => {
  await expect(verifyMigration(db, legacyMigration)).rejects.toMatchObject({ code: 'migration_not_found' });
  await expect(rollbackMigration(db, legacyMigration)).rejects.toMatchObject({ code: 'migration_not_found' });
  await applyMigration(db, legacyMigration, { to: 'expand' });
  await expect(verifyMigration(db, legacyMigration)).rejects.toMatchObject({ code: 'migration_stage_invalid' });
});

it('an apply while a rollback is unfinished, which then ends as if it had not been interrupted', async () => {
  const before = await legacyChecksum(db);
  await applyMigration(db, legacyMigration);
  let steps = 0;
  const cut = rollbackMigration(db, legacyMigration, {
    onProgress() {
      steps += 1;
      if (steps === 20) throw new Error('cut off');
    },
  });
  await expect(cut).rejects.toThrow('cut off');
  await expect(applyMigration(db, legacyMigration)).rejects.toMatchObject({
    code: 'migration_stage_invalid',
    details: { stage: 'rolling-back' },
  });
  await rollbackMigration(db, legacyMigration);
  expect(await legacyChecksum(db)).toBe(before);
  await expect(applyMigration(db, legacyMigration)).resolves.toMatchObject({ stage: 'enforce' });
});

it('verification of what is archived; going on with the contract stage is still possible', async () => {
  const definition = { ...legacyMigration, contract: { archive: ['notes', 'api_calls'] } };
  await applyMigration(db, definition, { to: 'contract' });
  await expect(verifyMigration(db, definition)).rejects.toMatchObject({ code: 'migration_stage_invalid' });
  await sql`delete from tenantry.migration_steps where step = 'contract:api_calls:archive'`.execute(db);
  await sql`alter table tenantry_archive.api_calls set schema public`.execute(db);
  await expect(applyMigration(db, definition, { to: 'contract' })).resolves.toMatchObject({
    stage: 'contract',
    steps: 1,
  });
  await rollbackMigration(db, definition);
});

it.each(['expand', 'backfill', 'enforce', 'contract'] as const)(
  'goes back from the stage %s to the same rows',
  async (to) => {
    const before = await legacyChecksum(db);
    const definition = { ...legacyMigration, contract: { archive: ['notes'] } };
    await applyMigration(db, definition, { to });
    await rollbackMigration(db, definition);
    expect(await legacyChecksum(db)).toBe(before);
    const left = await sql<{ name: string }>`
    select tgname as name from pg_trigger where not tgisinternal and tgname like '%tenantry%'
    union all select conname from pg_constraint where conname like 'tenantry%' and connamespace = 'public'::regnamespace
    union all select polname from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = 'public'::regnamespace
    union all select proname from pg_proc where pronamespace = 'tenantry'::regnamespace and proname ~ '_[0-9a-f]{12}'
    union all select relname from pg_class where relnamespace = 'tenantry'::regnamespace and relkind = 'S' and relname like 'writes%'
    union all select column_name from information_schema.columns where table_schema = 'public' and column_name = 'tenant_id'`.execute(
      db,
    );
    expect(left.rows).toEqual([]);
  },
);
