import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { type Loose, s, text } from '../../../tests/support/scoped-queries.ts';
import { trusted } from '../index.ts';

describe('reads', () => {
  it.each([
    [() => s.selectFrom('projects').selectAll(), 'select * from "projects" where "projects"."tenant_id" = $t'],
    [
      () => s.selectFrom('notes as n').select('n.id').where('n.id', '=', 5),
      'select "n"."id" from "notes" as "n" where "n"."organization_id" = $t and "n"."id" = $2',
    ],
    [
      () => s.selectFrom('audit.entries').select('audit.entries.id'),
      'select "audit"."entries"."id" from "audit"."entries" where "audit"."entries"."tenant_id" = $t',
    ],
    [
      () => s.selectFrom(['projects as p', 'notes', 'countries as c']).select('p.id'),
      'select "p"."id" from "projects" as "p", "notes", "countries" as "c" where "p"."tenant_id" = $t and "notes"."organization_id" = $t',
    ],
    [
      () => s.selectFrom(sql.table('notes').as('n')).selectAll(),
      'select * from "notes" as "n" where "n"."organization_id" = $t',
    ],
    [
      () => s.selectFrom(s.dynamic.table('notes').as('n')).selectAll(),
      'select * from "notes" as "n" where "n"."organization_id" = $t',
    ],
    [() => s.selectFrom('countries').selectAll(), 'select * from "countries"'],
    [() => s.selectNoFrom((eb: Loose) => eb.val(1).as('one')), 'select $1 as "one"'],
  ])('puts the tenant on every table of FROM %#', (query, expected) => {
    expect(text(query())).toBe(expected);
  });

  it('keeps a condition with OR in parentheses', () => {
    const either = s
      .selectFrom('projects')
      .select('id')
      .where((eb: Loose) => eb.or([eb('id', '=', 1), eb('id', '=', 2)]));
    expect(text(either)).toBe(
      'select "id" from "projects" where "projects"."tenant_id" = $t and ("id" = $2 or "id" = $3)',
    );
    const raw = s.selectFrom('projects').select('id').where(trusted(sql<boolean>`id = 1 or true`));
    expect(text(raw)).toBe('select "id" from "projects" where "projects"."tenant_id" = $t and (id = 1 or true)');
  });

  it('writes the predicate of inner, left and cross joins beside the table', () => {
    const query = s
      .selectFrom('projects as p')
      .innerJoin('notes as n', 'n.project_id', 'p.id')
      .leftJoin('calls', (on: Loose) => on.on((eb: Loose) => eb.or([eb('calls.id', '=', 1), eb('calls.id', '=', 2)])))
      .leftJoinLateral(
        (eb: Loose) => eb.selectFrom('audit.entries as e').selectAll().as('e'),
        (on: Loose) => on.onTrue(),
      )
      .crossJoin('audit.entries as x')
      .select('p.id');
    expect(text(query)).toBe(
      'select "p"."id" from "projects" as "p"' +
        ' inner join "notes" as "n" on "n"."organization_id" = $t and "n"."project_id" = "p"."id"' +
        ' left join "calls" on "calls"."tenant_id" = $t and ("calls"."id" = $3 or "calls"."id" = $4)' +
        ' left join lateral (select * from "audit"."entries" as "e" where "e"."tenant_id" = $t) as "e" on true' +
        ' cross join "audit"."entries" as "x"' +
        ' where "p"."tenant_id" = $t and "x"."tenant_id" = $t',
    );
  });

  it('turns every table into the rows of the tenant where a right or full join may make rows up', () => {
    const query = s
      .selectFrom('projects')
      .fullJoin('audit.entries', 'audit.entries.project_id', 'projects.id')
      .innerJoin('countries as c', 'c.id', 'audit.entries.country_id')
      .select(['audit.entries.id', 'projects.name'])
      .where('audit.entries.id', '>', 1);
    expect(text(query)).toBe(
      'select "entries"."id", "projects"."name"' +
        ' from (select * from "projects" where "projects"."tenant_id" = $t) as "projects"' +
        ' full join (select * from "audit"."entries" where "audit"."entries"."tenant_id" = $t) as "entries"' +
        ' on "entries"."project_id" = "projects"."id"' +
        ' inner join "countries" as "c" on "c"."id" = "entries"."country_id" where "entries"."id" > $3',
    );
  });

  it('reaches subqueries wherever they stand', () => {
    const inner = (eb: Loose): Loose => eb.selectFrom('notes').select('id');
    const query = s
      .selectFrom((eb: Loose) => inner(eb).as('f'))
      .select((eb: Loose) => [
        inner(eb).as('a'),
        eb.fn
          .max(inner(eb))
          .over((o: Loose) => o.partitionBy('f.id'))
          .as('b'),
      ])
      .select((eb: Loose) =>
        eb
          .case()
          .when(eb.exists(inner(eb)))
          .then(1)
          .else(inner(eb))
          .end()
          .as('c'),
      )
      .where('f.id', 'in', inner)
      .groupBy((eb: Loose) => inner(eb))
      .having((eb: Loose) => eb(inner(eb), '>', 1))
      .orderBy((eb: Loose) => inner(eb), 'desc')
      .distinctOn((eb: Loose) => inner(eb));
    const compiled = text(query);
    expect(compiled.match(/from "notes"/g)).toHaveLength(10);
    expect(compiled.match(/from "notes" where "notes"\."organization_id" = \$t/g)).toHaveLength(10);
  });

  it('scopes each arm of a set operation', () => {
    const query = s
      .selectFrom('projects')
      .select('id')
      .unionAll(s.selectFrom('notes').select('id'))
      .except((eb: Loose) => eb.selectFrom('calls').select('id'));
    expect(text(query)).toBe(
      'select "id" from "projects" where "projects"."tenant_id" = $t' +
        ' union all select "id" from "notes" where "notes"."organization_id" = $t' +
        ' except select "id" from "calls" where "calls"."tenant_id" = $t',
    );
  });

  it('explains and locks', () => {
    const query = s.selectFrom('projects').select('id').forUpdate(['projects']).skipLocked();
    expect(text(query)).toBe(
      'select "id" from "projects" where "projects"."tenant_id" = $t for update of "projects" skip locked',
    );
  });
});

