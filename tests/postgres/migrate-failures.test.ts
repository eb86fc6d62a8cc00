import { readdir, readFile } from 'node:fs/promises';
import { type Kysely, sql } from 'kysely';
import { Client } from 'pg';
import {
  type AnyMigration,
  applyMigration,
  defaultTenant,
  migrationStatus,
  planMigration,
  rollbackMigration,
  verifyMigration,
  via,
} from 'tenantry/migrate';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyChecksum, legacyMigration, makeLegacy } from '../support/legacy.ts';

/** What went wrong in other tools, one test for each that no other file has; a table in the guides leads to all of them. */
let database: TestDatabase<Legacy>;
let db: Kysely<Legacy>;
let old: Client;

beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  db = database.owner;
  await makeLegacy(db, 60);
  await sql`grant select, insert, update, delete on all tables in schema public to tenantry_test_legacy`.execute(db);
  old = new Client({ connectionString: database.urls?.legacy ?? '' });
  await old.connect();
});

afterEach(async () => {
  await old.end();
  await database.destroy();
});

async function one<Row>(text: string): Promise<Row> {
  const { rows } = await sql.raw<Row>(text).execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error(`no row: ${text}`);
  return row;
}

const small = { batchSize: 200, batchMilliseconds: 1 } as const;

/** Runs statements as the migration itself would, past its triggers. */
async function asRunner(...statements: string[]): Promise<void> {
  await db.connection().execute(async (connection) => {
    await sql`set tenantry.runner = 'on'`.execute(connection);
    for (const statement of statements) await sql.raw(statement).execute(connection);
    await sql`reset tenantry.runner`.execute(connection);
  });
}

it('a backfill ends though rows come in faster than it fills them', async () => {
  let writes: Promise<unknown> = Promise.resolve();
  let batches = 0;
  await applyMigration(db, legacyMigration, {
    ...small,
    to: 'backfill',
    pause: 10,
    onProgress: ({ step, rows, finished }) => {
      if (step !== 'backfill:api_calls' || rows === 0 || finished) return;
      batches += 1;
      // More than a batch for every batch.
      const more = `insert into api_calls (customer_id, path, called_at) select 1 + n % 60, '/live', now() from generate_series(1, 500) n`;
      writes = writes.then(() => old.query(more));
    },
  });
  await writes;
  // It went to the bound that was fixed at its beginning, and what came in behind it was filled by the trigger.
  expect(batches).toBe(3);
  expect(
    await one(`select last_key = upper_bound as whole, upper_bound from tenantry.migration_checkpoints
      where table_name = 'api_calls'`),
  ).toEqual({ whole: true, upper_bound: ['600'] });
  expect(
    await one(`select count(*)::integer as n, count(tenant_id)::integer as led from api_calls where path = '/live'`),
  ).toEqual({ n: 1500, led: 1500 });
  expect((await verifyMigration(db, legacyMigration)).failed).toBe(0);
});

it('no write falls between a column and its trigger', async () => {
  const plan = await planMigration(db, legacyMigration);
  for (const { table } of plan.tables) {
    const step = plan.steps.find(({ id }) => id === `expand:${table}`);
    expect(step?.kind).toBe('transaction');
    expect(step?.sql.join(';')).toMatch(/add column "tenant_id" uuid;.*create trigger "~tenantry_fill" before insert/s);
  }
  let going = true;
  let written = 0;
  const writer = (async () => {
    for (let n = 0; going; n += 1) {
      await old.query(
        `insert into api_calls (customer_id, path, called_at) values (${1 + (n % 60)}, '/between', now())`,
      );
      written += 1;
    }
  })();
  const before = await one<{ id: string }>('select max(id)::text as id from api_calls');
  await applyMigration(db, legacyMigration, { plan, to: 'expand' });
  going = false;
  await writer;
  expect(written).toBeGreaterThan(0);
  // Each row was there before the column, or has its tenant from the trigger: the first with one has none without after it.
  const gap = await one<{ n: number }>(
    `select count(*)::integer as n from api_calls where id > ${before.id} and tenant_id is null
      and id > (select min(id) from api_calls where tenant_id is not null)`,
  );
  expect(gap.n).toBe(0);
  await applyMigration(db, legacyMigration);
  expect((await verifyMigration(db, legacyMigration)).failed).toBe(0);
});

