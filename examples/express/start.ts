/** `npm run example:express [port]`: the service on a PostgreSQL of its own, with something to try. Ctrl+C ends both. */
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { installSchema, nameStatements } from 'tenantry/database';
import { answerClientError } from 'tenantry/http';
import { startPostgres } from 'tenantry/testing';
import { commands } from './admin.ts';
import { createHotCross, type Database, installHotCross } from './hotcross.ts';
import { createService } from './service.ts';

const server = await startPostgres();
const url = new URL(server.url);
const owner = new Kysely<Database>({
  dialect: new PostgresDialect({ pool: new Pool({ connectionString: url.href }) }),
});
// The service is a login of its own that owns nothing: row-level security does not hold for owners of a server.
await sql`create role hotcross login password 'hotcross'`.execute(owner);
await installSchema(owner, { grantTo: ['hotcross'] });
await installHotCross(owner);
await owner.destroy();

url.username = 'hotcross';
url.password = 'hotcross';
const pool = new Pool({ connectionString: url.href });
// The server ends by the same signal as this program, and may be faster.
pool.on('error', () => undefined);
const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
const hotcross = createHotCross(db, url.href);

const { organization } = Object(await commands['create-org']?.run(hotcross, ['Acme Corp', '5'], { model: 'hybrid' }));
const alice = ['alice@acme.com', 'Alice', 'Smith'];
const { developer, key } = Object(await commands['create-dev']?.run(hotcross, [organization, ...alice], { model: '' }));

const listening = createService(hotcross).listen(Number(process.argv[2] ?? 3000), '127.0.0.1', (error) => {
  if (error !== undefined) throw error;
  const address = listening.address();
  const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`;
  console.log(`HotCross listens at ${base}, for Alice of Acme Corp. Try:

export KEY=${key} ORG=${organization} DEV=${developer}
curl -s -H "X-API-Key: $KEY" ${base}/v1/me
curl -si -H "X-API-Key: $KEY" -H 'Content-Type: application/json' -d '{"text":"hello"}' ${base}/v1/notes
curl -s -H "X-API-Key: $KEY" ${base}/v1/notes
curl -s -H "X-API-Key: $KEY" ${base}/v1/bill
curl -si ${base}/v1/me                      # 401: no key

export DATABASE_URL=${url.href}
npx node examples/express/admin-main.ts list-orgs
npx node examples/express/admin-main.ts create-dev $ORG bob@acme.com Bob Jones
npx node examples/express/admin-main.ts update-status $ORG canceled   # then /v1/me says 403: subscription_inactive
npx node examples/express/admin-main.ts update-status $ORG active
npx node examples/express/admin-main.ts update-seats $ORG 0           # 403: seats_exceeded
npx node examples/express/admin-main.ts update-seats $ORG 5
npx node examples/express/admin-main.ts revoke-dev $ORG $DEV          # 403: revoked, at once`);
});

listening.on('clientError', answerClientError);

let ending = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The package of the embedded server ends the process by itself, before what it serves was closed: we do it.
  process.removeAllListeners(signal);
  process.on(signal, async () => {
    if (ending) return;
    ending = true;
    listening.close();
    listening.closeAllConnections();
    await hotcross.apiKeys.close();
    await db.destroy();
    await server.stop();
  });
}