describe('common table expressions', () => {
  it('takes the name for the table before it is defined, and for the expression after', () => {
    const query = s
      .with('projects', (qc: Loose) => qc.selectFrom('projects').selectAll())
      .with('notes', (qc: Loose) => qc.selectFrom('projects').selectAll())
      .selectFrom('projects')
      .innerJoin('notes', 'notes.id', 'projects.id')
      .selectAll();
    expect(text(query)).toBe(
      'with "projects" as (select * from "projects" where "projects"."tenant_id" = $t),' +
        ' "notes" as (select * from "projects")' +
        ' select * from "projects" inner join "notes" on "notes"."id" = "projects"."id"',
    );
  });

  it('takes every name for the expression under RECURSIVE', () => {
    const query = s
      .withRecursive('tree', (qc: Loose) =>
        qc
          .selectFrom('projects')
          .select(['id', 'parent_id'])
          .unionAll((eb: Loose) =>
            eb.selectFrom('projects as p').innerJoin('tree', 'tree.id', 'p.parent_id').select(['p.id', 'p.parent_id']),
          ),
      )
      .selectFrom('tree')
      .selectAll();
    expect(text(query)).toBe(
      'with recursive "tree" as (select "id", "parent_id" from "projects" where "projects"."tenant_id" = $t' +
        ' union all select "p"."id", "p"."parent_id" from "projects" as "p"' +
        ' inner join "tree" on "tree"."id" = "p"."parent_id" where "p"."tenant_id" = $t) select * from "tree"',
    );
  });

  it('forgets a name outside of its query', () => {
    const query = s
      .selectFrom((eb: Loose) =>
        s
          .with('notes', () => eb.selectFrom('projects').selectAll())
          .selectFrom('notes')
          .selectAll()
          .as('n'),
      )
      .innerJoin('notes', 'notes.id', 'n.id')
      .selectAll();
    expect(text(query)).toBe(
      'select * from (with "notes" as (select * from "projects" where "projects"."tenant_id" = $t)' +
        ' select * from "notes") as "n"' +
        ' inner join "notes" on "notes"."organization_id" = $t and "notes"."id" = "n"."id"',
    );
  });

  it('never takes a name with a schema for an expression', () => {
    const query = s
      .with('entries', (qc: Loose) => qc.selectFrom('notes').selectAll())
      .selectFrom('audit.entries')
      .selectAll();
    expect(text(query)).toContain('select * from "audit"."entries" where "audit"."entries"."tenant_id" = $t');
  });

  it('sees a query of the scope itself with the names of where it stands', () => {
    const query = s
      .with('notes', (qc: Loose) => qc.selectFrom('projects').select('id'))
      .selectFrom('projects')
      .select('id')
      .where('id', 'in', s.selectFrom('notes').select('id'));
    expect(text(query)).toBe(
      'with "notes" as (select "id" from "projects" where "projects"."tenant_id" = $t)' +
        ' select "id" from "projects" where "projects"."tenant_id" = $t and "id" in (select "id" from "notes")',
    );
  });

  it('scopes writes in them, and a target is always the table', () => {
    const query = s
      .with('notes', (qc: Loose) => qc.selectFrom('projects').selectAll())
      .with('gone', (qc: Loose) => qc.deleteFrom('notes').where('id', '=', 1).returning('id'))
      .updateTable('notes')
      .set({ body: 'x' })
      .where('id', 'in', (eb: Loose) => eb.selectFrom('gone').select('id'));
    expect(text(query)).toBe(
      'with "notes" as (select * from "projects" where "projects"."tenant_id" = $t),' +
        ' "gone" as (delete from "notes" where "notes"."organization_id" = $t and "id" = $3 returning "id")' +
        ' update "notes" set "body" = $4 where "notes"."organization_id" = $t and "id" in (select "id" from "gone")',
    );
  });
});