it('rows that meet in something unique are joined, told of or refused, and none is dropped in silence', async () => {
  const before = await one('select count(*)::integer as customers from customers');
  await applyMigration(db, legacyMigration, { to: 'expand' });
  await old.query(
    `update customers set api_key_hash = (select api_key_hash from customers where id = 1) where id in (2, 3)`,
  );
  await applyMigration(db, legacyMigration);
  expect(await one('select count(*)::integer as customers from customers')).toEqual(before);
  const keys = await one<{ made: number; aside: number; rows: number }>(`select
    (select count(*)::integer from tenantry.api_keys) as made,
    (select count(*)::integer from tenantry.migration_quarantine where table_name = 'customers as apiKeys') as aside,
    (select count(*)::integer from customers where api_key_hash is not null) as rows`);
  expect(keys.aside).toBe(2);
  expect(keys.made + keys.aside).toBe(keys.rows);
  const conserved = (await verifyMigration(db, legacyMigration)).checks.filter(({ name }) => name === 'conserved');
  expect(conserved.filter(({ status }) => status === 'fail')).toEqual([]);
});

it('an index that was left invalid under its name is built again', async () => {
  await applyMigration(db, legacyMigration, { to: 'backfill' });
  const plan = (await one<{ plan: { steps: { id: string; sql: string[] }[] } }>('select plan from tenantry.migrations'))
    .plan;
  const create = plan.steps.find(({ id }) => id === 'enforce:notes:index')?.sql.at(-1) ?? '';
  const name = /index concurrently "([^"]+)"/.exec(create)?.[1];
  // Two rows with one key let the building fail half-way, as an interruption would.
  await sql.raw(`alter table notes drop constraint notes_pkey`).execute(db);
  await sql.raw(`insert into notes select * from notes where project_id = 4 and position = 1`).execute(db);
  await expect(sql.raw(create).execute(db)).rejects.toMatchObject({ code: '23505' });
  await sql
    .raw(`delete from notes where ctid = (select max(ctid) from notes where project_id = 4 and position = 1)`)
    .execute(db);
  await sql.raw(`alter table notes add constraint notes_pkey primary key (project_id, position)`).execute(db);
  expect(await one(`select indisvalid as valid from pg_index where indexrelid = '"${name}"'::regclass`)).toEqual({
    valid: false,
  });
  await applyMigration(db, legacyMigration);
  expect(await one(`select indisvalid as valid from pg_index where indexrelid = '"${name}"'::regclass`)).toEqual({
    valid: true,
  });
});

it('a VALIDATE that failed is run again once the rows are mended', async () => {
  const spoilt: AnyMigration = {
    ...legacyMigration,
    additions: [
      {
        name: 'spoil',
        stage: 'enforce',
        sql: ['update projects set tenant_id = null where id = 4'],
        undo: [],
      },
    ],
  };
  await expect(applyMigration(db, spoilt)).rejects.toMatchObject({
    details: { step: 'enforce:projects:present-valid', sqlstate: '23514' },
  });
  expect(await migrationStatus(db, spoilt.name)).toMatchObject({
    stage: 'backfill',
    next: { step: 'enforce:projects:present-valid' },
    failure: { step: 'enforce:projects:present-valid', sqlstate: '23514' },
  });
  await expect(applyMigration(db, spoilt)).rejects.toMatchObject({ code: 'migration_verify_failed' });
  await asRunner(
    'update projects p set tenant_id = c.tenant_id from customers c where c.id = p.customer_id and p.id = 4',
  );
  await expect(applyMigration(db, spoilt)).resolves.toMatchObject({ stage: 'enforce' });
});

it('batches go on over gaps in the keys, from the lowest to the highest', async () => {
  await sql`insert into projects (id, customer_id, name) select id, 1 + abs(id % 60), 'gap'
    from unnest(array[-2147483648, -70000, -1, 0, 90000, 1000000, 1000000000, 2147483647]) as id`.execute(db);
  const { rows } = await applyMigration(db, legacyMigration, { ...small, to: 'backfill' });
  expect(rows).toBe(60 + 120 + 360 + 600 + 8);
  expect(await one('select count(*)::integer as n from projects where tenant_id is null')).toEqual({ n: 0 });
});

