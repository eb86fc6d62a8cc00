import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { Kysely, PostgresDialect } from 'kysely';
import { Client, escapeIdentifier, Pool } from 'pg';
import { nameStatements } from 'tenantry/database';
import { startPostgres } from 'tenantry/testing';
import type { LegacyDatabase } from './legacy-schema.ts';

/** An empty database for the demonstration, seen as its owner and as the application. */
export interface DemoDatabase {
  /** Owns the database and migrates it; no superuser, where the demonstration could make a role. */
  readonly owner: Kysely<LegacyDatabase>;
  /** The application's login: owns nothing, and may what the library grants it. */
  readonly app: Kysely<LegacyDatabase>;
  /** The application's login, to which the library's rights are granted. */
  readonly appLogin: string;
  /** Where the demonstration runs, in words. */
  readonly where: string;
  /** Removes all that the demonstration made. */
  close(): Promise<void>;
}

/** Why the demonstration cannot run where it was told to. */
export class DemoRefused extends Error {}

/**
 * Opens a database for the demonstration: on a server that it starts itself, or on the server of `url` in a database of
 * its own. Where the role of `url` may not create databases and roles, it uses the database that `url` names, and
 * refuses to unless that is empty.
 */
export async function openDemoDatabase(url: string | undefined): Promise<DemoDatabase> {
  if (url !== undefined) return openOn(url);
  const server = await startPostgres({ settings: { fsync: 'off', max_wal_size: '4GB', shared_buffers: '256MB' } });
  try {
    const database = await openOn(server.url);
    const where = `an embedded server, ${database.where}`;
    return { ...database, where, close: once(() => database.close().finally(() => server.stop())) };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

const libraryRoles = ['tenantry_app', 'tenantry_service', 'tenantry_purge'];

async function openOn(url: string): Promise<DemoDatabase> {
  const admin = new Client({ connectionString: url });
  admin.on('error', () => undefined);
  await admin.connect();
  try {
    const { rows } = await admin.query<{ login: string; version: string; free: boolean; roles: string[] }>(
      `select current_user::text as login, current_setting('server_version') as version,
        rolsuper or (rolcreatedb and rolcreaterole) as free,
        array(select rolname::text from pg_roles where rolname = any($1)) as roles
      from pg_roles where rolname = current_user`,
      [libraryRoles],
    );
    const [row] = rows;
    if (row === undefined) throw new DemoRefused('the server does not know its own user');
    const where = `PostgreSQL ${row.version.split(' ')[0]}`;
    return row.free
      ? await openOwn(url, admin, where, row.roles)
      : await openGiven(url, admin, where, row.login, row.roles);
  } catch (error) {
    await admin.end();
    throw error;
  }
}

/** A database and two logins of its own, dropped at the end with the library's roles if they were not there before. */
async function openOwn(url: string, admin: Client, where: string, present: readonly string[]): Promise<DemoDatabase> {
  const name = `hotcross_demo_${randomBytes(4).toString('hex')}`;
  const logins = { owner: `${name}_owner`, app: `${name}_app` };
  const made = libraryRoles.filter((role) => !present.includes(role));
  const password = randomBytes(18).toString('hex');
  const urlOf = (user: string): string => {
    const own = new URL(url);
    own.username = user;
    own.password = password;
    own.pathname = `/${name}`;
    return own.href;
  };
  const remove = async (): Promise<void> => {
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.query(`drop role if exists ${logins.owner}, ${logins.app}`);
    for (const role of made) {
      // Somebody else may have begun to use the role meanwhile: then it stays.
      await admin.query(`drop role if exists ${role}`).catch(() => undefined);
    }
  };
  try {
    for (const role of made) await admin.query(`create role ${role} nologin`);
    for (const login of Object.values(logins)) await admin.query(`create role ${login} login password '${password}'`);
    await admin.query(`grant ${libraryRoles.join(', ')} to ${logins.owner}, ${logins.app}`);
    await admin.query(`grant ${logins.owner} to current_user`);
    await admin.query(`create database ${name} owner ${logins.owner} template template0 encoding 'UTF8'`);
  } catch (error) {
    await remove().catch(() => undefined);
    throw error;
  }
  return connect({
    ...{ ownerUrl: urlOf(logins.owner), appUrl: urlOf(logins.app), appLogin: logins.app, admin, remove },
    where: `${where}, database ${name}`,
  });
}

/** The database that was given, which must be empty. */
async function openGiven(
  url: string,
  admin: Client,
  where: string,
  login: string,
  present: readonly string[],
): Promise<DemoDatabase> {
  const { rows } = await admin.query<{ database: string; tables: string[]; library: boolean }>(
    `select current_database()::text as database, to_regnamespace('tenantry') is not null as library,
      array(select relname::text from pg_class where relnamespace = 'public'::regnamespace
        and relkind in ('r', 'p', 'v', 'm', 'f') order by relname) as tables`,
  );
  const [found] = rows;
  if (found === undefined || found.tables.length > 0 || found.library) {
    const there = [...(found?.tables ?? []), ...(found?.library === true ? ['schema tenantry'] : [])];
    throw new DemoRefused(
      `"${login}" may not create databases and roles, and "${found?.database}" is not empty (${there.join(', ')}): ` +
        'give the url of an empty database, or of a role with CREATEDB and CREATEROLE',
    );
  }
  if (present.length < libraryRoles.length) {
    throw new DemoRefused(
      `"${login}" may not create roles, and ${libraryRoles.join(' and ')} are missing: have them made and granted to ` +
        `"${login}", or give the url of a role with CREATEDB and CREATEROLE`,
    );
  }
  const remove = async (): Promise<void> => {
    await admin.query('drop schema if exists tenantry cascade');
    await admin.query('drop table if exists api_calls, notes, projects, customers, endpoints cascade');
  };
  return connect({
    ...{ ownerUrl: url, appUrl: url, appLogin: login, admin, remove },
    where: `${where}, database ${found.database} as ${escapeIdentifier(login)}`,
  });
}

interface Place {
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly appLogin: string;
  readonly where: string;
  readonly admin: Client;
  remove(): Promise<void>;
}

function connect({ ownerUrl, appUrl, appLogin, where, admin, remove }: Place): DemoDatabase {
  const pools = {
    owner: new Pool({ connectionString: ownerUrl, max: 4 }),
    app: new Pool({ connectionString: appUrl, max: 16 }),
  };
  for (const pool of Object.values(pools)) {
    pool.on('error', () => undefined).on('connect', (client) => client.on('error', () => undefined));
  }
  const owner = new Kysely<LegacyDatabase>({ dialect: new PostgresDialect({ pool: pools.owner }) });
  const app = new Kysely<LegacyDatabase>({ dialect: new PostgresDialect({ pool: nameStatements(pools.app) }) });
  return {
    owner,
    app,
    appLogin,
    where,
    close: once(async () => {
      // A statement that still runs because somebody pressed Ctrl-C is not waited for.
      const ended = Promise.allSettled([owner.destroy(), app.destroy()]);
      await Promise.race([ended, setTimeout(2000, undefined, { ref: false })]);
      await remove().finally(() => admin.end());
    }),
  };
}

/** Does something once, however often it is called. */
function once(work: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
