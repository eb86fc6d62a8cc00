import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definePrices, type PriceDefinitions, stripeProvider } from '../../src/billing/index.ts';
import { createTenantry, perUser } from '../../src/index.ts';
import { definePlans } from '../../src/plans/index.ts';
import { createFakeStripe } from '../../src/testing/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { sayCommand } from '../support/recording-terminal.ts';
import { clientOf, stripeSchema } from '../support/stripe-shop.ts';

let database: TestDatabase<Record<never, never>>;
let folder: string;
let words: string[];

beforeAll(async () => {
  database = await postgresDatabase();
  folder = await mkdtemp(join(tmpdir(), 'tenantry-catalogue-'));
  const source = (path: string) => join(import.meta.dirname, '../../src', path);
  const config = join(folder, 'tenantry.config.ts');
  await writeFile(
    config,
    `import Stripe from '${join(import.meta.dirname, '../../node_modules/stripe/esm/stripe.esm.node.js')}';
    import { createTenantry, definePlans, hybridSeats } from '${source('index.ts')}';
    import { definePrices, stripeProvider } from '${source('billing/index.ts')}';
    import { createFakeStripe } from '${source('testing/index.ts')}';
    const fake = createFakeStripe();
    const stripe = new Stripe('sk_test_x', { httpClient: Stripe.createFetchHttpClient(fake.fetch) });
    const plans = definePlans({ free: {}, team: {} });
    const prices = definePrices(plans, {
      plans: { team: { month: { base: 2000, seat: 500 } } },
      coupons: { half: { percentOff: 50, duration: 'repeating', months: 3, codes: { WELCOME: { firstTime: true } } } },
    });
    export default ({ db }) => createTenantry({
      db, plans, strategy: hybridSeats({ plan: 'free' }),
      billing: { provider: stripeProvider({ stripe, livemode: false, webhookSecret: 'whsec_x' }), prices },
    });`,
  );
  words = ['billing', 'sync-catalog', '--url', database.urls?.owner ?? '', '--config', config];
});
afterAll(async () => {
  await database.destroy();
  await rm(folder, { recursive: true, force: true });
});

it('tells first what would be done, does nothing unasked, and then does it once', async () => {
  const checked = await sayCommand([...words, '--check', '--json']);
  expect(checked.exit).toBe(4);
  expect(JSON.parse(checked.out).result.steps.map((step: { do: string }) => step.do)).toEqual([
    'create-product',
    'create-product',
    'create-price',
    'create-price',
    'create-coupon',
    'create-code',
  ]);
  expect((await sayCommand(words)).exit).toBe(2);
  expect((await sayCommand([...words, '--check'])).exit).toBe(4);
  const done = await sayCommand([...words, '--yes']);
  expect(done.exit).toBe(0);
  expect(done.notes).toContain('make price tenantry.team.seat.month: 500 usd');
  expect(done.notes).toContain('make coupon half ("half"): 50 % off for 3 months');
  expect(done.notes).toContain(
    'make promotion code WELCOME of coupon half: any number of times, for the first payment',
  );
  expect(await sayCommand([...words, '--check'])).toMatchObject({ exit: 0 });
});

