import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commands } from '../../examples/express/admin.ts';
import { createHotCross, type Database, type HotCross, installHotCross } from '../../examples/express/hotcross.ts';
import { createService } from '../../examples/express/service.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { callPort } from '../support/http-client.ts';

let database: TestDatabase<Database>;
let hotcross: HotCross;
let server: ReturnType<ReturnType<typeof createService>['listen']>;

beforeAll(async () => {
  database = await postgresDatabase<Database>();
  await installHotCross(database.owner);
  hotcross = createHotCross(database.app, database.urls?.app);
  server = createService(hotcross).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await hotcross.apiKeys.close();
  await database.destroy();
});

async function admin(name: string, args: readonly string[], model = 'hybrid') {
  const result: unknown = await commands[name]?.run(hotcross, args, { model });
  return Object(result);
}

function call(path: string, key?: string, note?: string) {
  const { port }: AddressInfo = Object(server.address());
  const headers = { ...(key !== undefined && { 'x-api-key': key }), 'content-type': 'application/json' };
  if (note === undefined) return callPort(port, { path, ...(key !== undefined && { headers: { 'x-api-key': key } }) });
  return callPort(port, { method: 'POST', path, headers, body: JSON.stringify({ text: note }) });
}

it('makes organizations and developers, whose keys open their own notes alone', async () => {
  const acme = await admin('create-org', ['Acme Corp', '2']);
  const globex = await admin('create-org', ['Globex'], 'organization');
  const alice = await admin('create-dev', [acme.organization, 'alice@acme.com', 'Alice', 'Smith']);
  const bob = await admin('create-dev', [acme.organization, 'bob@acme.com', 'Bob', 'Jones']);
  const gus = await admin('create-dev', [globex.organization, 'gus@globex.com', 'Gus']);
  const { body } = await call('/v1/me', alice.key);
  expect(body).toMatchObject({ organizationId: acme.organization, developerId: alice.developer, plan: 'hybrid' });
  expect((await call('/v1/notes', alice.key, 'hello')).status).toBe(201);
  expect((await call('/v1/notes', bob.key)).body).toMatchObject({
    notes: [{ author: 'alice@acme.com', text: 'hello' }],
  });
  expect((await call('/v1/notes', gus.key)).body).toEqual({ notes: [] });
  const refused = await call('/v1/notes', gus.key, '');
  expect([refused.status, refused.headers['content-type']]).toEqual([
    422,
    expect.stringContaining('application/problem+json'),
  ]);
  expect((await call('/v1/notes')).status).toBe(401);
  expect((await call('/health')).status).toBe(200);
  expect(await admin('list-devs', [acme.organization])).toHaveLength(3);
  expect((await admin('list-orgs', [])).length).toBe(2);
  await expect(admin('create-dev', [acme.organization, 'carol@acme.com', 'Carol'])).rejects.toMatchObject({
    code: 'seats_exhausted',
  });
});

it('makes the four checks of a key, and hears of each change', async () => {
  const { organization } = await admin('create-org', ['Initech', '2']);
  const { developer, key } = await admin('create-dev', [organization, 'peter@initech.com', 'Peter', 'Gibbons']);
  const second = await admin('create-dev', [organization, 'samir@initech.com', 'Samir']);
  const reason = async () => Object(Object((await call('/v1/me', key)).body).details).reason;
  expect(await reason()).toBeUndefined();
  await admin('update-status', [organization, 'canceled']);
  expect(await reason()).toBe('subscription_inactive');
  await admin('update-status', [organization, 'active']);
  await admin('update-seats', [organization, '1']);
  expect(await reason()).toBe('seats_exceeded');
  await admin('update-seats', [organization, '2']);
  await hotcross.organizations.members.suspend({ tenantId: organization, memberId: developer });
  expect(await reason()).toBe('member_inactive');
  await hotcross.organizations.members.activate({ tenantId: organization, memberId: developer });
  expect(await reason()).toBeUndefined();
  expect(await admin('revoke-dev', [organization, developer])).toEqual({ revoked: 1 });
  expect(await reason()).toBe('revoked');
  expect((await call('/v1/me', second.key)).status).toBe(200);
});

it('bills by each of the three ways, with what every developer used', async () => {
  const bills: unknown[] = [];
  for (const [model, seats] of [
    ['organization', '5'],
    ['developer', '1'],
    ['hybrid', '3'],
  ] as const) {
    const { organization } = await admin('create-org', [`Paying by ${model}`, seats], model);
    const { key } = await admin('create-dev', [organization, `dev@${model}.com`, 'Dev']);
    await call('/v1/notes', key);
    await call('/v1/notes', key);
    const { body } = await call('/v1/bill', key);
    expect(body).toMatchObject({ model, calls: [{ developer: `dev@${model}.com`, used: 2 }] });
    bills.push(Object(body).total);
    expect((await call('/v1/usage', key)).body).toMatchObject({ calls: { used: 2 } });
  }
  expect(bills).toEqual([5000, 1000, 3500]);
});
