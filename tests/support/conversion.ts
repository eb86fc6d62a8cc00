import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { postgresDatabase, type TestDatabase } from './databases.ts';

/** A legacy database with both applications at it. */
export interface Conversion<DB> {
  readonly database: TestDatabase<DB>;
  /** The old application: a login that knows nothing of the library. */
  readonly old: Kysely<DB>;
  /** Lets both logins at every table of the application that is there now. */
  grant(): Promise<void>;
  /** Lets the old application see and write rows of all tenants, in this database alone, once row-level security is on. */
  letOldSee(): Promise<void>;
  destroy(): Promise<void>;
}

/** Makes a database with the library's schema and fills it with a legacy system. */
export async function conversionOf<DB>(generate: (owner: Kysely<DB>) => Promise<unknown>): Promise<Conversion<DB>> {
  const database = await postgresDatabase<DB>();
  await generate(database.owner);
  const pool = new Pool({ connectionString: database.urls?.legacy ?? '', max: 4 });
  const old = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
  const conversion: Conversion<DB> = {
    database,
    old,
    async grant() {
      for (const right of [
        'grant usage on schema public to tenantry_test_legacy, tenantry_app, tenantry_service',
        'grant select, insert, update, delete on all tables in schema public to tenantry_test_legacy, tenantry_app, tenantry_service',
        'grant usage on all sequences in schema public to tenantry_test_legacy, tenantry_app, tenantry_service',
      ]) {
        await sql.raw(right).execute(database.owner);
      }
    },
    async letOldSee() {
      const { rows } = await sql<{ name: string }>`select c.oid::regclass::text as name from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relrowsecurity`.execute(
        database.owner,
      );
      for (const { name } of rows) {
        await sql.raw(`drop policy if exists old_application on ${name}`).execute(database.owner);
        await sql
          .raw(`create policy old_application on ${name} to tenantry_test_legacy using (true) with check (true)`)
          .execute(database.owner);
      }
    },
    async destroy() {
      await old.destroy();
      await database.destroy();
    },
  };
  await conversion.grant();
  return conversion;
}

/** Reads one number. */
export async function numberOf<DB>(db: Kysely<DB>, query: string): Promise<number> {
  const { rows } = await sql.raw<Record<string, string | number>>(query).execute(db);
  return Number(Object.values(rows[0] ?? {})[0]);
}
