import { CamelCasePlugin, type Generated, type Kysely, sql } from 'kysely';
import { jsonArrayFrom, jsonBuildObject, jsonObjectFrom } from 'kysely/helpers/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScope, own, scope, shared, type TenantDb, trusted } from '../../src/tenancy/index.ts';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';

interface Database {
  projects: { tenant_id: string; id: number; name: string; stars: Generated<number> };
  notes: { organization_id: string; id: number; project_id: number | null; body: string | null };
  handles: { tenant_id: string; handle: string; hits: Generated<number> };
  countries: { code: string; name: string };
  plain: { id: number };
}
const a = '0199f3c2-0000-7000-8000-00000000000a';
const b = '0199f3c2-0000-7000-8000-00000000000b';
const tables = { projects: own(), notes: own({ column: 'organization_id' }), handles: own(), countries: shared() };

const schema = [
  `create table projects (tenant_id uuid not null, id int not null, name text not null, stars int not null default 0,
    primary key (tenant_id, id))`,
  `create table notes (organization_id uuid not null, id int not null, project_id int, body text,
    primary key (organization_id, id))`,
  'create table handles (tenant_id uuid not null, handle text primary key, hits int not null default 0)',
  'create table countries (code text primary key, name text not null)',
  'create table plain (id int primary key)',
  `insert into countries values ('CH', 'Schweiz')`,
  'insert into plain values (1)',
  ...[a, b].flatMap((tenant, at) => [
    `insert into projects values ('${tenant}', 1, 'one of ${at}', ${at}), ('${tenant}', 2, 'two of ${at}', ${at})`,
    `insert into notes values ('${tenant}', 1, 1, 'note of ${at}'), ('${tenant}', 2, null, 'loose of ${at}')`,
    `insert into handles values ('${tenant}', 'h${at}')`,
  ]),
];

