import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnyDatabase, isolateTable } from '../../src/database/index.ts';
import { createScope, createTransaction, own, scope, transaction } from '../../src/tenancy/index.ts';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';

interface Database {
  projects: { tenant_id: string; id: number; name: string };
}
const a = '0199f3c2-0000-7000-8000-00000000000a';
const b = '0199f3c2-0000-7000-8000-00000000000b';
const tables = { projects: own() };

async function prepare(database: TestDatabase<Database>): Promise<void> {
  const login =
    database.kind === 'postgres' ? ['grant select, insert, update, delete on projects to tenantry_test_app'] : [];
  const statements = [
    'create table projects (tenant_id uuid not null, id int not null, name text not null, primary key (tenant_id, id))',
    ...isolateTable({ table: 'projects' }),
    ...login,
    `insert into projects values ('${a}', 1, 'of a'), ('${b}', 1, 'of b'), ('${b}', 2, 'of b')`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(database.owner);
}

interface Setting {
  readonly role: string;
  readonly tenant: string | null;
}
async function settingOf(db: AnyDatabase): Promise<Setting | undefined> {
  const { rows } = await sql<Setting>`
    select current_user::text as role, nullif(current_setting('tenantry.tenant_id', true), '') as tenant`.execute(
    db.withoutPlugins(),
  );
  return rows[0];
}

const failure = new Error('the work failed');
const undo = new Error('rolled back');
/** Runs work in a transaction of the application's own, which is rolled back. */
async function outside(db: Kysely<Database>, work: (tx: Transaction<Database>) => Promise<void>): Promise<void> {
  const run = db.transaction().execute(async (tx) => {
    await work(tx);
    throw undo;
  });
  await expect(run).rejects.toBe(undo);
}

describe.each([
  ['PostgreSQL', () => postgresDatabase<Database>({ connections: 2 })],
  ['PGlite', () => pgliteDatabase<Database>()],
])('on %s', (_, make) => {
  let database: TestDatabase<Database>;
  let db: Kysely<Database>;
  let login: Setting | undefined;
  beforeAll(async () => {
    database = await make();
    db = database.app;
    await prepare(database);
    login = await settingOf(db);
  });
  afterAll(() => database.destroy());

  it('shows and takes the rows of the tenant alone, whatever the SQL says', async () => {
    const run = createTransaction({ db, tables });
    const seen = await run(
      a,
      async (tx) => {
        expect(await settingOf(tx)).toEqual({ role: 'tenantry_app', tenant: a });
        const { rows } = await sql`select name from projects`.execute(tx);
        const changed = await tx.updateTable('projects').set({ name: 'of a' }).executeTakeFirstOrThrow();
        return { rows, changed: Number(changed.numUpdatedRows) };
      },
      { plugin: false },
    );
    expect(seen).toEqual({ rows: [{ name: 'of a' }], changed: 1 });
    const foreign = run(a, (tx) => tx.insertInto('projects').values({ tenant_id: b, id: 9, name: 'x' }).execute(), {
      plugin: false,
    });
    await expect(foreign).rejects.toMatchObject({ code: '42501' });
    expect(await settingOf(db)).toEqual(login);
  });

  it('scopes the queries of the transaction as well', async () => {
    const names = await transaction(
      db,
      b,
      async (tx) => {
        await tx.insertInto('projects').values({ id: 3, name: 'new' }).execute();
        await expect(sql`select 1`.execute(tx)).rejects.toMatchObject({ code: 'raw_sql_unmarked' });
        const query = tx.selectFrom('projects').select('name').orderBy('id');
        expect(query.compile().sql).toContain('where "projects"."tenant_id" = $1');
        await tx.deleteFrom('projects').where('id', '=', 3).execute();
        return query.execute();
      },
      { tables },
    );
    expect(names).toEqual([{ name: 'of b' }, { name: 'of b' }]);
  });

  it('rolls back what was done when the work throws', async () => {
    const work = transaction(db, a, async (tx) => {
      await tx.insertInto('projects').values({ id: 7, name: 'x' }).execute();
      throw failure;
    });
    await expect(work).rejects.toBe(failure);
    expect(await scope(db, a, tables).selectFrom('projects').select('id').execute()).toEqual([{ id: 1 }]);
  });

  it('joins a transaction, and puts role and tenant back after it', async () => {
    await outside(db, async (outer) => {
      const before = await settingOf(outer);
      await transaction(
        db,
        a,
        async (tx) => {
          expect(await settingOf(tx)).toEqual({ role: 'tenantry_app', tenant: a });
          await tx.insertInto('projects').values({ id: 5, name: 'joined' }).execute();
        },
        { tables, db: outer },
      );
      expect(await settingOf(outer)).toEqual(before);
      expect(await scope(outer, a, tables).selectFrom('projects').select('id').execute()).toHaveLength(2);
      // One after the other, each for its own tenant.
      const second = await transaction(outer, b, (tx) => tx.selectFrom('projects').select('id').execute());
      expect(second).toHaveLength(2);
    });
    expect(await scope(db, a, tables).selectFrom('projects').select('id').execute()).toHaveLength(1);
  });

  it.each([
    ['throws', () => Promise.reject(failure)],
    ['breaks the transaction', (tx: AnyDatabase) => sql`select 1 / 0`.execute(tx.withoutPlugins())],
    [
      'hides that it broke the transaction',
      (tx: AnyDatabase) => sql`select 1 / 0`.execute(tx.withoutPlugins()).catch(() => undefined),
    ],
  ])('leaves the joined transaction as it was when the work %s', async (_title, fail) => {
    await outside(db, async (outer) => {
      await scope(outer, a, tables).insertInto('projects').values({ id: 4, name: 'before' }).execute();
      const before = await settingOf(outer);
      const run = transaction(
        db,
        a,
        async (tx) => {
          await tx.insertInto('projects').values({ id: 5, name: 'within' }).execute();
          return fail(tx);
        },
        { tables, db: outer },
      );
      await expect(run).rejects.toThrow();
      expect(await settingOf(outer)).toEqual(before);
      const left = scope(outer, a, tables).selectFrom('projects').select('id').orderBy('id');
      expect(await left.execute()).toEqual([{ id: 1 }, { id: 4 }]);
    });
  });

  it('nests within the same tenant, and refuses another', async () => {
    const run = createTransaction({ db, tables });
    await run(a, async (tx) => {
      const inner = await run(a, async (same) => (await same.selectFrom('projects').selectAll().execute()).length, {
        db: tx,
      });
      expect(inner).toBe(1);
      const other = run(b, async () => 'never', { db: tx });
      await expect(other).rejects.toMatchObject({ code: 'tenant_mismatch', details: { expected: a, actual: b } });
      expect(await settingOf(tx)).toEqual({ role: 'tenantry_app', tenant: a });
      expect(await tx.selectFrom('projects').select('name').execute()).toEqual([{ name: 'of a' }]);
      const foreign = createScope({ db, tables })(b, { db: tx });
      const refused = expect.objectContaining({ code: 'tenant_mismatch' });
      expect(() => foreign.selectFrom('projects').select('name').compile()).toThrow(refused);
    });
  });

  it('is not begun without a tenant', async () => {
    const work = async (): Promise<never> => expect.unreachable();
    await expect(transaction(db, '', work)).rejects.toMatchObject({ code: 'tenant_required' });
    await expect(transaction(db, 'acme', work)).rejects.toMatchObject({ code: 'tenant_not_found' });
  });
});

it('keeps tenants apart on a connection that serves one after the other, and many at once', async () => {
  const database = await postgresDatabase<Database>({ connections: 3 });
  try {
    await prepare(database);
    const run = createTransaction({ db: database.app, tables });
    const counts = await Promise.all(
      Array.from({ length: 60 }, (_, at) =>
        run(at % 2 === 0 ? a : b, async (tx) => (await sql`select * from projects`.execute(tx)).rows.length, {
          plugin: false,
        }),
      ),
    );
    expect(counts).toEqual(Array.from({ length: 60 }, (_, at) => (at % 2 === 0 ? 1 : 2)));
    expect(await settingOf(database.app)).toEqual({ role: 'tenantry_test_app', tenant: null });
  } finally {
    await database.destroy();
  }
});

it('tells which right the login lacks and how to grant it', async () => {
  const database = await postgresDatabase<Database>();
  const stranger = new Kysely<Database>({
    dialect: new PostgresDialect({ pool: new Pool({ connectionString: database.urls?.legacy, max: 1 }) }),
  });
  try {
    const refusal = {
      code: 'database_right_missing',
      details: {
        right: 'membership of the role tenantry_app',
        remedy: expect.stringContaining('grant tenantry_app, tenantry_service to tenantry_test_legacy;'),
      },
    };
    const work = async (): Promise<never> => expect.unreachable();
    await expect(transaction(stranger, a, work)).rejects.toMatchObject(refusal);
    await stranger.transaction().execute(async (outer) => {
      await expect(transaction(stranger, a, work, { db: outer })).rejects.toMatchObject(refusal);
      expect(await settingOf(outer)).toEqual({ role: 'tenantry_test_legacy', tenant: null });
    });
  } finally {
    await stranger.destroy();
    await database.destroy();
  }
});

it('tells that the library is not installed', async () => {
  const database = await pgliteDatabase<Database>({ install: false });
  try {
    const run = transaction(database.app, a, async () => expect.unreachable());
    await expect(run).rejects.toMatchObject({ code: 'schema_missing' });
  } finally {
    await database.destroy();
  }
});
