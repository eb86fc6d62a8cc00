import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { type Loose, otherId, refusal, s, tenantId, text } from '../../../tests/support/scoped-queries.ts';
import { trusted } from '../index.ts';

describe('inserts', () => {
  it('stamps the tenant on every row', () => {
    expect(text(s.insertInto('projects').values([{ id: 1 }, { id: 2, name: 'b' }]))).toBe(
      'insert into "projects" ("id", "name", "tenant_id") values ($1, default, $t), ($3, $4, $t)',
    );
    expect(
      text(
        s
          .insertInto('notes')
          .values({ id: 1, body: sql.val('x') })
          .returningAll(),
      ),
    ).toBe('insert into "notes" ("id", "body", "organization_id") values ($1, $2, $t) returning *');
    expect(text(s.insertInto('projects').defaultValues())).toBe('insert into "projects" ("tenant_id") values ($t)');
    expect(text(s.insertInto('projects').values({}))).toBe('insert into "projects" ("tenant_id") values ($t)');
  });

  it('stamps what a query gives', () => {
    const select = (eb: Loose): Loose => eb.selectFrom('notes').select(['id', 'body']);
    const insert = s.insertInto('projects').columns(['id', 'name']);
    expect(text(insert.expression(select))).toBe(
      'insert into "projects" ("id", "name", "tenant_id") select "id", "body", cast($t as uuid) as "tenant_id"' +
        ' from "notes" where "notes"."organization_id" = $t',
    );
    expect(text(insert.expression((eb: Loose) => select(eb).union(select(eb))))).toBe(
      'insert into "projects" ("id", "name", "tenant_id") select "s".*, cast($t as uuid) as "tenant_id" from' +
        ' (select "id", "body" from "notes" where "notes"."organization_id" = $t' +
        ' union select "id", "body" from "notes" where "notes"."organization_id" = $t) as "s"',
    );
    expect(text(insert.expression(trusted(sql`values (1, 'a')`)))).toBe(
      'insert into "projects" ("id", "name", "tenant_id") select "s".*, cast($t as uuid) as "tenant_id"' +
        ` from (values (1, 'a')) as "s"`,
    );
    expect(refusal(() => s.insertInto('projects').expression(select))).toBe('scope_unsupported');
  });

  it('takes the own tenant where it is named', () => {
    const named = [{ tenant_id: tenantId }, { tenant_id: tenantId.toUpperCase() }, { tenant_id: sql.val(tenantId) }];
    for (const row of named) expect(refusal(() => s.insertInto('projects').values({ id: 1, ...row }))).toBe('none');
    expect(text(s.insertInto('projects').values([{ id: 1, tenant_id: tenantId }, { id: 2 }]))).toBe(
      'insert into "projects" ("id", "tenant_id") values ($1, $t), ($3, $t)',
    );
    const query = (eb: Loose): Loose =>
      eb
        .selectFrom('notes')
        .selectAll()
        .select(eb.cast(eb.val(tenantId), 'uuid').as('t'));
    expect(refusal(() => s.insertInto('projects').columns(['id', 'tenant_id']).expression(query))).toBe('none');
  });

  it('refuses another tenant, and a tenant that cannot be read from the query', () => {
    const insert = (row: Loose) => () => s.insertInto('projects').values([{ id: 1, ...row }]);
    expect(refusal(insert({ tenant_id: otherId }))).toBe('tenant_mismatch');
    expect(refusal(insert({ tenant_id: otherId, name: sql.val('x') }))).toBe('tenant_mismatch');
    expect(refusal(insert({ tenant_id: null }))).toBe('tenant_mismatch');
    expect(refusal(insert({ tenant_id: trusted(sql`gen_random_uuid()`) }))).toBe('scope_unsupported');
    expect(refusal(insert({ tenant_id: (eb: Loose) => eb.selectFrom('notes').select('organization_id') }))).toBe(
      'scope_unsupported',
    );
    const from = (tenant: Loose, at: string[]) => () =>
      s
        .insertInto('projects')
        .columns(at)
        .expression((eb: Loose) => eb.selectFrom('notes').select([tenant(eb).as('t'), 'id']));
    expect(refusal(from((eb: Loose) => eb.val(otherId), ['tenant_id', 'id']))).toBe('tenant_mismatch');
    expect(refusal(from((eb: Loose) => eb.val(tenantId), ['tenant_id', 'id']))).toBe('none');
    expect(refusal(from((eb: Loose) => eb.val(tenantId), ['id', 'tenant_id']))).toBe('scope_unsupported');
  });

  it('keeps an upsert to the rows of the tenant', () => {
    const insert = s.insertInto('notes').values({ id: 1 });
    expect(text(insert.onConflict((oc: Loose) => oc.column('id').doUpdateSet({ body: 'x' })))).toBe(
      'insert into "notes" ("id", "organization_id") values ($1, $t)' +
        ' on conflict ("id") do update set "body" = $3 where "notes"."organization_id" = $t',
    );
    const either = (eb: Loose): Loose => eb.or([eb('notes.id', '=', 1), eb('excluded.id', '=', 2)]);
    const guarded = insert.onConflict((oc: Loose) =>
      oc
        .constraint('notes_pkey')
        .doUpdateSet({ body: (eb: Loose) => eb.selectFrom('calls').select('id') })
        .where(either),
    );
    expect(text(guarded)).toBe(
      'insert into "notes" ("id", "organization_id") values ($1, $t) on conflict on constraint "notes_pkey"' +
        ' do update set "body" = (select "id" from "calls" where "calls"."tenant_id" = $t)' +
        ' where "notes"."organization_id" = $t and ("notes"."id" = $5 or "excluded"."id" = $6)',
    );
    expect(text(insert.onConflict((oc: Loose) => oc.doNothing()))).toContain(' on conflict do nothing');
  });
});

