import { beforeEach, expect, it } from 'vitest';
import { createPlans, definePlans } from '../../src/plans/index.ts';
import { planWorld } from '../support/plan-world.ts';
import { makeTenant, times } from '../support/plans.ts';

const catalogue = definePlans({
  free: { quotas: { calls: { amount: 10, per: 'month' } } },
  bursty: {
    quotas: {
      calls: {
        amount: 100,
        per: 'month',
        within: [
          { amount: 5, per: 'hour' },
          { amount: 8, per: 'day' },
        ],
      },
    },
  },
});
const berlin = definePlans({
  free: {
    quotas: { calls: { amount: 100, per: 'month', from: 'calendar', within: [{ amount: 5, per: 'day' }] } },
  },
});

const { database, clock } = await planWorld();
const create = () => createPlans({ db: database.app, plans: catalogue, clock });
let plans: ReturnType<typeof create>;
beforeEach(() => {
  plans = create();
});

it('keeps windows within a period, and tells when they end', async () => {
  const tenantId = await makeTenant(database, 'bursty');
  const results = await times(9, () => plans.consume(tenantId, 'calls'));
  expect(results.filter(({ ok }) => ok)).toHaveLength(5);
  const hourEnd = new Date('2026-02-01T00:30:00Z');
  expect(await plans.consume(tenantId, 'calls')).toMatchObject({ ok: false, used: 5, remaining: 0, resetsAt: hourEnd });
  clock.set('2026-02-01T00:30:00Z');
  expect(await plans.consume(tenantId, 'calls', 4)).toMatchObject({
    ok: false,
    resetsAt: new Date('2026-02-01T09:30:00Z'),
  });
  expect(await plans.consume(tenantId, 'calls', 3)).toMatchObject({ ok: true, used: 8, remaining: 0 });
  clock.set('2026-02-01T09:30:00Z');
  expect(await plans.consume(tenantId, 'calls', 5)).toMatchObject({ ok: true, used: 13 });
});

it('begins windows by the calendar and the clocks of the tenant, where its periods do', async () => {
  const tenantId = await makeTenant(database, 'free');
  const local = createPlans({ db: database.app, plans: berlin, clock });
  await local.terms.setTimeZone(tenantId, 'Europe/Berlin');
  clock.set('2026-02-10T22:00:00Z');
  expect(await local.consume(tenantId, 'calls', 5)).toMatchObject({ ok: true, remaining: 0 });
  expect(await local.consume(tenantId, 'calls')).toMatchObject({
    ok: false,
    resetsAt: new Date('2026-02-10T23:00:00Z'),
  });
  clock.set('2026-02-10T23:00:00Z');
  expect(await local.consume(tenantId, 'calls', 5)).toMatchObject({ ok: true, used: 10, remaining: 0 });
});

it('counts late units in the period of then, as long as they are taken', async () => {
  const tenantId = await makeTenant(database, 'free');
  clock.set('2026-03-01T00:00:00Z');
  const then = new Date('2026-02-28T09:00:00Z');
  expect(await plans.consume(tenantId, 'calls', 4, { at: then })).toMatchObject({
    ok: true,
    used: 4,
    resetsAt: new Date('2026-02-28T09:30:00Z'),
  });
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ used: 0 });
  for (const at of [new Date('2026-02-25T23:00:00Z'), new Date('2026-03-01T00:06:00Z'), new Date(Number.NaN)]) {
    await expect(plans.consume(tenantId, 'calls', 1, { at })).rejects.toMatchObject({ code: 'usage_time_invalid' });
  }
});
