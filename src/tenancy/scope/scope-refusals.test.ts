import { CamelCasePlugin, DeduplicateJoinsPlugin, RawNode, sql } from 'kysely';
import { jsonArrayFrom, jsonBuildObject, jsonObjectFrom } from 'kysely/helpers/postgres';
import { describe, expect, it } from 'vitest';
import {
  db,
  type Loose,
  otherId,
  refusal,
  s,
  scoped,
  tables,
  tenantId,
  text,
} from '../../../tests/support/scoped-queries.ts';
import { createScope, own, trusted } from '../index.ts';

describe('raw SQL', () => {
  const one = sql`1`;

  it('passes only with the mark', () => {
    const places: ((raw: Loose) => Loose)[] = [
      (raw) => s.selectFrom('notes').select(raw.as('x')),
      (raw) => s.selectFrom('notes').selectAll().where(raw),
      (raw) => s.selectFrom('notes').selectAll().where('id', raw, 1),
      (raw) => s.selectFrom('notes').selectAll().orderBy(raw),
      (raw) => s.selectFrom('notes').selectAll().groupBy(raw),
      (raw) => s.selectFrom('notes').selectAll().modifyEnd(raw),
      (raw) => s.selectFrom(raw.as('x')).selectAll(),
      (raw) =>
        s
          .with('x', () => raw)
          .selectFrom('x')
          .selectAll(),
      (raw) => s.insertInto('notes').values({ id: raw }),
      (raw) =>
        s
          .insertInto('notes')
          .values({ id: 1 })
          .onConflict((oc: Loose) => oc.expression(raw).doNothing()),
      (raw) => s.updateTable('notes').set({ id: raw }),
      (raw) => s.deleteFrom('notes').where('id', '=', raw),
      (raw) => s.selectFrom('notes').select((eb: Loose) => eb.cast('id', raw).as('x')),
      (raw) => raw,
    ];
    for (const place of places) {
      expect(refusal(() => place(one))).toBe('raw_sql_unmarked');
      expect(refusal(() => place(sql.raw('1')))).toBe('raw_sql_unmarked');
      expect(refusal(() => place(sql`coalesce(${1}, ${sql`2`})`))).toBe('raw_sql_unmarked');
      expect(refusal(() => place(trusted(one)))).toBe('none');
    }
  });

  it('is scoped where queries and tables are embedded in it', () => {
    const raw = trusted(
      sql`select * from ${sql.table('notes')} n join ${db.selectFrom('projects').selectAll()} p using (id), ${sql.table('countries')}
        where ${sql.ref('n.id')} = ${sql.val(3)} ${sql`order by ${sql.id('n', 'id')}`}`,
    );
    expect(text(raw)).toBe(
      'select * from (select * from "notes" where "notes"."organization_id" = $t) n' +
        ' join (select * from "projects" where "projects"."tenant_id" = $t) p using (id), "countries"' +
        '\n        where "n"."id" = $3 order by "n"."id"',
    );
    expect(refusal(() => trusted(sql`select * from ${sql.table('users')} u`))).toBe('table_unknown');
    expect(refusal(() => trusted(sql`select ${db.selectFrom('notes').select(one.as('x'))}`))).toBe('raw_sql_unmarked');
  });

  it('needs no mark where Kysely itself writes it', () => {
    const query = s
      .selectFrom('notes')
      .innerJoin('projects', (on: Loose) => on.onTrue())
      .select([sql.ref('notes.id').as('a'), sql.lit('x').as('b'), sql.val(1).as('c'), sql.id('notes', 'id').as('d')])
      .orderBy('notes.id', 'desc')
      .orderBy('notes.body', (ob: Loose) => ob.asc().nullsLast())
      .where(sql.ref('notes.id'), 'in', sql.join([1, sql.val(2)]));
    expect(refusal(() => query)).toBe('none');
  });

  it('needs no mark for the JSON helpers, whose queries are scoped', () => {
    const query = s
      .selectFrom('projects')
      .select((eb: Loose) => [
        jsonArrayFrom(eb.selectFrom('notes').select('id')).as('notes'),
        jsonObjectFrom(eb.selectFrom('calls').select('id').limit(1)).as('call'),
        jsonBuildObject({ id: eb.ref('projects.id'), calls: eb.selectFrom('calls').select('id') }).as('object'),
      ]);
    expect(text(query)).toBe(
      `select (select coalesce(json_agg(agg), '[]')` +
        ' from (select "id" from "notes" where "notes"."organization_id" = $t) as agg) as "notes",' +
        ' (select to_json(obj) from (select "id" from "calls" where "calls"."tenant_id" = $t limit $3) as obj) as "call",' +
        ` json_build_object('id', "projects"."id", 'calls', (select "id" from "calls" where "calls"."tenant_id" = $t))` +
        ' as "object" from "projects" where "projects"."tenant_id" = $t',
    );
    const notes: Loose = sql.table('notes');
    expect(text(s.selectNoFrom(jsonArrayFrom(notes).as('x')))).toBe(
      `select (select coalesce(json_agg(agg), '[]')` +
        ' from (select * from "notes" where "notes"."organization_id" = $t) as agg) as "x"',
    );
    for (const name of [sql.id('notes'), sql.id('public', 'notes'), sql.join([sql.id('notes')])]) {
      const hidden: Loose = name;
      expect(refusal(() => s.selectNoFrom(jsonArrayFrom(hidden).as('x')))).toBe('scope_unsupported');
    }
  });

  it('names no table that is read from', () => {
    expect(refusal(() => s.selectFrom(sql.id('notes').as('n')).selectAll())).toBe('scope_unsupported');
    expect(refusal(() => s.selectFrom(sql.id('public', 'notes').as('n')).selectAll())).toBe('raw_sql_unmarked');
    const list = sql.join([sql.table('notes'), sql.table('projects')]);
    expect(refusal(() => s.selectFrom(list.as('n')).selectAll())).toBe('raw_sql_unmarked');
    expect(refusal(() => s.selectFrom(sql.table('notes').as(trusted(sql`n(a, b)`) as Loose)).selectAll())).toBe(
      'scope_unsupported',
    );
  });

  it('may be used for one tenant after another', () => {
    const raw = trusted(sql`select 1`);
    expect(raw.compile(s).sql).toBe('select 1');
    expect(raw.compile(scoped({ tenantId: otherId })).sql).toBe('select 1');
    expect(raw.compile(db).sql).toBe('select 1');
  });
});

