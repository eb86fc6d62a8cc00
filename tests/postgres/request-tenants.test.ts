import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createTenantry,
  definePlans,
  fromClaim,
  fromHeader,
  fromHostname,
  fromPath,
  fromSubdomain,
  perOrg,
} from '../../src/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

const plans = definePlans({ free: { quotas: { calls: { amount: 5, per: 'month' } } } });

function program(database: TestDatabase<Record<string, never>>) {
  return createTenantry({
    db: database.app,
    plans,
    strategy: perOrg({ plan: 'free' }),
    apiKeys: { prefix: 'hc' },
    resolution: [
      fromHeader('x-tenant'),
      fromSubdomain('app.example.com'),
      fromHostname(['example.com']),
      fromPath('/t/:tenant'),
      fromClaim('org'),
      ({ headers }) => (Reflect.get(headers, 'x-odd') === 'yes' ? { name: 'acme' } : undefined),
    ],
  });
}

let database: TestDatabase<Record<string, never>>;
let tenantry: ReturnType<typeof program>;
let acme: string;
let beta: string;
let ended: string;

beforeAll(async () => {
  database = await postgresDatabase();
  tenantry = program(database);
  const make = (userId: string, name: string) => tenantry.tenancy.provision({ userId, name });
  acme = (await make('ada', 'Acme')).tenantId;
  beta = (await make('bob', 'Beta')).tenantId;
  ended = (await make('eve', 'Ended')).tenantId;
  await tenantry.tenancy.suspend(ended);
});
afterAll(() => database.destroy());

const ask = (
  headers: Record<string, string>,
  userId: string,
  rest: { url?: string; claims?: Record<string, unknown> } = {},
) => tenantry.tenancy.resolveRequest({ headers, ...rest }, { userId });
const nothing = { ok: false, reason: 'tenant_not_found' };

