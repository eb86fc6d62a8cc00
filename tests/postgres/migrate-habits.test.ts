import { Kysely, PostgresDialect, sql } from 'kysely';
import { Client, Pool } from 'pg';
import {
  type AnyMigration,
  applyMigration,
  defineMigration,
  planMigration,
  quarantine,
  rollbackMigration,
  untouched,
  verifyMigration,
  via,
} from 'tenantry/migrate';
import { perOrg, perUser } from 'tenantry/tenancy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { openOldWriter, type Runner } from '../support/runner.ts';

interface Legacy {
  customers: { id: number; email: string };
  projects: { id: number; customer_id: number | null; code: string | null };
  notes: { id: number; project_id: number };
  log: { what: string };
}

const migration = (tables: Partial<AnyMigration['tables']> = {}): AnyMigration =>
  defineMigration<Legacy>()({
    name: 'habits',
    from: perUser(),
    to: perOrg({ plan: 'team' }),
    tenants: { source: 'customers', sameTenant: ['id'], name: 'email' },
    tables: {
      projects: via('customer_id', { to: 'customers' }),
      notes: via('project_id', { to: 'projects' }),
      log: untouched(),
      ...tables,
    },
  });

let database: TestDatabase<Legacy>;
let superuser: Client;
let old: Runner<Legacy>;
let keeper: { end(): Promise<void> } | undefined;
beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  superuser = new Client({ connectionString: database.urls?.superuser ?? '' });
  await superuser.connect();
  old = await openOldWriter(database);
  await run('create table customers (id integer primary key, email text)');
  await run('create table log (what text)');
  await run(`insert into customers select n, 'c' || n from generate_series(1, 9) n`);
});
afterEach(async () => {
  await superuser.end();
  await old.db.destroy();
  await keeper?.end();
  keeper = undefined;
  await database.destroy();
  await old.destroy();
});

/** As the owner of the tables. */
async function run(...statements: string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(database.owner);
}

/** As the old application, each in a transaction. */
async function oldWrites(...statements: string[]): Promise<void> {
  await old.db.transaction().execute(async (tx) => {
    for (const statement of statements) await sql.raw(statement).execute(tx);
  });
}

async function rows(query: string): Promise<object[]> {
  return (await superuser.query<object>(query)).rows;
}

/** Projects with foreign keys as `references` says, and notes below them. */
async function makeTables(references: string): Promise<void> {
  await run(
    `create table projects (id integer primary key, customer_id integer ${references}, code text unique)`,
    'create table notes (id integer primary key, project_id integer not null references projects on delete cascade)',
    `insert into projects select n, 1 + n % 9, 'p' || n from generate_series(1, 20) n`,
    'insert into notes select n, 1 + n % 20 from generate_series(1, 40) n',
    'grant all on all tables in schema public to tenantry_test_legacy',
  );
}

/**
 * The owner's rights, sight of all rows and the right to keep triggers from firing, in a login of its own: these hold on the
 * whole server, where other tests expect that the owner lacks them.
 */
async function strongOwner(): Promise<Kysely<Legacy>> {
  const name = `tenantry_test_keeper_${Math.random().toString(36).slice(2, 10)}`;
  await superuser.query(`create role ${name} login bypassrls password 'test' in role tenantry_test_owner`);
  await superuser.query(`grant set on parameter session_replication_role to ${name}`);
  const url = new URL(database.urls?.owner ?? '');
  url.username = name;
  const db = new Kysely<Legacy>({
    dialect: new PostgresDialect({ pool: new Pool({ connectionString: url.href, max: 2 }) }),
  });
  keeper = {
    async end() {
      await db.destroy();
      const server = new Client({ connectionString: database.urls?.superuser ?? '' });
      await server.connect();
      await server.query(`reassign owned by ${name} to tenantry_test_owner`);
      await server.query(`drop owned by ${name}`);
      await server.query(`drop role ${name}`);
      await server.end();
    },
  };
  return db;
}

const family = (n: number): string =>
  `with c as (insert into customers values (${n}, 'x') returning id), p as (insert into projects select ${n}, id, null from c returning id)
  insert into notes select ${n}, id from p`;

