import { createServer } from 'node:net';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPlans, definePlans, type Plans } from '../../src/plans/index.ts';
import type { None } from '../support/plans.ts';

const catalogue = definePlans({
  free: {
    limits: { bots: 1 },
    quotas: { calls: { amount: 10, per: 'month' } },
    features: ['export'],
    values: { days: 3 },
    trialDays: 14,
  },
});
const tenantId = '00000000-0000-7000-8000-00000000000a';
const id = '00000000-0000-7000-8000-00000000000b';
let db: Kysely<None>;
beforeAll(async () => {
  // A port where nobody listens any more.
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  const port = typeof address === 'object' ? (address?.port ?? 1) : 1;
  db = new Kysely<None>({ dialect: new PostgresDialect({ pool: new Pool({ host: '127.0.0.1', port, max: 2 }) }) });
});
afterAll(() => db.destroy());

const days = { from: new Date('2026-01-01'), to: new Date('2026-02-01') };
const calls: Readonly<Record<string, (plans: Plans) => Promise<unknown>>> = {
  'plans.check': (plans) => plans.check(tenantId, 'calls'),
  'plans.consume': (plans) => plans.consume(tenantId, 'calls'),
  'plans.usageByMember': (plans) => plans.usageByMember(tenantId, 'calls'),
  'plans.release': (plans) => plans.release(tenantId, 'bots'),
  'plans.has': (plans) => plans.has(tenantId, 'export'),
  'plans.value': (plans) => plans.value(tenantId, 'days'),
  'plans.inForce': (plans) => plans.inForce(tenantId),
  'plans.terms.of': (plans) => plans.terms.of(tenantId),
  'plans.terms.override': (plans) => plans.terms.override(tenantId, { meters: { calls: 5 } }),
  'plans.terms.setVersion': (plans) => plans.terms.setVersion(tenantId, 1),
  'plans.terms.setTimeZone': (plans) => plans.terms.setTimeZone(tenantId, 'UTC'),
  'plans.terms.startTrial': (plans) => plans.terms.startTrial(tenantId, 'free'),
  'plans.grants.add': (plans) => plans.grants.add(tenantId, 'calls', { amount: 1 }),
  'plans.grants.list': (plans) => plans.grants.list(tenantId, 'calls'),
  'plans.grants.revoke': (plans) => plans.grants.revoke(tenantId, id),
  'plans.reservations.hold': (plans) => plans.reservations.hold(tenantId, 'calls', 1),
  'plans.reservations.commit': (plans) => plans.reservations.commit(tenantId, id, 1),
  'plans.reservations.release': (plans) => plans.reservations.release(tenantId, id),
  'plans.resources.occupy': (plans) => plans.resources.occupy(tenantId, 'bots', 'one'),
  'plans.resources.vacate': (plans) => plans.resources.vacate(tenantId, 'bots', 'one'),
  'plans.resources.choose': (plans) => plans.resources.choose(tenantId, 'bots', ['one']),
  'plans.resources.frozen': (plans) => plans.resources.frozen(tenantId, 'bots'),
  'plans.resources.isFrozen': (plans) => plans.resources.isFrozen(tenantId, 'bots', 'one'),
  'plans.usage.read': (plans) => plans.usage.read(tenantId, days),
  'plans.usage.periods': (plans) => plans.usage.periods(tenantId),
  'plans.usage.forecast': (plans) => plans.usage.forecast(tenantId, 'calls'),
  'plans.usage.export': (plans) => plans.usage.export(tenantId, async () => undefined),
  'plans.usage.prune': (plans) => plans.usage.prune({ before: new Date('2026-01-01') }),
};

it.each(Object.entries(calls))(
  '%s says by a code of its own that the database cannot be reached',
  async (operation, call) => {
    const plans = createPlans({ db, plans: catalogue });
    const error: unknown = await call(plans).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'database_unavailable' });
    // A forecast asks `check`, which says it first.
    if (operation !== 'plans.usage.forecast') expect(error).toMatchObject({ details: { operation } });
  },
);

it('says so to who waits for a block of a lease', async () => {
  const lease = createPlans({ db, plans: catalogue }).leases.open(tenantId, 'calls', { block: 5 });
  const results = await Promise.allSettled([lease.consume(), lease.consume(9)]);
  for (const result of results) expect(result).toMatchObject({ reason: { code: 'database_unavailable' } });
});
