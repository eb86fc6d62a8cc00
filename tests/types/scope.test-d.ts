import type { Generated, Kysely, Transaction } from 'kysely';
import { sql } from 'kysely';
import {
  createScope,
  createTransaction,
  defineTables,
  own,
  scope,
  shared,
  type TenantDb,
  type TenantTransaction,
  transaction,
  trusted,
} from 'tenantry/tenancy';
import { describe, expectTypeOf, it } from 'vitest';

interface Database {
  projects: { tenant_id: string; id: Generated<number>; name: string };
  notes: { organization_id: string; id: number; body: string | null };
  countries: { code: string; name: string };
  prices: { id: number; amount: number };
  'audit.entries': { tenant_id: string; id: number };
  'tenantry.tenants': { tenant_id: string; name: string };
}
declare const db: Kysely<Database>;
declare const tx: Transaction<Database>;
const tables = defineTables({
  projects: own(),
  notes: own({ column: 'organization_id' }),
  countries: shared(),
  prices: shared({ writable: true }),
});
const tenant = scope(db, 'id', tables);

describe('a scope', () => {
  it('selects as always', async () => {
    const rows = await tenant
      .selectFrom('projects as p')
      .leftJoin('notes', 'notes.id', 'p.id')
      .select(['p.id', 'notes.body', 'p.tenant_id'])
      .execute();
    expectTypeOf(rows).toEqualTypeOf<{ id: number; body: string | null; tenant_id: string }[]>();
    const [row] = await tenant
      .with('names', (queries) => queries.selectFrom('countries').select('name'))
      .selectFrom('names')
      .select(({ fn }) => fn.count<number>('name').as('n'))
      .execute();
    expectTypeOf(row).toEqualTypeOf<{ n: number } | undefined>();
    expectTypeOf(trusted(sql<boolean>`true`).execute(tenant))
      .resolves.toHaveProperty('rows')
      .toEqualTypeOf<boolean[]>();
  });

  it('takes the tenant of a new row or leaves it out, and never sets it', () => {
    tenant.insertInto('projects').values({ name: 'a' });
    tenant.insertInto('projects').values({ name: 'a', tenant_id: 'id' });
    tenant.insertInto('notes').values([{ id: 1 }, { id: 2, body: 'x', organization_id: 'id' }]);
    // @ts-expect-error A name is needed.
    tenant.insertInto('projects').values({ tenant_id: 'id' });
    tenant.updateTable('projects').set({ name: 'b' });
    // @ts-expect-error The tenant of a row never changes.
    tenant.updateTable('projects').set({ tenant_id: 'id' });
    // @ts-expect-error The tenant of a row never changes.
    tenant.updateTable('notes').set('organization_id', 'id');
    tenant
      .insertInto('notes')
      .values({ id: 1 })
      .onConflict((conflict) =>
        // @ts-expect-error The tenant of a row never changes.
        conflict.column('id').doUpdateSet({ organization_id: 'id' }),
      );
  });

  it('knows the declared tables alone', () => {
    expectTypeOf(tenant).toEqualTypeOf<TenantDb<Database, typeof tables>>();
    // @ts-expect-error It is not declared.
    tenant.selectFrom('audit.entries');
    // @ts-expect-error There is none of this name.
    tenant.selectFrom('users');
    // @ts-expect-error It is not declared.
    tenant.deleteFrom('tenantry.tenants');
  });

  it('writes to shared tables only where they are writable', () => {
    // @ts-expect-error Countries are read only.
    tenant.insertInto('countries').values({ code: 'CH', name: 'Schweiz' });
    // @ts-expect-error Countries are read only.
    tenant.updateTable('countries').set({ name: 'Schweiz' });
    tenant.insertInto('prices').values({ id: 1, amount: 2 });
    expectTypeOf(tenant.selectFrom('countries').selectAll().execute()).resolves.toEqualTypeOf<
      { code: string; name: string }[]
    >();
  });

  it('knows all tables of the application where none is declared', () => {
    const all = scope(db, 'id');
    all.insertInto('projects').values({ name: 'a' });
    all.selectFrom('audit.entries');
    // @ts-expect-error What the library keeps is not the application's.
    all.selectFrom('tenantry.tenants');
  });

  it('offers nothing that leaves the tenant', () => {
    expectTypeOf(tenant).not.toHaveProperty('withoutPlugins');
    expectTypeOf(tenant).not.toHaveProperty('withSchema');
    expectTypeOf(tenant).not.toHaveProperty('schema');
    expectTypeOf(tenant).not.toHaveProperty('transaction');
    expectTypeOf(tenant).not.toHaveProperty('connection');
    expectTypeOf(tenant).not.toHaveProperty('mergeInto');
    expectTypeOf(tenant).not.toHaveProperty('destroy');
  });
});

describe('declarations', () => {
  it('name tables and columns of the database', () => {
    createScope({ db, tables: { projects: own(), 'audit.entries': own() } });
    // @ts-expect-error There is no table of this name.
    createScope({ db, tables: { users: own() } });
    // @ts-expect-error Notes have no column tenant_id.
    createScope({ db, tables: { notes: own() } });
    // @ts-expect-error Notes have no such column.
    scope(db, 'id', { notes: own({ column: 'organisation_id' }) });
    expectTypeOf(own({ column: 'organization_id' }).column).toEqualTypeOf<'organization_id'>();
    expectTypeOf(own().column).toEqualTypeOf<'tenant_id'>();
  });

  it('fit a transaction as well', () => {
    expectTypeOf(scope(tx, 'id', tables)).toEqualTypeOf<TenantDb<Database, typeof tables>>();
    expectTypeOf(createScope({ db: tx, tables })('id')).toEqualTypeOf<TenantDb<Database, typeof tables>>();
    expectTypeOf(createScope({ db, tables })('id', { db: tx })).toEqualTypeOf<TenantDb<Database, typeof tables>>();
  });
});

describe('a transaction', () => {
  it('hands out a transaction of the scope, or of the application without the plugin', async () => {
    const run = createTransaction({ db, tables });
    const count = await run('id', async (inner) => {
      expectTypeOf(inner).toEqualTypeOf<TenantTransaction<Database, typeof tables>>();
      inner.insertInto('projects').values({ name: 'a' });
      return 1;
    });
    expectTypeOf(count).toEqualTypeOf<number>();
    await run(
      'id',
      async (inner) => {
        expectTypeOf(inner).toEqualTypeOf<Transaction<Database>>();
        // @ts-expect-error The tenant is to be named.
        inner.insertInto('projects').values({ name: 'a' });
      },
      { plugin: false, db: tx },
    );
    const name = await transaction(db, 'id', async (inner) => inner.selectFrom('prices').select('id').execute(), {
      tables,
    });
    expectTypeOf(name).toEqualTypeOf<{ id: number }[]>();
  });
});
