import fc from 'fast-check';
import { expect, it } from 'vitest';
import { factsOf, type KeyFacts } from '../judge.ts';
import type { KeyRow } from '../key-row.ts';
import { createKeyCache } from './key-cache.ts';

const policy = { activeStatuses: new Set(['active']), refuseExceededSeats: true };

function factsFor(tenantId: string, version = 0): KeyFacts {
  const row: KeyRow = {
    digest: 'd',
    hash: null,
    secret_until: null,
    tenant_id: tenantId,
    id: `key-${version}`,
    name: null,
    environment: 'live',
    start: 'k_live_abcd',
    scopes: ['*'],
    enabled: true,
    revoked: false,
    expires: null,
    member_id: null,
    team_id: null,
    team_there: null,
    special: null,
    kind: 'organization',
    plan: 'free',
    status: 'active',
    subscription_status: null,
    anchor: 0,
    entitlement_revision: 1,
    seats_bought: null,
    seats_taken: null,
    user_id: null,
    role: null,
    member_status: null,
    grants: null,
    exceeded: null,
    plan_since: 0,
    plan_terms: null,
  };
  return factsOf(row, policy);
}

it('remembers what was found and what nobody has, for a while', () => {
  let time = 0;
  const cache = createKeyCache({ max: 10, age: 1000, now: () => time });
  const facts = factsFor('acme');
  cache.store('a', facts, cache.begin());
  cache.store('b', null, cache.begin());
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([facts, null, undefined]);
  time = 999;
  expect(cache.get('a')).toBe(facts);
  time = 1000;
  expect([cache.get('a'), cache.get('b')]).toEqual([undefined, undefined]);
});

it('forgets a tenant and leaves the others', () => {
  const cache = createKeyCache({ max: 10, age: 1000, now: () => 0 });
  cache.store('a', factsFor('acme'), cache.begin());
  cache.store('b', factsFor('beta'), cache.begin());
  cache.forget('acme');
  expect(cache.get('a')).toBeUndefined();
  expect(cache.get('b')?.accepted.tenant.id).toBe('beta');
  cache.store('a', factsFor('acme'), cache.begin());
  expect(cache.get('a')?.accepted.tenant.id).toBe('acme');
});

it('stores nothing that was looked up before a change of its tenant, nor nobody before keys were made', () => {
  const cache = createKeyCache({ max: 10, age: 1000, now: () => 0 });
  const early = cache.begin();
  cache.forget('acme');
  cache.store('a', factsFor('acme'), early);
  cache.store('b', factsFor('beta'), early);
  expect([cache.get('a'), cache.get('b')?.accepted.tenant.id]).toEqual([undefined, 'beta']);
  const before = cache.begin();
  cache.forgetAbsent();
  cache.store('c', null, before);
  expect(cache.get('c')).toBeUndefined();
  const old = cache.begin();
  cache.clear();
  cache.store('d', factsFor('beta'), old);
  expect([cache.get('b'), cache.get('d'), cache.size]).toEqual([undefined, undefined, 0]);
});

it('remembers nothing of a tenant while a change of it waits for its commit', () => {
  let time = 0;
  const cache = createKeyCache({ max: 10, age: 60_000, now: () => time });
  cache.store('a', factsFor('acme'), cache.begin());
  cache.shun('acme');
  expect(cache.get('a')).toBeUndefined();
  time = 9999;
  cache.store('a', factsFor('acme'), cache.begin());
  cache.clear();
  cache.store('a', factsFor('acme'), cache.begin());
  expect(cache.get('a')).toBeUndefined();
  time = 10_000;
  cache.store('a', factsFor('acme'), cache.begin());
  expect(cache.get('a')).toBeDefined();
});

it('keeps what users have when somebody sends keys that nobody has', () => {
  const cache = createKeyCache({ max: 100, age: 1000, now: () => 0 });
  for (let index = 0; index < 40; index += 1) cache.store(`k${index}`, factsFor(`t${index}`), cache.begin());
  for (let index = 0; index < 10_000; index += 1) cache.store(`made-up-${index}`, null, cache.begin());
  for (let index = 0; index < 40; index += 1) expect(cache.get(`k${index}`)).toBeDefined();
  expect(cache.size).toBeLessThanOrEqual(125);
});

it('never gives what was true before a change that was told, in any order of look-ups and changes', () => {
  const steps = fc.array(
    fc.record({
      what: fc.constantFrom('begin', 'end', 'change', 'get', 'wait', 'clear'),
      tenant: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      let time = 0;
      const cache = createKeyCache({ max: 4, age: 100, now: () => time });
      const truth = [0, 0, 0];
      const open: {
        readonly tenant: number;
        readonly version: number;
        readonly fence: ReturnType<typeof cache.begin>;
      }[] = [];
      for (const { what, tenant } of list) {
        if (what === 'begin') open.push({ tenant, version: truth[tenant] ?? 0, fence: cache.begin() });
        else if (what === 'end') {
          const fill = open.splice(Math.floor(open.length / 2), 1)[0];
          if (fill !== undefined) cache.store(`d${fill.tenant}`, factsFor(`t${fill.tenant}`, fill.version), fill.fence);
        } else if (what === 'change') {
          truth[tenant] = (truth[tenant] ?? 0) + 1;
          cache.forget(`t${tenant}`);
        } else if (what === 'wait') time += 60;
        else if (what === 'clear') cache.clear();
        const found = cache.get(`d${tenant}`);
        if (found) expect(found.accepted.key.id).toBe(`key-${truth[tenant]}`);
      }
    }),
    { numRuns: 2000 },
  );
});
