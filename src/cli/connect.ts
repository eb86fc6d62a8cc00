import type { AnyDatabase } from '../database/index.ts';
import { secretsOf } from './conceal.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** A database that the command is connected with. */
export interface Connection {
  readonly db: AnyDatabase;
  /** Its address for people, without the password. */
  readonly address: string;
  /** Ends the statements that are under way, from a connection of its own. */
  cancel(): Promise<void>;
  close(): Promise<void>;
}

/** Connects to the database that `--url` or DATABASE_URL names. */
export async function connect(given: string | undefined, command: string, terminal: Terminal): Promise<Connection> {
  const url = given ?? process.env.DATABASE_URL;
  if (url === undefined || url === '') throw new UsageError('say which database: --url postgres://… or DATABASE_URL');
  terminal.hide(secretsOf(url, [process.env.PGPASSWORD]));
  const address = addressOf(url);
  const { Client, Pool } = await loadDriver();
  const { Kysely, PostgresDialect } = await import('kysely');
  const settings = { connectionString: url, fallback_application_name: `tenantry ${command}` };
  const pool = new Pool({ ...settings, max: 2 });
  const pids = new Set<number>();
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    if ('processID' in client && typeof client.processID === 'number') pids.add(client.processID);
  });
  return {
    db: new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) }),
    address,
    async cancel() {
      const client = new Client(settings);
      client.on('error', () => undefined);
      await client.connect();
      await client.query('select pg_cancel_backend(pid) from unnest($1::integer[]) as pid', [[...pids]]);
      await client.end();
    },
    close: () => pool.end(),
  };
}

function addressOf(url: string): string {
  if (!/^postgres(ql)?:\/\//i.test(url)) {
    throw new UsageError('the address of the database must begin with postgres:// or postgresql://');
  }
  try {
    const { username, host, pathname } = new URL(url);
    return `postgres://${username === '' ? '' : `${username}@`}${host}${pathname}`;
  } catch {
    throw new UsageError(
      'the address of the database cannot be read; characters such as @ / : # % in its password are written as %40 %2F %3A %23 %25',
    );
  }
}

type Driver = typeof import('pg').default;

async function loadDriver(): Promise<Driver> {
  try {
    return (await import('pg')).default;
  } catch (error) {
    throw new UsageError('the command needs the package "pg": npm install pg', { cause: error });
  }
}