describe('tables', () => {
  it('refuses those that are not declared, and those of the system and the library', () => {
    for (const name of ['users', 'public.notes', 'entries', 'pg_catalog.pg_class', 'tenantry.tenants']) {
      expect(refusal(() => s.selectFrom(name).selectAll())).toBe('table_unknown');
      expect(refusal(() => s.insertInto(name).values({ id: 1 }))).toBe('table_unknown');
      expect(refusal(() => s.updateTable(name).set({ id: 1 }))).toBe('table_unknown');
      expect(refusal(() => s.deleteFrom(name))).toBe('table_unknown');
    }
  });

  it('are all a tenant’s own where none is declared, but for those of the system and the library', () => {
    const all = scoped({ tables: undefined });
    expect(text(all.selectFrom('public.users').selectAll(), all)).toBe(
      'select * from "public"."users" where "public"."users"."tenant_id" = $t',
    );
    for (const name of ['pg_catalog.pg_class', 'pg_temp.x', 'information_schema.tables', 'tenantry.tenants']) {
      expect(refusal(() => all.selectFrom(name).selectAll())).toBe('table_unknown');
    }
  });

  it('must be declared in a way that can hold', () => {
    const declare = (declared: Loose) => () => createScope({ db, tables: declared });
    for (const name of ['tenantry.tenants', 'pg_catalog.pg_class', 'a.b.c', '', 'a.']) {
      expect(declare({ [name]: own() })).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    }
    expect(declare({ notes: own({ column: '' }) })).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });
});