describe.each([
  ['PostgreSQL', () => postgresDatabase<Database>()],
  ['PGlite', () => pgliteDatabase<Database>()],
])('a scope on %s', (_, make) => {
  let database: TestDatabase<Database>;
  let db: Kysely<Database>;
  let ofA: TenantDb<Database, typeof tables>;
  beforeAll(async () => {
    database = await make();
    db = database.app;
    for (const statement of schema) await sql.raw(statement).execute(database.owner);
    if (database.kind === 'postgres') {
      await sql`grant select, insert, update, delete on all tables in schema public to tenantry_test_app`.execute(
        database.owner,
      );
    }
    ofA = scope(db, a, tables);
  });
  afterAll(() => database.destroy());

  /** Works as tenant A in a transaction that is rolled back, then looks at what B has. */
  async function asA<Result>(work: (tenant: TenantDb<Database, typeof tables>) => Promise<Result>): Promise<Result> {
    const tx = await db.startTransaction().execute();
    try {
      const before = await stateOfB(tx);
      const result = await work(createScope({ db, tables })(a, { db: tx }));
      expect(await stateOfB(tx)).toEqual(before);
      return result;
    } finally {
      await tx.rollback().execute();
    }
  }
  async function stateOfB(tx: Kysely<Database>): Promise<readonly unknown[]> {
    const { rows } = await sql`
      select to_json(p)::text as row from projects p where tenant_id = ${b}
      union all select to_json(n)::text from notes n where organization_id = ${b}
      union all select to_json(h)::text from handles h where tenant_id = ${b} order by 1`.execute(tx);
    return rows;
  }

  it('keeps the rows that a right or full join makes up to the tenant', async () => {
    const right = await ofA
      .selectFrom('notes')
      .rightJoin('projects', 'projects.id', 'notes.project_id')
      .select(['notes.body', 'projects.name'])
      .orderBy('projects.name')
      .execute();
    expect(right).toEqual([
      { body: 'note of 0', name: 'one of 0' },
      { body: null, name: 'two of 0' },
    ]);
    const full = await ofA
      .selectFrom('notes')
      .fullJoin('projects as p', 'p.id', 'notes.project_id')
      .select(['notes.body', 'p.name'])
      .orderBy('notes.body')
      .execute();
    expect(full).toEqual([
      { body: 'loose of 0', name: null },
      { body: 'note of 0', name: 'one of 0' },
      { body: null, name: 'two of 0' },
    ]);
  });

  it('nests rows as JSON, each of the tenant alone', async () => {
    const rows = await ofA
      .selectFrom('projects')
      .select((eb) => [
        'projects.name',
        jsonArrayFrom(
          eb
            .selectFrom('notes')
            .select('notes.body')
            .whereRef('notes.project_id', '=', 'projects.id')
            .orderBy('notes.id'),
        ).as('notes'),
        jsonObjectFrom(eb.selectFrom('countries').select('code').limit(1)).as('country'),
        jsonBuildObject({ id: eb.ref('projects.id') }).as('object'),
      ])
      .where('projects.id', '=', 1)
      .execute();
    const country = { code: 'CH' };
    expect(rows).toEqual([{ name: 'one of 0', notes: [{ body: 'note of 0' }], country, object: { id: 1 } }]);
  });

  it('inserts what a query gives, with parameters of any type and duplicates removed', async () => {
    const inserted = await asA((tenant) =>
      tenant
        .insertInto('projects')
        .columns(['id', 'name', 'stars'])
        .expression((eb) =>
          eb
            .selectFrom('notes')
            .select((inner) => [
              inner('notes.id', '+', 10).as('id'),
              inner.ref('body').$notNull().as('name'),
              inner.val(5).as('stars'),
            ]),
        )
        .returning(['id', 'name', 'stars', 'tenant_id'])
        .execute(),
    );
    expect(inserted).toEqual([
      { id: 11, name: 'note of 0', stars: 5, tenant_id: a },
      { id: 12, name: 'loose of 0', stars: 5, tenant_id: a },
    ]);
    const united = await asA((tenant) =>
      tenant
        .insertInto('projects')
        .columns(['id', 'name'])
        .expression((eb) =>
          eb
            .selectFrom('projects')
            .select((inner) => [inner('projects.id', '+', 30).as('id'), 'projects.name'])
            .union(
              eb
                .selectFrom('notes')
                .select((inner) => [inner('notes.id', '+', 40).as('id'), inner.ref('body').$notNull().as('name')]),
            ),
        )
        .returning('tenant_id')
        .execute(),
    );
    expect(united).toEqual([1, 2, 3, 4].map(() => ({ tenant_id: a })));
    const distinct = await asA((tenant) =>
      tenant
        .insertInto('projects')
        .columns(['id', 'name'])
        .expression((eb) =>
          eb
            .selectFrom('notes')
            .distinct()
            .select([eb.lit(30).as('id'), eb.cast<string>(eb.val('x'), 'text').as('name')]),
        )
        .returning(['id', 'tenant_id'])
        .execute(),
    );
    expect(distinct).toEqual([{ id: 30, tenant_id: a }]);
  });

  it('leaves a row of another tenant as it is when an upsert meets it by a key unique over all', async () => {
    const met = await asA((tenant) =>
      tenant
        .insertInto('handles')
        .values([{ handle: 'h0' }, { handle: 'h1' }])
        .onConflict((conflict) => conflict.column('handle').doUpdateSet((eb) => ({ hits: eb('handles.hits', '+', 1) })))
        .returning(['handle', 'hits'])
        .execute(),
    );
    expect(met).toEqual([{ handle: 'h0', hits: 1 }]);
  });

  it('writes to the table although a common table expression bears its name', async () => {
    const changed = await asA(async (tenant) => {
      const update = await tenant
        .with('projects', (queries) => queries.selectFrom('notes').select('id'))
        .updateTable('projects')
        .set({ id: 77 })
        .where('id', 'in', (eb) => eb.selectFrom('projects').select('id'))
        .where('id', '=', 1)
        .executeTakeFirstOrThrow();
      const remove = await tenant
        .with('notes', (queries) => queries.selectFrom('projects').select('id'))
        .deleteFrom('notes')
        .executeTakeFirstOrThrow();
      return [update.numUpdatedRows, remove.numDeletedRows];
    });
    expect(changed).toEqual([1n, 2n]);
  });

  it('runs trusted statements, and scopes the tables that are embedded in them', async () => {
    const found = await trusted(
      sql<{ name: string }>`select n.name from ${sql.table('projects')} as n where ${sql.ref('n.id')} = ${2}`,
    ).execute(ofA);
    expect(found.rows).toEqual([{ name: 'two of 0' }]);
    await expect(sql`select name from projects`.execute(ofA)).rejects.toMatchObject({ code: 'raw_sql_unmarked' });
  });

  it('deletes, updates and counts the rows of the tenant alone', async () => {
    const counted = await asA(async (tenant) => {
      const all = await tenant
        .selectFrom('projects')
        .select(tenant.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow();
      const update = await tenant
        .updateTable('projects')
        .set({ name: 'x' })
        .where(trusted(sql<boolean>`id = 1 or true`))
        .executeTakeFirstOrThrow();
      const remove = await tenant
        .deleteFrom('projects')
        .using('projects as p')
        .where(trusted(sql<boolean>`true or false`))
        .executeTakeFirstOrThrow();
      return [Number(all.n), update.numUpdatedRows, remove.numDeletedRows];
    });
    expect(counted).toEqual([2, 2n, 2n]);
  });

  it('locks rows', async () => {
    const locked = await asA((tenant) =>
      tenant.selectFrom('projects').select('id').where('id', '=', 1).forUpdate('projects').skipLocked().execute(),
    );
    expect(locked).toEqual([{ id: 1 }]);
  });

  it('lets PostgreSQL refuse a table without the column where nothing is declared', async () => {
    const all = scope(db, a);
    expect(await all.selectFrom('projects').select('id').orderBy('id').execute()).toEqual([{ id: 1 }, { id: 2 }]);
    for (const query of [all.selectFrom('plain').selectAll(), all.selectFrom('notes').selectAll()]) {
      await expect(query.execute()).rejects.toMatchObject({ code: '42703' });
    }
    await expect(all.insertInto('plain').values({ id: 9 }).execute()).rejects.toMatchObject({ code: '42703' });
    await expect(all.updateTable('plain').set({ id: 9 }).execute()).rejects.toMatchObject({ code: '42703' });
    await expect(all.deleteFrom('plain').execute()).rejects.toMatchObject({ code: '42703' });
    // A subquery does not find the column in the query around it either.
    const inner = all
      .selectFrom('projects')
      .select('id')
      .where((eb) => eb.exists(eb.selectFrom('plain').select('plain.id')));
    await expect(inner.execute()).rejects.toMatchObject({ code: '42703' });
  });

  it('works beneath plugins that rename', async () => {
    type Camel = { notes: { organizationId: string; id: number; projectId: number | null } };
    const camel: Kysely<Camel> = db.$extendTables<Camel>().$pickTables<'notes'>().withPlugin(new CamelCasePlugin());
    const rows = await scope(camel, b, { notes: own({ column: 'organizationId' }) })
      .selectFrom('notes')
      .selectAll()
      .where('projectId', 'is not', null)
      .execute();
    expect(rows).toEqual([{ organizationId: b, id: 1, projectId: 1, body: 'note of 1' }]);
  });
});