it('a map in which one group is torn, or two are joined, does not pass the proof', async () => {
  await applyMigration(db, legacyMigration, { to: 'backfill' });
  const groups = await one<{ torn: string; first: string; second: string }>(`select
    (select min(source_key) from tenantry.migration_map group by tenant_id having count(*) > 1 limit 1) as torn,
    min(tenant_id::text) as first, max(tenant_id::text) as second from tenantry.migration_map`);
  // One row of a group stands alone, with all that hangs on it: every row has one tenant, and still it is wrong.
  const move = (tenant: string, key: string) => [
    `update tenantry.migration_map set tenant_id = '${tenant}' where source_key = '${key}'`,
    `update customers set tenant_id = '${tenant}' where id = ${key}`,
    `update projects set tenant_id = '${tenant}' where customer_id = ${key}`,
    `update notes n set tenant_id = '${tenant}' from projects p where p.id = n.project_id and p.customer_id = ${key}`,
    `update api_calls set tenant_id = '${tenant}' where customer_id = ${key}`,
  ];
  const own = await one<{ tenant: string }>(
    `select tenant_id::text as tenant from customers where id = ${groups.torn}`,
  );
  await asRunner(...move(own.tenant === groups.first ? groups.second : groups.first, groups.torn));
  const failed = (await verifyMigration(db, legacyMigration)).checks.filter(({ status }) => status === 'fail');
  expect(failed.map(({ name }) => name)).toContain('grouping');
  await expect(applyMigration(db, legacyMigration)).rejects.toMatchObject({ code: 'migration_verify_failed' });
});

it('a default tenant that does not exist is refused before anything is written', async () => {
  const missing: AnyMigration = {
    ...legacyMigration,
    tables: { ...legacyMigration.tables, api_calls: via('customer_id', { unresolved: defaultTenant('4711') }) },
  };
  await expect(planMigration(db, missing)).rejects.toMatchObject({
    code: 'migration_rows_unresolved',
    details: { table: 'api_calls' },
  });
  const known = {
    ...missing,
    tables: { ...missing.tables, api_calls: via('customer_id', { unresolved: defaultTenant('1') }) },
  };
  await applyMigration(db, known);
  expect(
    await one(`select bool_and(tenant_id = (select tenant_id from customers where id = 1)) as led from api_calls
      where customer_id is null or customer_id > 60`),
  ).toEqual({ led: true });
});

it('a rollback is not stopped by rows that came after, also where they took the place of one that was set aside', async () => {
  await applyMigration(db, legacyMigration);
  const kept = await one<{ id: string; tenant: string }>(`select min(row_key::bigint)::text as id,
    (select tenant_id::text from customers where id = 5) as tenant from tenantry.migration_quarantine where table_name = 'api_calls'`);
  await sql
    .raw(`insert into api_calls (id, customer_id, path, called_at, tenant_id) overriding system value
    values (${kept.id}, 5, '/after', now(), '${kept.tenant}'), (90001, 5, '/after', now(), '${kept.tenant}')`)
    .execute(database.app);
  const back = await rollbackMigration(db, legacyMigration);
  expect(back.kept).toEqual([{ table: 'api_calls', rows: 1 }]);
  expect(await one(`select count(*)::integer as n from api_calls where path = '/after'`)).toEqual({ n: 2 });
  expect(await one(`select count(*)::integer as n from api_calls`)).toEqual({ n: 601 });
  const before = await legacyChecksum(db);
  await applyMigration(db, legacyMigration);
  await rollbackMigration(db, legacyMigration);
  expect(await legacyChecksum(db)).toBe(before);
});

it('every failure in the guide names tests that there are', async () => {
  const here = new URL('.', import.meta.url);
  const names = (await readdir(here)).filter((name) => name.endsWith('.test.ts'));
  const sources = await Promise.all(names.map((name) => readFile(new URL(name, here), 'utf8')));
  const all = sources.join('\n').replaceAll(String.raw`\'`, "'");
  const guide = await readFile(new URL('../../docs/guides/migration-failures.md', here), 'utf8');
  const rows = guide.split('\n').filter((line) => /^\| [A-Z]/.test(line));
  const titles = rows.flatMap((line) => (line.split('|').at(-2) ?? '').split(';').map((title) => title.trim()));
  expect(rows).toHaveLength(13);
  // A title of several cases has a place for what differs.
  const found = (title: string): boolean => all.includes(title) || all.includes(title.replace('expand', '%s'));
  expect(titles.filter((title) => !found(title))).toEqual([]);
});