describe('what is not known to be safe', () => {
  it('is refused', () => {
    const queries: (() => Loose)[] = [
      () =>
        s
          .with('x', (qc: Loose) => qc.selectFrom('notes').selectAll())
          .mergeInto('notes')
          .using('x', 'x.id', 'notes.id')
          .whenMatched()
          .thenDelete(),
      () =>
        s
          .with('x', (qc: Loose) => qc.selectFrom('notes').selectAll())
          .replaceInto('notes')
          .values({ id: 1 }),
      () => s.insertInto('notes').values({ id: 1 }).orIgnore(),
      () => s.insertInto('notes').values({ id: 1 }).onDuplicateKeyUpdate({ id: 1 }),
      () => s.insertInto('notes').values({ id: 1 }).output('inserted.id'),
      () => s.selectFrom('notes').selectAll().top(1),
      () => s.deleteFrom(['notes', 'projects']),
      () => s.updateTable(['notes', 'projects']).set({ id: 1 }),
      () =>
        s
          .selectFrom('notes')
          .crossApply((eb: Loose) => eb.selectFrom('calls').selectAll().as('c'))
          .selectAll(),
      () =>
        s
          .selectFrom('notes')
          .selectAll()
          .where(node({ kind: 'FutureNode' })),
      () =>
        s
          .selectFrom('notes')
          .selectAll()
          .where(node({ kind: 'ParensNode', node: sql.lit(1).toOperationNode(), future: {} })),
      () =>
        s
          .selectFrom('notes')
          .selectAll()
          .where(node({ kind: 'ParensNode', node: 'malformed' })),
      () =>
        s
          .selectFrom('notes')
          .selectAll()
          .where(node({ kind: 'FromNode', froms: [] })),
    ];
    for (const query of queries) expect(refusal(query)).toBe('scope_unsupported');
  });

  it('includes functions that run SQL of their own, and names that are none', () => {
    const call = (name: string) => () => s.selectNoFrom((eb: Loose) => eb.fn(name, [eb.val('x')]).as('x'));
    for (const name of ['query_to_xml', 'pg_catalog.SET_CONFIG', 'dblink', 'lower(1) from notes --', '"quoted"', '']) {
      expect(refusal(call(name))).toBe('scope_unsupported');
    }
    expect(refusal(() => s.selectFrom('notes').select((eb: Loose) => eb.fn.agg('x) from notes', ['id']).as('x')))).toBe(
      'scope_unsupported',
    );
    for (const name of ['lower', 'app.my_function']) expect(refusal(call(name))).toBe('none');
  });

  function node(plain: Loose): Loose {
    return { expressionType: undefined, toOperationNode: () => plain };
  }
});

