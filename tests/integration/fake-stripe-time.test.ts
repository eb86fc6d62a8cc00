import fc from 'fast-check';
import { fixedClock } from 'tenantry/testing';
import { describe, expect, it } from 'vitest';
import { at, clientOf, openShop } from '../support/stripe-shop.ts';

const day = 86_400;

/** The periods that were billed for a price, in their order. */
function periods(fake: Awaited<ReturnType<typeof openShop>>['fake'], price: string): { start: number; end: number }[] {
  const lines = fake.list('invoice').flatMap((invoice) => Reflect.get(Object(invoice.lines), 'data'));
  return lines.filter((line) => line.pricing.price_details.price === price).map(({ period }) => period);
}

describe('renewals', () => {
  it('tile time from any start and for any interval: no gap, no overlap, and month ends do not creep', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: at('2024-01-01'), max: at('2027-12-31') }),
        fc.constantFrom('day', 'week', 'month', 'year'),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.integer({ min: 1, max: 90 * day }), { minLength: 1, maxLength: 8 }),
        async (start, interval, count, steps) => {
          const clock = fixedClock(new Date(start * 1000));
          const { fake, stripe, product, customer } = await openShop({ clock });
          const price = await stripe.prices.create({
            product,
            currency: 'usd',
            unit_amount: 100,
            recurring: { interval, interval_count: count },
          });
          const subscription = await stripe.subscriptions.create({
            customer: await customer(),
            items: [{ price: price.id }],
          });
          for (const step of steps) await fake.advance({ seconds: step });
          const billed = periods(fake, price.id);
          expect(billed[0]?.start).toBe(start);
          for (const [index, period] of billed.entries()) {
            const next = billed[index + 1];
            if (next !== undefined) expect(next.start).toBe(period.end);
            if (interval === 'month' || interval === 'year') {
              const [from, border] = [new Date(start * 1000), new Date(period.end * 1000)];
              const last = new Date(Date.UTC(border.getUTCFullYear(), border.getUTCMonth() + 1, 0)).getUTCDate();
              expect(border.getUTCDate()).toBe(Math.min(from.getUTCDate(), last));
            }
          }
          const now = Math.floor(fake.clock().getTime() / 1000);
          expect(billed.at(-1)?.end).toBeGreaterThan(now);
          expect(billed.at(-1)?.start).toBeLessThanOrEqual(now);
          const { items } = await stripe.subscriptions.retrieve(subscription.id);
          expect(items.data[0]?.current_period_end).toBe(billed.at(-1)?.end);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('come out the same whether the clock jumps or walks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 * day }), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (steps, declines) => {
          const run = async (walks: boolean): Promise<unknown> => {
            const { fake, stripe, prices, customer } = await openShop();
            const id = await customer();
            await stripe.subscriptions.create({
              customer: id,
              items: [{ price: prices.base }, { price: prices.seat, quantity: 2 }, { price: prices.yearly }],
            });
            if (declines) fake.setCard(id, 'declines');
            if (walks) for (const step of steps) await fake.advance({ seconds: step });
            else await fake.advance({ seconds: steps.reduce((sum, step) => sum + step, 0) });
            return fake.events.map(({ request, ...event }) => event);
          };
          expect(await run(true)).toEqual(await run(false));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('a change in the middle never bills a second twice: what is credited and charged adds up', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ wait: fc.integer({ min: 0, max: 20 * day }), seats: fc.integer({ min: 0, max: 50 }) }), {
          minLength: 1,
          maxLength: 8,
        }),
        async (changes) => {
          const { fake, stripe, prices, customer } = await openShop();
          const subscription = await stripe.subscriptions.create({
            customer: await customer(),
            items: [{ price: prices.seat, quantity: 1 }],
          });
          const item = subscription.items.data[0]?.id ?? '';
          let seats = 1;
          let seconds = 0; // seat seconds, weighed by what a second of its period costs
          const spend = (from: number, to: number): void => {
            for (let moment = from; moment < to; ) {
              const date = new Date(moment * 1000);
              const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / 1000;
              const next = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / 1000;
              const end = Math.min(next, to);
              seconds += (seats * 1000 * (end - moment)) / (next - first);
              moment = end;
            }
          };
          let now = at('2026-01-01');
          for (const change of changes) {
            await fake.advance({ seconds: change.wait });
            spend(now, now + change.wait);
            now += change.wait;
            await stripe.subscriptionItems.update(item, { quantity: change.seats });
            seats = change.seats;
          }
          const end = (await stripe.subscriptionItems.retrieve(item)).current_period_end;
          spend(now, end);
          const billed = fake.list('invoice').reduce((sum, { total }) => sum + Number(total), 0);
          const { data } = await stripe.invoiceItems.list({ pending: true, limit: 100 });
          const pending = data.reduce((sum, { amount }) => sum + amount, 0);
          // Each part is rounded to a cent by itself.
          expect(Math.abs(billed + pending - seconds)).toBeLessThanOrEqual(2 * changes.length);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('the clock', () => {
  it('of the application is moved along, or followed where it moves by itself', async () => {
    const clock = fixedClock('2026-01-31T00:00:00Z');
    const { fake, stripe, prices, customer } = await openShop({ clock });
    await stripe.subscriptions.create({ customer: await customer(), items: [{ price: prices.base }] });
    await fake.advance({ days: 1 });
    expect(clock().toISOString()).toBe('2026-02-01T00:00:00.000Z');
    clock.set('2026-03-01T00:00:00Z');
    const [newest] = (await stripe.invoices.list()).data;
    expect(newest?.created).toBe(at('2026-02-28'));
    await expect(fake.advanceTo('2026-01-01T00:00:00Z')).rejects.toThrow(RangeError);
  });

  it('that cannot be set is counted on from', async () => {
    const { fake } = await openShop({ clock: () => new Date('2026-06-01T00:00:00Z') });
    await fake.advanceTo('2026-07-01T00:00:00Z');
    expect(fake.clock().toISOString()).toBe('2026-07-01T00:00:00.000Z');
    expect((await clientOf(fake).customers.create({})).created).toBe(at('2026-07-01'));
  });
});