describe('what is sold', () => {
  const plans = definePlans({
    free: { quotas: { calls: { amount: 0, per: 'month' } } },
    team: { quotas: { calls: { amount: 0, per: 'month', overage: 'bill' } } },
  });
  const until = new Date('2027-01-01T00:00:00Z');
  const first: PriceDefinitions['coupons'] = {
    half: { name: 'Half', percentOff: 50, duration: 'once', codes: { WELCOME: { firstTime: true }, Summer: {} } },
    five: { amountOff: { usd: 500, eur: 450 }, duration: 'repeating', months: 3, redeemBy: until },
  };

  function program(coupons: PriceDefinitions['coupons'], { fake, stripe }: ReturnType<typeof shop>) {
    const amounts = { usd: '0.5', eur: '0.45', jpy: '70' };
    const base = { usd: 2_000, eur: 1_900, jpy: 300_000 };
    const prices = definePrices(plans, {
      plans: { team: { month: { base, metered: { calls: amounts } } } },
      ...(coupons !== undefined && { coupons }),
    });
    return createTenantry({
      db: database.app,
      plans,
      strategy: perUser({ plan: 'free' }),
      clock: fake.clock,
      billing: { provider: stripeProvider({ stripe, livemode: false, webhookSecret: 'whsec_x' }), prices },
    });
  }

  function shop() {
    const fake = createFakeStripe();
    stripeSchema().watch(fake);
    return { fake, stripe: clientOf(fake) };
  }

  async function sync({ billing: { catalogue } }: ReturnType<typeof program>): Promise<string[]> {
    const plan = await catalogue.plan();
    await catalogue.apply(plan);
    return plan.steps.map((step) => step.do);
  }

  it('has fractions of a minor unit in every currency', async () => {
    const at = shop();
    const { billing } = program(undefined, at);
    await billing.catalogue.apply(await billing.catalogue.plan());
    expect(await billing.checkPrices()).toEqual([]);
    const [price] = at.fake.list('price').filter(({ lookup_key: key }) => key === 'tenantry.team.metered.calls.month');
    const { currency_options: options } = await at.stripe.prices.retrieve(String(price?.id), {
      expand: ['currency_options'],
    });
    expect(Object.entries(options ?? {}).map(([name, one]) => [name, String(one.unit_amount_decimal)])).toEqual(
      expect.arrayContaining([
        ['usd', '0.5'],
        ['eur', '0.45'],
        ['jpy', '70'],
      ]),
    );
    expect((await billing.catalogue.plan()).steps).toEqual([]);
  });

  it('has the coupons and promotion codes of the list, which are made once', async () => {
    const at = shop();
    const sold = program(first, at);
    const steps = (await sync(sold)).filter((step) => step.endsWith('coupon') || step.endsWith('code'));
    expect(steps).toEqual(['create-coupon', 'create-code', 'create-code', 'create-coupon']);
    expect(await sync(sold)).toEqual([]);
    expect(await sold.billing.checkPrices()).toEqual([]);
    expect(await at.stripe.coupons.retrieve('five', { expand: ['currency_options'] })).toMatchObject({
      amount_off: 500,
      currency: 'usd',
      currency_options: { eur: { amount_off: 450 } },
      duration_in_months: 3,
      redeem_by: until.getTime() / 1000,
    });
    const { tenantId } = await sold.tenancy.provision({ userId: 'five' });
    const wish = { tenantId, plan: 'team', currency: 'eur', coupon: 'five', daysUntilDue: 14 } as const;
    await sold.billing.subscribe(wish);
    expect(at.fake.list('invoice').at(-1)).toMatchObject({ total: 1_450, currency: 'eur' });
  });

  it('takes other names and other codes over, and leaves a code alone that was taken back or used up', async () => {
    const at = shop();
    await sync(program(first, at));
    const summer = (await at.stripe.promotionCodes.list({ code: 'SUMMER' })).data[0];
    await at.stripe.promotionCodes.update(summer?.id ?? '', { active: false });
    expect(await sync(program(first, at))).toEqual([]);
    const codes = { WELCOME: { maxRedemptions: 100 }, Summer: { expiresAt: until } };
    const changed = program({ ...first, half: { percentOff: 50, duration: 'once', name: '½', codes } }, at);
    expect(await changed.billing.checkPrices()).toMatchObject([
      { lookupKey: 'WELCOME', problem: 'promotion-code' },
      { lookupKey: 'Summer', problem: 'promotion-code' },
    ]);
    expect(await sync(changed)).toEqual(['rename-coupon', 'replace-code', 'replace-code']);
    expect(await sync(changed)).toEqual([]);
    const active = (await at.stripe.promotionCodes.list({ active: true })).data;
    expect(active.map((one) => [one.code, one.max_redemptions, one.expires_at]).toSorted()).toEqual([
      ['Summer', null, until.getTime() / 1000],
      ['WELCOME', 100, null],
    ]);
    expect((await at.stripe.coupons.retrieve('half')).name).toBe('½');
  });

  it('is not mended where a coupon has other terms, or a code is that of another coupon', async () => {
    const at = shop();
    await sync(program(first, at));
    for (const [coupons, lookupKey, problem] of [
      [{ ...first, half: { percentOff: 40, duration: 'once' } }, 'half', 'coupon'],
      [{ ...first, five: { amountOff: { usd: 500, eur: 400 }, duration: 'repeating', months: 3 } }, 'five', 'coupon'],
      [{ third: { percentOff: 10, duration: 'forever', codes: { Welcome: {} } } }, 'Welcome', 'promotion-code'],
    ] as const) {
      const { billing } = program(coupons, at);
      const plan = await billing.catalogue.plan();
      expect(plan.problems).toMatchObject([{ lookupKey, problem }]);
      await expect(billing.catalogue.apply(plan)).rejects.toMatchObject({ code: 'config_invalid' });
    }
  });

  it('goes on where a process ended in the middle', async () => {
    const at = shop();
    const sold = program(first, at);
    const plan = await sold.billing.catalogue.plan();
    for (let step = 1; step <= plan.steps.length; step += 1) {
      const fresh = shop();
      const killed = program(first, fresh);
      const begun = await killed.billing.catalogue.plan();
      const stop = new Error('killed');
      let left = step;
      const apply = killed.billing.catalogue.apply(begun, () => {
        left -= 1;
        if (left === 0) throw stop;
      });
      await expect(apply).rejects.toBe(stop);
      await sync(killed);
      expect(await killed.billing.checkPrices()).toEqual([]);
      expect(fresh.fake.list('promotion_code')).toHaveLength(2);
      expect(fresh.fake.list('price')).toHaveLength(2);
    }
  });
});
