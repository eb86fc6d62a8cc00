import { sql } from 'kysely';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createApiKeys, tellKeys } from '../../src/api-keys/index.ts';
import { makeToken } from '../../src/api-keys/token.ts';
import { createTenantry } from '../../src/index.ts';
import { createOrganizations } from '../../src/organizations/index.ts';
import { definePlans } from '../../src/plans/index.ts';
import { createTenancy, perUser } from '../../src/tenancy/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type KeyProcess, keyProcess } from '../support/key-process.ts';
import { keyWorld } from '../support/key-world.ts';
import { until } from '../support/until.ts';

type Database = Record<string, never>;

let database: TestDatabase<Database>;
let superuser: Client;
const open: KeyProcess[] = [];
beforeAll(async () => {
  database = await postgresDatabase<Database>();
  superuser = new Client({ connectionString: database.urls?.superuser });
  await superuser.connect();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((process) => process.close()));
});
afterAll(async () => {
  await superuser.end();
  await database.destroy();
});

async function start(
  ...args: Parameters<typeof keyProcess> extends [string, ...infer Rest] ? Rest : never
): Promise<KeyProcess> {
  const process = await keyProcess(database.urls?.app ?? '', ...args);
  open.push(process);
  return process;
}

const reasonOf = async ({ keys }: KeyProcess, secret: string): Promise<string> => {
  const result = await keys.verify(secret);
  return result.ok ? 'ok' : result.reason;
};

it('answers from memory without a statement, for keys that open, that do not, and that nobody has', async () => {
  // It is trusted for longer than the test takes, on however slow a machine.
  const process = await start({}, 60_000);
  const { tenantId } = await keyWorld(database.app);
  const { key, secret } = await process.keys.issue({ tenantId, scopes: ['calls:*'] });
  const ended = await process.keys.issue({ tenantId });
  await process.keys.revoke({ tenantId, keyId: ended.key.id });
  const made = makeToken({ prefix: 'hc', environment: 'live' });
  await until(() => process.heard.includes(tenantId));
  const first = await process.keys.verify(secret);
  expect([await reasonOf(process, ended.secret), await reasonOf(process, made)]).toEqual(['revoked', 'not_found']);
  const before = process.sent();
  for (let round = 0; round < 100; round += 1) {
    expect(await process.keys.verify(secret)).toEqual(first);
    expect([await reasonOf(process, ended.secret), await reasonOf(process, made)]).toEqual(['revoked', 'not_found']);
    expect(await process.keys.verify(secret, { permission: 'bots:read' })).toEqual({
      ok: false,
      reason: 'insufficient_scope',
    });
  }
  expect(process.sent()).toBe(before);
  expect(first).toMatchObject({ ok: true, key: { id: key.id } });
});

it('sends no statement for ten thousand malformed keys, one for all that are made up and sent at once', async () => {
  const process = await start();
  const token = makeToken({ prefix: 'hc', environment: 'live' });
  const before = process.sent();
  for (let index = 0; index < 10_000; index += 1) {
    const wrong = [
      `${token.slice(0, -4)}${index.toString().padStart(4, '0')}`,
      `hc_live_${index}`,
      `${index}${'x'.repeat(10_240)}`,
      `hc_live_\u0000${index}`,
      `hc_live_${'é'.repeat(36)}${index}`,
      `${makeToken({ prefix: 'other', environment: 'live' })}`,
      `\ud800${index}`,
    ][index % 7];
    expect([wrong, await reasonOf(process, wrong ?? '')]).toEqual([wrong, 'malformed']);
  }
  expect(process.sent()).toBe(before);
  const made = Array.from({ length: 500 }, () => makeToken({ prefix: 'hc', environment: 'live' }));
  expect(new Set(await Promise.all(made.map((secret) => reasonOf(process, secret))))).toEqual(new Set(['not_found']));
  expect(process.sent()).toBe(before + 1);
});