describe('updates and deletes', () => {
  it('keeps the rows that are written and those that are read to the tenant', () => {
    const update = s
      .updateTable('projects as p')
      .from('notes as n')
      .leftJoin('calls', 'calls.id', 'n.id')
      .set({ name: (eb: Loose) => eb.selectFrom('calls as c').select('c.id') })
      .whereRef('n.project_id', '=', 'p.id')
      .returning((eb: Loose) => eb.selectFrom('notes').select('id').as('x'));
    expect(text(update)).toBe(
      'update "projects" as "p" set "name" = (select "c"."id" from "calls" as "c" where "c"."tenant_id" = $t)' +
        ' from "notes" as "n" left join "calls" on "calls"."tenant_id" = $t and "calls"."id" = "n"."id"' +
        ' where "p"."tenant_id" = $t and "n"."organization_id" = $t and "n"."project_id" = "p"."id"' +
        ' returning (select "id" from "notes" where "notes"."organization_id" = $t) as "x"',
    );
    const remove = s
      .deleteFrom('audit.entries')
      .using(['notes', 'countries'])
      .rightJoin('calls', 'calls.id', 'notes.id')
      .whereRef('notes.id', '=', 'audit.entries.id');
    expect(text(remove)).toBe(
      'delete from "audit"."entries" using' +
        ' (select * from "notes" where "notes"."organization_id" = $t) as "notes", "countries"' +
        ' right join (select * from "calls" where "calls"."tenant_id" = $t) as "calls" on "calls"."id" = "notes"."id"' +
        ' where "audit"."entries"."tenant_id" = $t and "notes"."id" = "audit"."entries"."id"',
    );
    expect(text(s.deleteFrom('calls as c').using(['notes as n', 'countries']).whereRef('n.id', '=', 'c.id'))).toBe(
      'delete from "calls" as "c" using "notes" as "n", "countries"' +
        ' where "c"."tenant_id" = $t and "n"."organization_id" = $t and "n"."id" = "c"."id"',
    );
    expect(text(s.deleteFrom('notes'))).toBe('delete from "notes" where "notes"."organization_id" = $t');
  });

  it('never sets the column that holds the tenant', () => {
    const update = s.updateTable('notes');
    const sets: (() => Loose)[] = [
      () => update.set({ organization_id: tenantId }),
      () => update.set('organization_id', otherId),
      () => update.set((eb: Loose) => ({ organization_id: eb.val(tenantId) })),
      () => update.set('notes.organization_id', otherId),
      () => update.set(sql.ref('organization_id'), otherId),
      () => update.set('organization_id.part', otherId),
      () =>
        s
          .insertInto('notes')
          .values({ id: 1 })
          .onConflict((oc: Loose) => oc.column('id').doUpdateSet({ organization_id: otherId })),
    ];
    for (const set of sets) expect(refusal(set)).toBe('tenant_column_write');
    expect(refusal(() => update.set(trusted(sql`organization_id`), otherId))).toBe('scope_unsupported');
    expect(refusal(() => update.set({ tenant_id: 'a column like any other here' }))).toBe('none');
  });
});

it('writes to shared tables only where they are declared writable', () => {
  expect(refusal(() => s.insertInto('countries').values({ id: 1 }))).toBe('scope_unsupported');
  expect(refusal(() => s.updateTable('countries').set({ name: 'x' }))).toBe('scope_unsupported');
  expect(refusal(() => s.deleteFrom('countries'))).toBe('scope_unsupported');
  expect(
    text(
      s
        .updateTable('prices')
        .set({ amount: 1 })
        .where('id', 'in', (eb: Loose) => eb.selectFrom('notes').select('id')),
    ),
  ).toBe(
    'update "prices" set "amount" = $1 where "id" in (select "id" from "notes" where "notes"."organization_id" = $t)',
  );
  const upsert = s
    .insertInto('prices')
    .values({ id: 1 })
    .onConflict((oc: Loose) => oc.column('id').doUpdateSet({ amount: 1 }));
  expect(text(upsert)).toBe('insert into "prices" ("id") values ($1) on conflict ("id") do update set "amount" = $2');
});