describe('what the old application writes', () => {
  it('finds its tenant in one statement that writes a customer and all below it', async () => {
    await makeTables('references customers');
    await applyMigration(database.owner, migration(), { to: 'expand' });
    await oldWrites(family(100));
    await applyMigration(database.owner, migration(), { to: 'backfill' });
    await oldWrites(family(101));
    expect((await verifyMigration(database.owner, migration())).failed).toBe(0);
    await applyMigration(database.owner, migration(), { to: 'enforce' });
    await oldWrites(family(102));
    expect(
      await rows(`select n.id from notes n join projects p on p.id = n.project_id join customers c on c.id = p.customer_id
        where n.id >= 100 and n.tenant_id = p.tenant_id and p.tenant_id = c.tenant_id order by 1`),
    ).toEqual([{ id: 100 }, { id: 101 }, { id: 102 }]);
  });

  it('finds its tenant when the customer is written last, as a deferred foreign key allows', async () => {
    await makeTables('references customers deferrable initially deferred');
    const { decisions } = await planMigration(database.owner, migration());
    expect(decisions).toContainEqual(expect.objectContaining({ topic: 'order of writes', samples: ['projects'] }));
    await applyMigration(database.owner, migration(), { to: 'backfill' });
    await oldWrites(
      'insert into projects values (100, 100, null)',
      'insert into notes values (100, 100)',
      `insert into customers values (100, 'late')`,
    );
    expect((await verifyMigration(database.owner, migration())).failed).toBe(0);
    await applyMigration(database.owner, migration(), { to: 'enforce' });
    await oldWrites(
      `insert into customers values (101, 'first')`,
      'update projects set customer_id = 101 where id = 100',
    );
    expect((await verifyMigration(database.owner, migration())).failed).toBe(0);
  });

  it('finds the tenant of a customer whom a trigger of its own sets, whatever the name of that', async () => {
    await makeTables('references customers');
    await run(
      `create function house() returns trigger language plpgsql as 'begin NEW.customer_id := coalesce(NEW.customer_id, 7); return NEW; end'`,
      'create trigger zz_house before insert on projects for each row execute function house()',
    );
    await applyMigration(database.owner, migration(), { to: 'backfill' });
    await oldWrites('insert into projects values (100, null, null)');
    expect((await verifyMigration(database.owner, migration())).failed).toBe(0);
    await applyMigration(database.owner, migration(), { to: 'enforce' });
    await oldWrites('insert into projects values (101, null, null)');
    expect((await verifyMigration(database.owner, migration())).failed).toBe(0);
  });

  it('meets no column that is not there yet, in whatever step a run was stopped', async () => {
    await makeTables('references customers on delete cascade');
    let n = 100;
    for (let stopped = true; stopped; ) {
      const stop = new AbortController();
      const ended: unknown = await applyMigration(database.owner, migration(), {
        to: 'expand',
        signal: stop.signal,
        onProgress: ({ finished }) => {
          if (finished) stop.abort();
        },
      }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (ended !== undefined) expect(ended).toMatchObject({ code: 'migration_stopped' });
      stopped = ended !== undefined;
      n += 1;
      await oldWrites(
        family(n),
        `update projects set customer_id = ${1 + (n % 9)} where id in (1, ${n})`,
        `update notes set project_id = ${1 + (n % 20)} where id = 2`,
      );
    }
    expect(n).toBeGreaterThan(103);
    await applyMigration(database.owner, migration(), { to: 'backfill' });
    expect((await verifyMigration(database.owner, migration())).failed).toBe(0);
  });
});

describe('foreign keys after enforce', () => {
  it('act as those of the application do, whichever PostgreSQL runs first', async () => {
    await makeTables('constraint led references customers on delete cascade on update cascade');
    await run('alter table projects add parent_id integer constraint under references projects on delete set null');
    await run('update projects set parent_id = id - 9 where id > 9');
    await applyMigration(database.owner, migration(), { to: 'enforce' });
    // Made anew, they have higher numbers than ours and come last; after a dump or a digit more it is the other way round.
    await run(
      'alter table projects drop constraint led, add constraint led foreign key (customer_id) references customers on delete cascade on update cascade',
      'alter table projects drop constraint under, add constraint under foreign key (parent_id) references projects on delete set null',
    );
    await oldWrites('update customers set id = 100 where id = 3', 'delete from projects where id = 1');
    await oldWrites('delete from customers where id = 4');
    expect(await rows('select count(*)::int as n from projects where customer_id = 100')).toEqual([{ n: 3 }]);
    expect(await rows('select parent_id from projects where id = 10')).toEqual([{ parent_id: null }]);
    expect(await rows('select count(*)::int as n from projects where customer_id = 4')).toEqual([{ n: 0 }]);
  });

  it('may be deferred where those of the application may', async () => {
    await makeTables('references customers');
    await run(
      'alter table projects add twin_id integer constraint twins references projects deferrable initially deferred',
    );
    await applyMigration(database.owner, migration(), { to: 'enforce' });
    await oldWrites(
      'insert into projects values (100, 1, null, 101)',
      'insert into projects values (101, 1, null, 100)',
    );
    await expect(
      oldWrites('insert into projects values (102, 1, null, 103)', 'insert into projects values (103, 2, null, null)'),
    ).rejects.toMatchObject({ code: '23503' });
  });

  it('keep a row from another tenant also where they lead to another key than the first', async () => {
    await makeTables('references customers');
    await run('alter table projects add like_code text references projects (code)');
    await applyMigration(database.owner, migration(), { to: 'enforce' });
    await oldWrites(`update projects set like_code = 'p10' where id = 1`);
    await expect(oldWrites(`update projects set like_code = 'p3' where id = 1`)).rejects.toMatchObject({
      code: '23503',
    });
    await rollbackMigration(database.owner, migration());
    await oldWrites(`update projects set like_code = 'p3' where id = 1`);
  });
});

describe('what the application had put on a table', () => {
  it('stands there again after the way back: row-level security of its own', async () => {
    await makeTables('references customers');
    await run(
      'alter table projects enable row level security',
      'alter table projects force row level security',
      'create policy everything on projects using (true)',
    );
    const refused = planMigration(database.owner, migration());
    await expect(refused).rejects.toMatchObject({ code: 'migration_right_missing', details: { table: 'projects' } });
    const owner = await strongOwner();
    const { decisions } = await planMigration(owner, migration());
    expect(decisions).toContainEqual(
      expect.objectContaining({ topic: 'policies of projects', samples: ['everything'] }),
    );
    await applyMigration(owner, migration());
    await rollbackMigration(owner, migration());
    expect(
      await rows(`select relrowsecurity as on, relforcerowsecurity as forced from pg_class where relname = 'projects'`),
    ).toEqual([{ on: true, forced: true }]);
  });

  it.each([
    ['trigger touch', 'alter table projects enable always trigger touch'],
    ['trigger touch', 'alter table projects enable replica trigger touch'],
    ['rule keep', 'alter table projects enable always rule keep'],
  ])('is refused before anything is written when a backfill cannot keep from it: %s by %s', async (what, statement) => {
    await makeTables('references customers');
    const owner = await strongOwner();
    await run(
      `create function touch() returns trigger language plpgsql as 'begin NEW.code := ''touched''; return NEW; end'`,
      'create trigger touch before update on projects for each row execute function touch()',
      'create rule keep as on delete to projects do instead nothing',
      statement,
    );
    await expect(applyMigration(owner, migration())).rejects.toMatchObject({
      code: 'migration_right_missing',
      details: {
        table: 'projects',
        right: expect.stringContaining(what),
        remedy: `alter table "projects" enable ${what};`,
      },
    });
    await run(`alter table "projects" enable ${what}`);
    await applyMigration(owner, migration());
    expect(await rows(`select count(*)::int as n from projects where code = 'touched'`)).toEqual([{ n: 0 }]);
  });

  it('is refused when a publication could not name the rows', async () => {
    await makeTables('references customers');
    await run('create table visits (customer_id integer references customers)');
    await run('create publication every_visit for table visits');
    const visits = migration({ visits: via('customer_id') });
    await expect(planMigration(database.owner, visits)).rejects.toMatchObject({
      code: 'migration_right_missing',
      details: { table: 'visits', remedy: 'alter table "visits" replica identity full;' },
    });
  });
});

describe('rows that are set aside', () => {
  const aside = migration({ projects: via('customer_id', { to: 'customers', unresolved: quarantine() }) });

  it('come back as they were, of whatever type, and no trigger of the application fires on them', async () => {
    await makeTables('');
    await run(
      `alter table projects add a integer[], add t text[], add j json, add b jsonb, add f float8, add n numeric, add d date,
        add z timestamptz, add i interval, add r int4range, add y bytea, add c char(4)`,
      `insert into projects values
        (50, 99, null, '[0:2]={1,NULL,3}', '{{"NULL",NULL}}', 'null', 'null', 'NaN', 'NaN', '0044-03-15 BC', '-infinity', '-1 mon 2 days', '[1,5)', '\\x00ff', 'a'),
        (51, 99, null, '{}', null, '{"a" :1, "a":2}', '{"n": 1.10}', '-0', 'Infinity', 'infinity', '2024-03-31 01:30+02', 'infinity', 'empty', '', '')`,
      `create function noise() returns trigger language plpgsql as $$ begin
        insert into log values (tg_op); if tg_op <> 'DELETE' then NEW.code := 'changed'; return NEW; end if; return OLD; end $$`,
      'create trigger noise before insert or update or delete on projects for each row execute function noise()',
    );
    const text = 'select p::text from projects p where id >= 50 order by id';
    const before = await rows(text);
    await expect(planMigration(database.owner, aside)).rejects.toMatchObject({ code: 'migration_right_missing' });
    const owner = await strongOwner();
    await applyMigration(owner, aside);
    expect(await rows(text)).toEqual([]);
    expect((await verifyMigration(owner, aside)).failed).toBe(0);
    await rollbackMigration(owner, aside);
    expect(await rows(text)).toEqual(before);
    expect(await rows('select what from log')).toEqual([]);
    await oldWrites(`update projects set code = 'mine' where id = 50`);
    expect(await rows('select what from log')).toEqual([{ what: 'UPDATE' }]);
  });

  it('stay aside when what they refer to is gone by then', async () => {
    await makeTables('');
    await run('create table kinds (id integer primary key)', 'insert into kinds values (1)');
    await run(
      'alter table projects add kind_id integer references kinds',
      'insert into projects values (50, 99, null, 1)',
    );
    const withKinds = migration({
      projects: via('customer_id', { to: 'customers', unresolved: quarantine() }),
      kinds: untouched(),
    });
    await applyMigration(database.owner, withKinds);
    await run('delete from kinds');
    expect(await rollbackMigration(database.owner, withKinds)).toMatchObject({
      kept: [{ table: 'projects', rows: 1 }],
    });
    expect(await rows('select id from projects where id = 50')).toEqual([]);
  });
});