it('opens nothing that is revoked once the revocation has resolved, nor in other processes once they heard of it', async () => {
  const [here, there] = [await start(), await start()];
  const { tenantId } = await keyWorld(database.app);
  for (let round = 0; round < 20; round += 1) {
    const { key, secret } = await here.keys.issue({ tenantId });
    expect([await reasonOf(here, secret), await reasonOf(there, secret)]).toEqual(['ok', 'ok']);
    const heard = there.heard.filter((payload) => payload === tenantId).length;
    await here.keys.revoke({ tenantId, keyId: key.id });
    expect(await reasonOf(here, secret)).toBe('revoked');
    await until(() => there.heard.filter((payload) => payload === tenantId).length > heard);
    expect(await reasonOf(there, secret)).toBe('revoked');
  }
});

it('hears of every change of a key', async () => {
  const [here, there] = [await start(), await start()];
  const { tenantId } = await keyWorld(database.app);
  const { key, secret } = await here.keys.issue({ tenantId });
  const ref = { tenantId, keyId: key.id };
  const seen = async (): Promise<string> => {
    const result = await there.keys.verify(secret);
    return result.ok ? result.key.scopes.join() : result.reason;
  };
  expect(await seen()).toBe('*');
  await here.keys.update({ ...ref, scopes: ['a:b'] });
  await until(async () => (await seen()) === 'a:b');
  await here.keys.disable(ref);
  await until(async () => (await seen()) === 'disabled');
  await here.keys.enable(ref);
  await until(async () => (await seen()) === 'a:b');
  const { secret: next } = await here.keys.rotate(ref);
  expect(await reasonOf(there, next)).toBe('ok');
  await until(async () => (await seen()) === 'expired');
  await here.keys.revokeAll({ tenantId });
  await until(async () => (await reasonOf(there, next)) === 'revoked');
});

it('finds a key that was made after somebody had asked for it', async () => {
  const [here, there] = [await start({ foreign: /^old-\d+$/ }), await start({ foreign: /^old-\d+$/ })];
  const { tenantId } = await keyWorld(database.app);
  expect([await reasonOf(here, 'old-1'), await reasonOf(there, 'old-1')]).toEqual(['not_found', 'not_found']);
  const digest = (await import('node:crypto')).createHash('sha256').update('old-1').digest('hex');
  await here.keys.importKeys(tenantId, [{ digest, scheme: 'sha256-hex', start: 'old-1' }]);
  expect(await reasonOf(here, 'old-1')).toBe('ok');
  await until(async () => (await reasonOf(there, 'old-1')) === 'ok');
});

it('remembers nothing of a tenant whose keys a transaction of this process changed, until it has ended', async () => {
  const process = await start();
  const { tenantId } = await keyWorld(database.app);
  const { key, secret } = await process.keys.issue({ tenantId });
  expect(await reasonOf(process, secret)).toBe('ok');
  await process.db.transaction().execute(async (tx) => {
    await process.keys.revoke({ tenantId, keyId: key.id }, { db: tx });
    // Others see what is committed, and so does this process outside of the transaction.
    expect(await reasonOf(process, secret)).toBe('ok');
  });
  expect(await reasonOf(process, secret)).toBe('revoked');
});

it('is not used while the connection that listens is cut, and again when there is a new one', async () => {
  const [here, there] = [await start(), await start({}, 500)];
  const { tenantId } = await keyWorld(database.app);
  const { key, secret } = await here.keys.issue({ tenantId });
  expect(await reasonOf(there, secret)).toBe('ok');
  await superuser.query('select pg_terminate_backend($1)', [there.listenerPid()]);
  await until(() => there.ended() === 1);
  expect(there.keys.cacheState()).toEqual({ trusted: false, size: 0 });
  await here.keys.revoke({ tenantId, keyId: key.id });
  expect(await reasonOf(there, secret)).toBe('revoked');
  await until(() => there.keys.cacheState().trusted);
  expect(await reasonOf(there, secret)).toBe('revoked');
  const before = there.sent();
  expect(await reasonOf(there, secret)).toBe('revoked');
  expect(there.sent()).toBe(before);
});

