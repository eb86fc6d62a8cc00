import { sql } from 'kysely';
import { Client } from 'pg';
import { startPostgres } from 'tenantry/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DemoDatabase, openDemoDatabase } from '../../examples/migrations/hotcross/demo-database.ts';
import { createPrinter } from '../../examples/migrations/hotcross/print.ts';
import { tellStory } from '../../examples/migrations/hotcross/story/tell-story.ts';

// A server of its own: the demonstration makes and drops roles, which belong to a whole server.
let superuserUrl: string;
let stop: () => Promise<void>;
let admin: Client;
beforeAll(async () => {
  const server = await startPostgres({ settings: { fsync: 'off' } });
  superuserUrl = server.url;
  admin = new Client({ connectionString: server.url });
  await admin.connect();
  stop = () => admin.end().then(server.stop);
  await admin.query(`create role maker login password 'test' createdb createrole`);
  await admin.query(`create role plain login password 'test'`);
  await admin.query('create database given owner plain');
});
afterAll(() => stop());

/** Everything that belongs to the whole server. */
async function inventory(): Promise<string[]> {
  const { rows } = await admin.query<{ name: string }>(
    'select datname::text as name from pg_database union all select rolname from pg_roles order by 1',
  );
  return rows.map((row) => row.name);
}

function urlOf(user: string, database = 'postgres'): string {
  const url = new URL(superuserUrl);
  url.username = user;
  url.password = 'test';
  url.pathname = `/${database}`;
  return url.href;
}

async function isSuperuser(database: DemoDatabase): Promise<boolean | undefined> {
  const found = await sql<{ super: boolean }>`
    select rolsuper as super from pg_roles where rolname = current_user`.execute(database.owner);
  return found.rows[0]?.super;
}

it.each(['a superuser', 'a role that may create databases and roles'])('makes its own database as %s', async (who) => {
  const before = await inventory();
  const database = await openDemoDatabase(who === 'a superuser' ? superuserUrl : urlOf('maker'));
  expect(await isSuperuser(database)).toBe(false);
  expect((await inventory()).length).toBeGreaterThan(before.length);
  await Promise.all([database.close(), database.close()]);
  expect(await inventory()).toEqual(before);
});

it('keeps the library roles where they were before', async () => {
  await admin.query('create role tenantry_app nologin');
  const database = await openDemoDatabase(superuserUrl);
  await database.close();
  expect(await inventory()).toContain('tenantry_app');
  expect(await inventory()).not.toContain('tenantry_service');
  await admin.query('drop role tenantry_app');
});

it('refuses a given database without the roles that it may not make', async () => {
  await expect(openDemoDatabase(urlOf('plain', 'given'))).rejects.toThrow(/may not create roles/);
});

it('refuses a given database that is not empty, and touches nothing', async () => {
  const client = new Client({ connectionString: urlOf('plain', 'given') });
  await client.connect();
  await client.query('create table customers (id integer)');
  await client.query('insert into customers values (1)');
  await expect(openDemoDatabase(urlOf('plain', 'given'))).rejects.toThrow(/not empty \(customers\)/);
  expect((await client.query('select * from customers')).rows).toEqual([{ id: 1 }]);
  await client.query('drop table customers');
  await client.end();
});

it('runs in a given empty database and leaves it empty', async () => {
  await admin.query('create role tenantry_app nologin');
  await admin.query('create role tenantry_service nologin');
  await admin.query('create role tenantry_purge nologin');
  await admin.query('grant tenantry_app, tenantry_service to plain');
  const database = await openDemoDatabase(urlOf('plain', 'given'));
  const { broken } = await tellStory(database, { customers: 200, printer: createPrinter({ write: () => undefined }) });
  await database.close();
  expect(broken).toEqual([]);
  const again = await openDemoDatabase(urlOf('plain', 'given'));
  await again.close();
});
