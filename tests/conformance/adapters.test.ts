import { Agent, request as send } from 'node:http';
import fc from 'fast-check';
import { createWebhookReceiver, createWebhookSecret, signWebhook } from 'tenantry/webhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BillingProgram, billingProgram, billingWorld } from '../support/billing-world.ts';
import { type DoorWorld, doorWorld } from '../support/door-world.ts';
import { bodyLimit, type Door, doors, untold } from '../support/doors.ts';
import { type Answer, type Call, callPort, writeRaw } from '../support/http-client.ts';
import { malformed } from '../support/malformed-requests.ts';

const hookSecret = createWebhookSecret();
const problem = 'application/problem+json';

let world: DoorWorld;
let program: BillingProgram;
beforeAll(async () => {
  world = await doorWorld();
  program = billingProgram(world.database.app, await billingWorld());
});
afterAll(() => world.database.destroy());

describe.each(Object.entries(doors))('%s', (_name, open) => {
  let door: Door;
  const failures: unknown[] = [];
  const hooks: unknown[] = [];

  beforeAll(async () => {
    door = await open({
      tenantry: world.tenantry,
      receiver: createWebhookReceiver({ secret: hookSecret, handle: async ({ payload }) => hooks.push(payload) }),
      billing: program.billing,
      onError: async (error) => {
        failures.push(error);
        if (Object(error).message === untold) throw new Error('the log is full');
      },
    });
  });
  afterAll(() => door.close());
  beforeEach(() => {
    failures.length = 0;
  });

  const call = (what: Call): Promise<Answer> => callPort(door.port, what);
  const withKey = (secret = world.acme.secret, headers: Readonly<Record<string, string>> = {}) => ({
    authorization: `Bearer ${secret}`,
    ...headers,
  });
  const addNote = (body: string, headers: Readonly<Record<string, string>> = {}, more: Partial<Call> = {}) =>
    call({
      method: 'POST',
      path: '/notes',
      headers: { ...withKey(), 'content-type': 'application/json', ...headers },
      body,
      ...more,
    });
  const usedCalls = async (): Promise<number> => {
    const state = await world.tenantry.plans.check(world.acme.tenantId, 'calls');
    return state.used;
  };
  const codeOf = ({ status, headers, body }: Answer) => {
    expect(headers['content-type']).toContain(problem);
    return [status, Object(body).code];
  };

  it('lets a key in and keeps its queries to its tenant', async () => {
    const text = `note ${Math.random()}`;
    const added = await addNote(JSON.stringify({ text }));
    expect([added.status, added.body]).toEqual([201, { text }]);
    const mine = await call({ path: '/notes', headers: { 'x-api-key': world.acme.secret } });
    expect(mine.body).toContainEqual({ text });
    const theirs = await call({ path: '/notes', headers: withKey(world.globex.secret) });
    expect(theirs.status).toBe(200);
    expect(theirs.body).not.toContainEqual({ text });
    const { body } = await call({ path: '/whoami', headers: withKey() });
    expect(body).toEqual({ tenant: world.acme.tenantId, user: null, key: world.acme.keyId });
  });

  it('asks for a credential where there is none, or one that is nothing', async () => {
    const shown: readonly Readonly<Record<string, string>>[] = [
      {},
      { authorization: '' },
      { authorization: 'Bearer' },
      { authorization: 'Basic YTpi' },
      { authorization: 'Bearer hc_live_nothing' },
      { authorization: `Bearer ${'x'.repeat(6000)}` },
      { authorization: `Bearer ${world.acme.secret} ${world.acme.secret}` },
      { 'x-api-key': '\u00ff\u00fe' },
    ];
    for (const headers of shown) {
      const answer = await call({ path: '/whoami', headers });
      expect(codeOf(answer)).toEqual([401, 'unauthenticated']);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    expect(failures).toEqual([]);
  });

  it('tells a key that was revoked that it is refused', async () => {
    const { tenantId } = world.acme;
    const { key, secret } = await world.tenantry.apiKeys.issue({ tenantId });
    await world.tenantry.apiKeys.revoke({ tenantId, keyId: key.id });
    expect(codeOf(await call({ path: '/whoami', headers: withKey(secret) }))).toEqual([403, 'key_refused']);
  });

  it('lets a user of the application in for the tenant that the request names, and wants it named', async () => {
    const named = await call({ path: '/whoami', headers: { cookie: 'user=ada', 'x-tenant': world.globex.tenantId } });
    expect(named.body).toEqual({ tenant: world.globex.tenantId, user: 'ada', key: null });
    expect(codeOf(await call({ path: '/whoami', headers: { cookie: 'user=ada' } }))).toEqual([400, 'tenant_required']);
    const foreign = { cookie: 'user=eve', 'x-tenant': world.acme.tenantId };
    expect(codeOf(await call({ path: '/whoami', headers: foreign }))).toEqual([404, 'tenant_not_found']);
    const other = withKey(world.acme.secret, { 'x-tenant': world.globex.tenantId });
    expect(codeOf(await call({ path: '/whoami', headers: other }))).toEqual([404, 'tenant_not_found']);
    for (const name of ['nobody', '../..', "' or 1=1 --", '%00']) {
      const headers = { cookie: 'user=ada', 'x-tenant': name };
      expect(codeOf(await call({ path: '/whoami', headers }))).toEqual([404, 'tenant_not_found']);
    }
  });

  it('holds a route to its permission and its feature, and a second guard to its own', async () => {
    const { secret } = await world.tenantry.apiKeys.issue({ tenantId: world.acme.tenantId, scopes: ['notes:read'] });
    expect((await call({ path: '/notes', headers: withKey(secret) })).status).toBe(200);
    expect(codeOf(await addNote('{"text":"a"}', withKey(secret)))).toEqual([403, 'permission_denied']);
    expect(codeOf(await call({ path: '/feature', headers: withKey() }))).toEqual([403, 'feature_missing']);
    expect(codeOf(await call({ path: '/twice', headers: withKey() }))).toEqual([403, 'permission_denied']);
    const burner = await world.tenantry.apiKeys.issue({ tenantId: world.acme.tenantId, scopes: ['notes:burn'] });
    expect((await call({ path: '/twice', headers: withKey(burner.secret) })).status).toBe(200);
  });

  it('counts what is used, tells what is left, and refuses what is too much', async () => {
    const { tenantId } = await world.tenantry.tenancy.provision({ userId: 'ada', name: 'Tiny' });
    await world.tenantry.tenancy.setPlan(tenantId, 'tiny');
    const { secret } = await world.tenantry.apiKeys.issue({
      tenantId,
      scopes: ['*'],
      rateLimit: { limit: 100, per: 'minute' },
    });
    const first = await addNote('{"text":"one"}', withKey(secret));
    expect(first.status).toBe(201);
    expect(first.headers.ratelimit).toMatch(/^"calls";r=1;t=\d+, "key";r=99;t=\d+$/);
    expect(first.headers['ratelimit-policy']).toBe('"calls";q=2, "key";q=100');
    expect((await addNote('{"text":"two"}', withKey(secret))).status).toBe(201);
    const third = await addNote('{"text":"three"}', withKey(secret));
    expect(codeOf(third)).toEqual([429, 'quota_exceeded']);
    expect(third.headers.ratelimit).toMatch(/^"calls";r=0;t=\d+/);
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
    const notes = await call({ path: '/notes', headers: withKey(secret) });
    expect(notes.body).toEqual([{ text: 'one' }, { text: 'two' }]);
  });

  it('lets a route use units that were taken ahead, and never more than the plan allows', async () => {
    const { tenantId } = await world.tenantry.tenancy.provision({ userId: 'ada', name: 'Leased' });
    await world.tenantry.tenancy.setPlan(tenantId, 'tiny');
    const { secret } = await world.tenantry.apiKeys.issue({ tenantId });
    const ask = () => call({ path: '/leased', headers: withKey(secret) });
    const first = await ask();
    expect([first.status, first.headers.ratelimit]).toEqual([200, undefined]);
    // The block of both units is held, before the second is used.
    const { used } = await world.tenantry.plans.check(tenantId, 'calls');
    expect(used).toBe(2);
    expect((await ask()).status).toBe(200);
    const third = await ask();
    expect(codeOf(third)).toEqual([429, 'quota_exceeded']);
    expect(third.headers.ratelimit).toMatch(/^"calls";r=0;t=\d+/);
  });

  it('answers what the parser of Node refuses with a problem, and closes the connection', async () => {
    const cases: readonly [bytes: string, status: number][] = [
      ['GET /whoami HTTP/1.1\r\nHost: x\r\nNo colon\r\n\r\n', 400],
      ['nonsense\r\n\r\n', 400],
      [`GET /whoami HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      ['POST /notes HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ];
    for (const [bytes, status] of cases) {
      const [head = '', body = ''] = (await writeRaw(door.port, Buffer.from(bytes))).split('\r\n\r\n');
      expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(head).toMatch(/^content-type: application\/problem\+json$/im);
      expect(head).toMatch(/^connection: close$/im);
      expect(JSON.parse(body)).toEqual({ type: 'about:blank', title: expect.any(String), status });
    }
    expect(failures).toEqual([]);
  });

  it('refuses bodies that cannot be taken with the right problem, and counts none of them', async () => {
    const before = await usedCalls();
    const cases: readonly [body: string, headers: Readonly<Record<string, string>>, status: number][] = [
      ['{"text":', {}, 400],
      ['\u00ff', {}, 400],
      [JSON.stringify({ text: 'x'.repeat(bodyLimit) }), {}, 413],
      ['{"text":"a"}', { 'content-type': 'application/xml' }, 415],
      ['{"text":"a"}', { 'content-type': 'application/jsonx' }, 415],
      ['{"text":"a"}', { 'content-type': '/;;;' }, 415],
      ['text=a', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ];
    for (const [body, headers, status] of cases) {
      const answer = await addNote(body, headers);
      expect([answer.status, answer.headers['content-type']]).toEqual([status, expect.stringContaining(problem)]);
      expect(answer.text).not.toMatch(/node_modules|\.ts:|\.js:/);
    }
    const chunked = await addNote(JSON.stringify({ text: 'x'.repeat(bodyLimit) }), { 'transfer-encoding': 'chunked' });
    expect(chunked.status).toBe(413);
    expect(await usedCalls()).toBe(before);
    expect(failures).toEqual([]);
  });

  it('answers what nobody serves with a problem', async () => {
    for (const path of ['/nothing', '/notes/../../etc/passwd', '/%2e%2e/', '/?q=1']) {
      const { status, headers, body } = await call({ path, headers: withKey() });
      expect([status, headers['content-type']]).toEqual([404, expect.stringContaining(problem)]);
      expect(body).toEqual({ type: 'about:blank', title: 'Not Found', status: 404 });
    }
  });

  it('answers a path that cannot be decoded, or that is too long, with a problem of the caller', async () => {
    for (const path of ['/things/%E0%A4%A', '/things/%u0041', `/things/${'a'.repeat(4000)}%`]) {
      const { status, headers, body } = await call({ path, headers: withKey() });
      expect([path, status, headers['content-type']]).toEqual([
        path,
        expect.toSatisfy((code) => code === 400 || code === 414),
        expect.stringContaining(problem),
      ]);
      expect(Object(body).status).toBe(status);
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect(failures).toEqual([]);
  });

  it('tells nothing of what failed, and tells the program all', async () => {
    for (const path of ['/throws', '/rejects', '/upstream', '/unguarded']) {
      const { status, headers, body } = await call({ path, headers: withKey() });
      expect([status, headers['content-type']]).toEqual([500, expect.stringContaining(problem)]);
      expect(body).toEqual({ type: 'about:blank', title: 'Internal Server Error', status: 500 });
    }
    expect(failures.map((failure) => Object(failure).message)).toEqual([
      'the password is hunter2',
      'the password is hunter2',
      'upstream says hunter2',
      expect.stringContaining('guard'),
    ]);
  });

  it('answers what fails when it is looked at, and what nobody can be told of', async () => {
    for (const path of ['/unseen', '/untold']) {
      const { status, body } = await call({ path, headers: withKey() });
      expect([path, status, body]).toEqual([
        path,
        500,
        { type: 'about:blank', title: 'Internal Server Error', status: 500 },
      ]);
    }
    expect(failures).toHaveLength(2);
  });

  it('says nothing of a content that the handler did not get to send, and lets nobody keep the problem', async () => {
    const { status, headers, body } = await call({ path: '/spoiled', headers: withKey() });
    expect([status, Object(body).status, headers['cache-control']]).toEqual([500, 500, 'no-store']);
    for (const name of ['content-encoding', 'etag', 'content-disposition']) {
      expect([name, headers[name] ?? '']).not.toEqual([name, expect.stringMatching(/gzip|"1"|attachment/)]);
    }
    expect((await call({ path: '/whoami' })).headers['cache-control']).toBe('no-store');
  });

  it('names each request, as the caller did where that is a name', async () => {
    const named = await call({ path: '/whoami', headers: withKey(world.acme.secret, { 'x-request-id': 'req-1/a' }) });
    expect(named.headers['x-request-id']).toBe('req-1/a');
    for (const name of ['', 'x'.repeat(200), 'a b', '<script>', '\u00e9']) {
      const { headers } = await call({ path: '/nothing', headers: { 'x-request-id': name } });
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
    const failed = await call({ path: '/throws', headers: withKey(world.acme.secret, { 'x-request-id': 'req-2' }) });
    expect(failed.headers['x-request-id']).toBe('req-2');
  });

  it('tells the audit trail who acted, from where and in which request, whatever they call themselves', async () => {
    const { tenantId, keyId } = world.acme;
    const rename = (headers: Readonly<Record<string, string>>) =>
      call({
        method: 'POST',
        path: '/rename',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{}',
      });
    const agent = `tester \u0080\u00e9 ${'x'.repeat(2000)}`;
    const requestId = `trace-${door.port}`;
    const byKey = await rename(withKey(world.acme.secret, { 'user-agent': agent, 'x-request-id': requestId }));
    expect(byKey.status).toBe(200);
    const { items } = await world.tenantry.audit.list({ tenantId, actions: ['organization.updated'], limit: 1 });
    expect(items[0]).toMatchObject({
      actor: { type: 'api_key', id: keyId },
      context: {
        requestId,
        keyId,
        userAgent: expect.stringMatching(/^tester [?\xa0-\xff]+ x+$/),
        ip: expect.any(String),
      },
    });
    await rename({ cookie: 'user=ada', 'x-tenant': tenantId });
    const after = await world.tenantry.audit.list({ tenantId, actions: ['organization.updated'], limit: 1 });
    expect(after.items[0]?.actor).toEqual({ type: 'user', id: 'ada' });
  });

  it('hands webhooks on with the bytes as they came', async () => {
    const body = '{ "type":"bot.created" , "n":1.0 }';
    const headers = { 'content-type': 'application/json' };
    const signed = { ...signWebhook({ id: `msg_${door.port}`, timestamp: new Date(), body, secret: hookSecret }) };
    const hook = { method: 'POST', path: '/hooks', body };
    expect((await call({ ...hook, headers: { ...headers, ...signed } })).status).toBe(204);
    expect(hooks.at(-1)).toEqual({ type: 'bot.created', n: 1 });
    expect((await call({ ...hook, headers: { ...headers, ...signed }, body: `${body} ` })).status).toBe(400);
    expect(failures).toEqual([]);
  });

  it('answers HEAD without a body, and OPTIONS without a failure, with the name of the request', async () => {
    for (const method of ['HEAD', 'OPTIONS']) {
      for (const headers of [withKey(), {}]) {
        const { status, text, headers: told } = await call({ method, path: '/whoami', headers });
        expect([method, status < 500]).toEqual([method, true]);
        if (method === 'HEAD') expect(text).toBe('');
        if (status >= 400) expect(told['content-type']).toContain(problem);
        if (method === 'HEAD') expect(told['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      }
    }
    expect(failures).toEqual([]);
  });

  it('keeps the connection over everything that went wrong', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const calls: Call[] = [
      { path: '/whoami', headers: withKey() },
      { path: '/whoami' },
      { path: '/throws', headers: withKey() },
      { path: '/rejects', headers: withKey() },
      { path: '/nothing' },
      { path: '/ended', headers: withKey() },
      { method: 'POST', path: '/notes', headers: { ...withKey(), 'content-type': 'application/json' }, body: '{' },
      { method: 'POST', path: '/notes', headers: { 'content-type': 'application/json' }, body: '{"text":"a"}' },
      { path: '/whoami', headers: withKey() },
    ];
    const answers: Answer[] = [];
    for (const what of calls) answers.push(await call({ ...what, agent }));
    agent.destroy();
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 500, 500, 404, 200, 400, 401, 200]);
    expect(answers.slice(1).every(({ reused }) => reused)).toBe(true);
  });

  it('goes on when callers go away, and counts nothing for a body that never came', async () => {
    const before = await usedCalls();
    const leave = (): Promise<void> =>
      new Promise((resolve) => {
        const request = send({ port: door.port, host: '127.0.0.1', method: 'POST', path: '/notes' });
        request.on('error', () => undefined);
        request.on('close', resolve);
        for (const [name, value] of Object.entries(withKey())) request.setHeader(name, value);
        request.setHeader('content-type', 'application/json');
        request.setHeader('content-length', '100');
        request.write('{"text":', () => setImmediate(() => request.destroy()));
      });
    await Promise.all(Array.from({ length: 20 }, leave));
    expect((await call({ path: '/whoami', headers: withKey() })).status).toBe(200);
    expect(await usedCalls()).toBe(before);
    expect(failures).toEqual([]);
  });

  it('answers a thousand malformed requests without a failure of its own', async () => {
    const requests = fc.sample(malformed(world.acme.secret), { numRuns: 1000, seed: 20_260_131 });
    for (let start = 0; start < requests.length; start += 100) {
      const answers = await Promise.all(
        requests.slice(start, start + 100).map((bytes) => writeRaw(door.port, Buffer.from(bytes, 'latin1'))),
      );
      for (const [index, answer] of answers.entries()) {
        const sent = requests[start + index];
        expect(answer, sent).not.toMatch(/^HTTP\/1\.1 5/m);
        expect(answer, sent).not.toMatch(/node_modules|\.ts:\d|\.js:\d|hunter2|select |tenantry\./);
      }
    }
    expect(failures).toEqual([]);
    expect((await call({ path: '/whoami', headers: withKey() })).status).toBe(200);
  });
});
