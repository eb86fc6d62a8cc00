/** `npm run example:fastify [port]`: the phone receptionist with all that it needs. Ctrl+C ends it. */
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { installSchema, nameStatements } from 'tenantry/database';
import { startPostgres } from 'tenantry/testing';
import type { Database } from './app/data.ts';
import { demoOwner, demoPassword, demoStaff } from './app/seed.ts';
import { startDemo } from './app/start-demo.ts';

const server = await startPostgres();
const url = new URL(server.url);
const ownerPool = new Pool({ connectionString: url.href });
const owner = new Kysely<Database>({ dialect: new PostgresDialect({ pool: ownerPool }) });
// The product has a login of its own that owns nothing: row-level security does not hold for owners of a server.
const login = 'receptionist';
await sql`create role receptionist login password 'receptionist'`.execute(owner);
await installSchema(owner, { grantTo: [login] });

url.username = login;
url.password = 'receptionist';
const pool = new Pool({ connectionString: url.href });
const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
// The server ends by the same signal as this program, and may be faster.
for (const one of [pool, ownerPool]) one.on('error', () => undefined);
const demo = await startDemo({ db, owner, login, port: Number(process.argv[2] ?? 3000) });

console.log(`The phone receptionist listens at ${demo.origin}

  a customer      ${demoOwner}        ${demoPassword}
  a super admin   ${demoStaff}      ${demoPassword}

  mails           ${demo.origin}/dev/mail
  webhooks        ${demo.origin}/dev/hooks

or sign up at ${demo.origin}/signup. Nothing is kept: Ctrl+C ends it and deletes its data.`);

let ending = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The package of the embedded server ends the process by itself, before what it serves was closed: we do it.
  process.removeAllListeners(signal);
  process.on(signal, async () => {
    if (ending) return;
    ending = true;
    await demo.stop().catch(() => undefined);
    await Promise.all([db.destroy(), owner.destroy()]);
    await server.stop();
  });
}
