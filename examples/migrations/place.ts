import type { FastifyInstance } from 'fastify';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { installSchema, nameStatements } from 'tenantry/database';
import { startPostgres } from 'tenantry/testing';

/** A PostgreSQL server of its own for an example, with the library's schema. */
export interface Place<DB> {
  /** Makes the tables, and migrates them. */
  readonly owner: Kysely<DB>;
  /** The application's login: it owns nothing, since row-level security does not hold for owners of a server. */
  readonly app: Kysely<DB>;
  /** Lets the application at the tables that are there now. */
  letIn(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the server. What it holds is gone with it. */
export async function openPlace<DB>(login: string): Promise<Place<DB>> {
  const server = await startPostgres();
  const url = new URL(server.url);
  const ownerPool = new Pool({ connectionString: url.href });
  const owner = new Kysely<DB>({ dialect: new PostgresDialect({ pool: ownerPool }) });
  await sql`create role ${sql.id(login)} login password ${sql.lit(login)}`.execute(owner);
  await installSchema(owner, { grantTo: [login] });

  url.username = login;
  url.password = login;
  const pool = new Pool({ connectionString: url.href });
  const app = new Kysely<DB>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
  // The server ends by the same signal as this program, and may be faster.
  for (const one of [ownerPool, pool]) {
    one.on('error', () => undefined).on('connect', (client) => client.on('error', () => undefined));
  }
  return {
    owner,
    app,
    async letIn() {
      for (const right of [
        'usage on schema public',
        'select, insert, update, delete on all tables in schema public',
        'usage on all sequences in schema public',
      ]) {
        await sql`grant ${sql.raw(right)} to tenantry_app, tenantry_service`.execute(owner);
      }
    },
    async close() {
      await Promise.allSettled([app.destroy(), owner.destroy()]);
      await server.stop();
    },
  };
}

/** Serves until Ctrl+C, or another signal to end; `text` is printed once somebody may come. */
export async function serve(
  service: FastifyInstance,
  { text, close }: { readonly text: (base: string) => string; readonly close: () => Promise<void> },
): Promise<void> {
  const base = await service.listen({ port: Number(process.argv[2] ?? 3000), host: '127.0.0.1' });
  console.log(text(base));
  let ending = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The package of the embedded server ends the process by itself, before what it serves was closed: we do it.
    process.removeAllListeners(signal);
    process.on(signal, async () => {
      if (ending) return;
      ending = true;
      await service.close();
      await close();
    });
  }
}