describe('the border', () => {
  it('offers queries and nothing that leaves the tenant', () => {
    expect(Object.keys(s).toSorted()).toEqual([
      'deleteFrom',
      'dynamic',
      'fn',
      'getExecutor',
      'insertInto',
      'selectFrom',
      'selectNoFrom',
      'tenantId',
      'updateTable',
      'with',
      'withRecursive',
    ]);
  });

  it('stays when plugins are taken away or a schema is set', () => {
    const further = s.with('x', (qc: Loose) => qc.selectFrom('notes').selectAll());
    expect(text(further.withoutPlugins().selectFrom('projects').selectAll())).toContain('"projects"."tenant_id" = $t');
    expect(refusal(() => further.withSchema('other').selectFrom('projects').selectAll())).toBe('table_unknown');
    const bare = sql`select 1`.withPlugin(new CamelCasePlugin());
    expect(refusal(() => bare)).toBe('raw_sql_unmarked');
  });

  it('runs no query that was compiled elsewhere, and hands out no connection', () => {
    const executor = s.getExecutor();
    const elsewhere = db.selectFrom('notes').selectAll().compile();
    const inside = s.selectFrom('notes').selectAll().compile();
    expect(() => executor.executeQuery(elsewhere)).toThrow(expect.objectContaining({ code: 'scope_unsupported' }));
    expect(() => executor.withoutPlugins().stream(elsewhere, 1)).toThrow(
      expect.objectContaining({ code: 'scope_unsupported' }),
    );
    expect(() => executor.provideConnection()).toThrow(expect.objectContaining({ code: 'scope_unsupported' }));
    expect(() => scoped({ tenantId: otherId }).getExecutor().executeQuery(inside)).toThrow(
      expect.objectContaining({ code: 'tenant_mismatch' }),
    );
    const altered = { ...inside, query: { ...inside.query, where: undefined } };
    expect(() => executor.executeQuery(altered)).toThrow(expect.objectContaining({ code: 'scope_unsupported' }));
    return expect(executor.executeQuery(inside)).resolves.toMatchObject({ rows: [] });
  });

  it('scopes queries that were built outside, and refuses those of another tenant', () => {
    const embed = (inner: Loose): Loose => s.selectFrom('projects').select('id').where('id', 'in', inner);
    expect(text(embed(db.selectFrom('notes').select('id')))).toContain('"notes"."organization_id" = $t');
    expect(text(embed(s.selectFrom('notes').select('id')))).toBe(
      'select "id" from "projects" where "projects"."tenant_id" = $t' +
        ' and "id" in (select "id" from "notes" where "notes"."organization_id" = $t)',
    );
    const other = scoped({ tenantId: otherId });
    expect(refusal(() => embed(other.selectFrom('notes').select('id')))).toBe('tenant_mismatch');
  });

  it('is not made without a tenant', () => {
    for (const missing of ['', undefined, null]) {
      expect(() => createScope({ db })(missing as Loose)).toThrow(expect.objectContaining({ code: 'tenant_required' }));
    }
    for (const wrong of ['acme', `${tenantId} or true`, 7, {}]) {
      expect(() => createScope({ db })(wrong as Loose)).toThrow(expect.objectContaining({ code: 'tenant_not_found' }));
    }
    expect(createScope({ db })(tenantId.toUpperCase()).tenantId).toBe(tenantId);
  });
});

describe('plugins of the handle', () => {
  it('may rename: tables are declared by the names of the types', () => {
    const declared = { projectNotes: own({ column: 'tenantId' }), 'audit.logEntries': own({ column: 'tenantId' }) };
    const camel = scoped({ tables: declared, plugins: [new CamelCasePlugin()] });
    const insert = (queries: Loose): Loose =>
      queries
        .insertInto('projectNotes')
        .columns(['id'])
        .expression((eb: Loose) => eb.selectFrom('audit.logEntries').select('entryId'))
        .returning('id');
    expect(text(camel.with('x', insert).selectFrom('x').select('id'), camel)).toBe(
      'with "x" as (insert into "project_notes" ("id", "tenant_id")' +
        ' select "entry_id", cast($t as uuid) as "tenant_id" from "audit"."log_entries"' +
        ' where "audit"."log_entries"."tenant_id" = $t returning "id") select "id" from "x"',
    );
    // The plugin copies what the scope has scoped already: it is scoped once more.
    expect(
      refusal(() =>
        camel
          .with('x', () => insert(camel))
          .selectFrom('x')
          .select('id'),
      ),
    ).toBe('none');
    expect(refusal(() => camel.selectFrom('project_notes_x').selectAll())).toBe('table_unknown');
    expect(text(camel.selectFrom('projectNotes').selectAll().where(trusted(sql`true`)), camel)).toContain('and (true)');
  });

  it('may set a schema', () => {
    const handle = db.withSchema('app').withPlugin(new DeduplicateJoinsPlugin());
    const query = createScope<Loose, Loose>({ db: handle, tables })(tenantId).selectFrom('notes').selectAll();
    expect(text(query)).toBe('select * from "app"."notes" where "app"."notes"."organization_id" = $t');
  });
});

it('keeps the mark of trusted SQL out of what is sent', () => {
  const node = trusted(sql`1`).toOperationNode();
  expect(RawNode.is(node) && node.sqlFragments).toEqual(['', '', '']);
  expect(trusted(sql`1`).compile(db).sql).toBe('1');
});
