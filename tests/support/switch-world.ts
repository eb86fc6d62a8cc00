import { type Kysely, sql } from 'kysely';
import { createApiKeys } from '../../src/api-keys/index.ts';
import { uuidv7 } from '../../src/core/index.ts';
import { type AnyMigration, applyMigration, rollbackMigration, verifyMigration } from '../../src/migrate/index.ts';
import { createTenancy, hybridSeats } from '../../src/tenancy/index.ts';
import { type Conversion, conversionOf, numberOf } from './conversion.ts';

type AnyQuery = ReturnType<typeof sql>;

/** Both applications and the owner at a database that a migration switched. */
export async function switchWorld<DB>(generate: (owner: Kysely<DB>) => Promise<unknown>, migration: AnyMigration) {
  const conversion: Conversion<DB> = await conversionOf<DB>(generate);
  const { owner, app } = conversion.database;
  const read = async (query: AnyQuery): Promise<unknown[]> => (await query.execute(owner)).rows;
  return {
    conversion,
    owner,
    read,
    number: (query: string) => numberOf(owner, query),
    /** Functions, triggers and constraints that bear the library's name. */
    objects: () =>
      read(sql`select p.proname as name from pg_proc p where p.pronamespace = 'tenantry'::regnamespace
        union all select tgname from pg_trigger where tgname like '%tenantry%' and not tgisinternal
        union all select conname from pg_constraint where conname like 'tenantry%' order by 1`),
    fresh: (query: AnyQuery) => query.execute(app),
    old: (query: AnyQuery) => query.execute(conversion.old),
    apiKeys: createApiKeys({ db: app, prefix: 'new' }),
    tenancy: createTenancy({ db: app, strategy: hybridSeats({ plan: 'team' }), plans: ['team', 'business'] }),
    async to(stage: 'enforce' | 'switch' | 'contract') {
      await applyMigration(owner, migration, { to: stage });
      // The old application's login sees rows past row-level security as the plan asks for.
      await conversion.letOldSee();
    },
    failed: async () => (await verifyMigration(owner, migration)).checks.filter(({ status }) => status === 'fail'),
    async back() {
      const { kept, returned } = await rollbackMigration(owner, migration);
      const map = (rows: typeof kept) => Object.fromEntries(rows.map(({ table, rows: count }) => [table, count]));
      return { kept: map(kept), returned: map(returned) };
    },
    /** Reasons of what was kept of a table, by one value of each row. */
    kept: (table: string, name: string) =>
      read(
        sql`select row_data ->> ${name} as name, reason from tenantry.migration_quarantine where table_name = ${table} order by 1, 2`,
      ),
    /** Makes an organization of the new application's own, with its owner. */
    async organization(name: string, user: string) {
      const tenantId = uuidv7();
      await sql`with t as (insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
          values (${tenantId}, 'organization', ${name}, 'team', now(), now(), now())),
        l as (insert into tenantry.tenant_lookups (kind, value, tenant_id) values ('slug', ${`slug-${tenantId}`}, ${tenantId}))
        insert into tenantry.organizations (tenant_id, slug, seats_bought, seats_taken, created_at, updated_at)
          values (${tenantId}, ${`slug-${tenantId}`}, 0, 0, now(), now())`.execute(app);
      return { tenantId, memberId: await member(app, tenantId, user, 'owner') };
    },
    member: (tenantId: string, user: string, role = 'member') => member(app, tenantId, user, role),
    /** Takes a member's access, and the seat. */
    leave: (tenantId: string, user: string, status: 'suspended' | 'removed') =>
      sql`with seat as (update tenantry.organizations set seats_taken = seats_taken - 1 where tenant_id = ${tenantId})
        update tenantry.members set status = ${status} where tenant_id = ${tenantId} and user_id = ${user}`.execute(
        app,
      ),
  };
}

/** Makes a member with a seat. */
async function member<DB>(app: Kysely<DB>, tenantId: string, user: string, role: string): Promise<string> {
  const id = uuidv7();
  await sql`with seat as (update tenantry.organizations set seats_taken = seats_taken + 1 where tenant_id = ${tenantId})
    insert into tenantry.members (tenant_id, id, user_id, email, name, role, created_at, updated_at)
    values (${tenantId}, ${id}, ${user}, ${`${user}@new.org`}, ${`New ${user}`}, ${role}, now(), now())`.execute(app);
  return id;
}