it('is not used while messages do not arrive although the connection stands', async () => {
  const [here, there] = [await start(), await start({}, 20)];
  const { tenantId } = await keyWorld(database.app);
  const { key, secret } = await here.keys.issue({ tenantId });
  expect(await reasonOf(there, secret)).toBe('ok');
  there.hang(true);
  await until(() => !there.keys.cacheState().trusted);
  await here.keys.revoke({ tenantId, keyId: key.id });
  expect(await reasonOf(there, secret)).toBe('revoked');
  there.hang(false);
  await until(() => there.keys.cacheState().trusted);
  expect(await reasonOf(there, secret)).toBe('revoked');
});

it('hears what happens to tenants and members, by the events of their modules', async () => {
  const process = await start();
  const tenancy = createTenancy({ db: database.app, strategy: perUser(), events: tellKeys });
  const { tenantId } = await tenancy.provision({ userId: 'ada', name: 'Ada' });
  const { secret } = await process.keys.issue({ tenantId });
  expect(await reasonOf(process, secret)).toBe('ok');
  await tenancy.suspend(tenantId);
  await until(async () => (await reasonOf(process, secret)) === 'tenant_suspended');
  await tenancy.resume(tenantId);
  await until(async () => (await reasonOf(process, secret)) === 'ok');

  const organizations = createOrganizations({ db: database.app, events: tellKeys });
  const acme = await organizations.create({ name: 'Acme', owner: { userId: 'bob' } });
  const { member } = await organizations.members.add({ tenantId: acme.tenantId, userId: 'cy', role: 'member' });
  const ofMember = await process.keys.issue({ tenantId: acme.tenantId, memberId: member.id });
  expect(await reasonOf(process, ofMember.secret)).toBe('ok');
  await organizations.members.remove({ tenantId: acme.tenantId, memberId: member.id });
  await until(async () => (await reasonOf(process, ofMember.secret)) === 'member_inactive');
});

it('hears of it from a program that remembers nothing and keeps no audit', async () => {
  const process = await start();
  const plans = definePlans({ free: {} });
  const program = createTenantry({ db: database.app, plans, strategy: perUser({ plan: 'free' }), audit: false });
  const { tenantId } = await program.tenancy.provision({ userId: 'eve', name: 'Eve' });
  const { secret } = await process.keys.issue({ tenantId });
  expect(await reasonOf(process, secret)).toBe('ok');
  await program.tenancy.suspend(tenantId);
  await until(async () => (await reasonOf(process, secret)) === 'tenant_suspended');
});

it('forgets on demand, and ends what it holds open when it is closed', async () => {
  const process = await keyProcess(database.urls?.app ?? '');
  const { tenantId } = await keyWorld(database.app);
  const { secret } = await process.keys.issue({ tenantId });
  expect(await reasonOf(process, secret)).toBe('ok');
  await sql`update tenantry.api_keys set enabled = false where tenant_id = ${tenantId}`.execute(database.app);
  expect(await reasonOf(process, secret)).toBe('ok');
  process.keys.forget(tenantId);
  expect(await reasonOf(process, secret)).toBe('disabled');
  process.keys.forget();
  expect(process.keys.cacheState()).toEqual({ trusted: true, size: 0 });
  await process.keys.close();
  expect([process.ended(), process.keys.cacheState().trusted]).toEqual([1, false]);
  expect(await reasonOf(process, secret)).toBe('disabled');
  await process.db.destroy();
});

it('goes on without a memory when no connection can be had, and tells of it', async () => {
  const errors: unknown[] = [];
  const keys = createApiKeys({
    db: database.app,
    prefix: 'hc',
    cache: {
      listen: () => Promise.reject(new Error('no connection')),
      heartbeat: 5,
      onError: (error) => errors.push(error),
    },
  });
  const { secret } = await keys.issue({ tenantId: (await keyWorld(database.app)).tenantId });
  await until(() => errors.length > 2);
  expect(await keys.verify(secret)).toMatchObject({ ok: true });
  await keys.close();
  for (const cache of [
    {},
    { listen: 'x' },
    { listen: async () => undefined, max: 0 },
    { listen: async () => undefined, heartbeat: -1 },
  ]) {
    expect(() => Reflect.apply(createApiKeys, undefined, [{ db: database.app, cache }])).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  }
});