describe('a request names its tenant', () => {
  it('by header, subdomain, path, claim, its own function, and otherwise has the user’s one', async () => {
    for (const answer of [
      ask({ 'x-tenant': 'acme' }, 'ada'),
      ask({ 'x-tenant': acme.toUpperCase() }, 'ada'),
      ask({ host: 'acme.app.example.com' }, 'ada'),
      ask({}, 'ada', { url: '/t/acme/calls' }),
      ask({}, 'ada', { claims: { org: 'acme' } }),
      ask({ 'x-odd': 'yes' }, 'ada'),
      ask({}, 'ada'),
    ])
      expect(await answer).toMatchObject({ ok: true, tenantId: acme, role: 'owner' });
  });

  it('by the first source that names one, also when there is no such tenant', async () => {
    expect(await ask({ 'x-tenant': 'beta', host: 'acme.app.example.com' }, 'ada')).toEqual(nothing);
    expect(await ask({ 'x-tenant': 'nobody' }, 'ada', { url: '/t/acme' })).toEqual(nothing);
  });

  it('and whoever does not belong there learns nothing of it', async () => {
    const hostile = [
      'beta',
      beta,
      'ended',
      ended,
      'nobody',
      '0199f3c2-0000-7000-8000-00000000000a',
      "'; drop",
      'x'.repeat(9000),
    ];
    for (const name of hostile) expect(await ask({ 'x-tenant': name }, 'ada')).toEqual(nothing);
    // A path can hold what no header can, and PostgreSQL takes no NUL.
    for (const part of ['a%00b', '%00']) expect(await ask({}, 'ada', { url: `/t/${part}` })).toEqual(nothing);
    expect(await ask({ 'x-tenant': 'ended' }, 'eve')).toEqual({ ok: false, reason: 'tenant_suspended' });
    await expect(
      tenantry.access.forRequest({ headers: { 'x-tenant': 'ended' } }, { userId: 'ada' }),
    ).rejects.toMatchObject({
      code: 'tenant_not_found',
    });
  });

  it('by a domain of its own, which leads to one tenant', async () => {
    const { hostnames } = tenantry.tenancy;
    expect(await hostnames.add({ tenantId: acme, hostname: 'Voice.Acme.test.' })).toBe('voice.acme.test');
    expect(await hostnames.add({ tenantId: acme, hostname: 'voice.acme.test' })).toBe('voice.acme.test');
    expect(await ask({ host: 'voice.acme.test:443' }, 'ada')).toMatchObject({ ok: true, tenantId: acme });
    expect(await ask({ host: 'voice.acme.test' }, 'bob')).toEqual(nothing);
    expect(await ask({ host: 'other.acme.test' }, 'ada')).toEqual(nothing);
    await expect(hostnames.add({ tenantId: beta, hostname: 'VOICE.acme.test' })).rejects.toMatchObject({
      code: 'domain_taken',
    });
    for (const wrong of ['localhost', '127.0.0.1', 'a b.test', 'https://acme.test', '']) {
      await expect(hostnames.add({ tenantId: acme, hostname: wrong })).rejects.toMatchObject({
        code: 'domain_invalid',
      });
    }
    const missing = '0199f3c2-0000-7000-8000-00000000000a';
    for (const hostname of ['new.test', 'voice.acme.test']) {
      await expect(hostnames.add({ tenantId: missing, hostname })).rejects.toMatchObject({ code: 'tenant_not_found' });
    }
    expect(await hostnames.list(acme)).toEqual(['voice.acme.test']);
    expect(await hostnames.remove({ tenantId: beta, hostname: 'voice.acme.test' })).toBe(false);
    expect(await hostnames.remove({ tenantId: acme, hostname: 'voice.acme.test' })).toBe(true);
    expect(await ask({ host: 'voice.acme.test' }, 'ada')).toEqual(nothing);
  });

  it('of two who want one domain at the same moment one gets it', async () => {
    const want = (tenantId: string) =>
      tenantry.tenancy.hostnames.add({ tenantId, hostname: 'race.test' }).then(
        () => tenantId,
        ({ code }) => code,
      );
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => want(index % 2 === 0 ? acme : beta)));
    const [winner] = outcomes.filter((outcome) => outcome !== 'domain_taken');
    expect(new Set(outcomes)).toEqual(new Set([winner, 'domain_taken']));
  });

  it('and a key opens its own tenant alone', async () => {
    const { secret } = await tenantry.apiKeys.issue({ tenantId: acme });
    const with_ = (headers: Record<string, string>) =>
      tenantry.access.forRequest({ headers: { authorization: `Bearer ${secret}`, ...headers } });
    expect((await with_({})).tenant.id).toBe(acme);
    expect((await with_({ 'x-tenant': 'acme' })).tenant.id).toBe(acme);
    for (const name of ['beta', 'nobody', 'ended']) {
      await expect(with_({ 'x-tenant': name })).rejects.toMatchObject({ code: 'tenant_not_found' });
    }
    await expect(tenantry.access.forRequest({ headers: { 'x-tenant': 'acme' } })).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });
});

describe('work for every tenant', () => {
  it('is done once for each active one, and errors of some stop none of the others', async () => {
    const seen: string[] = [];
    const made = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        tenantry.tenancy.provision({ userId: `user-${index}`, name: `Org ${index}` }),
      ),
    );
    const broken = new Set([made[3]?.tenantId, made[17]?.tenantId]);
    const report = await tenantry.tenancy.forEach(
      async (tenantId) => {
        seen.push(tenantId);
        if (broken.has(tenantId)) throw new Error(`no ${tenantId}`);
      },
      { concurrency: 7 },
    );
    expect(seen.length).toBe(32);
    expect(new Set(seen).size).toBe(32);
    expect(seen).not.toContain(ended);
    expect(report).toMatchObject({ done: 30, complete: true, last: seen.toSorted().at(-1) });
    expect(report.failed.map(({ tenantId }) => tenantId)).toEqual([...broken].toSorted());
  });

  it('stops at a signal, and goes on behind the last that was done', async () => {
    const seen: string[] = [];
    const stop = new AbortController();
    const first = await tenantry.tenancy.forEach(
      async (tenantId) => {
        seen.push(tenantId);
        if (seen.length === 10) stop.abort();
      },
      { signal: stop.signal, concurrency: 1 },
    );
    expect(first).toMatchObject({ done: 10, complete: false, last: seen.at(-1) });
    const rest = await tenantry.tenancy.forEach(async (tenantId) => void seen.push(tenantId), {
      after: first.last ?? '',
    });
    expect(rest).toMatchObject({ done: 22, complete: true });
    expect(new Set(seen).size).toBe(32);
    await expect(tenantry.tenancy.forEach(async () => undefined, { concurrency: 0 })).rejects.toMatchObject({
      code: 'amount_invalid',
    });
  });
});
