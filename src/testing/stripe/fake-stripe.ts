import { fixedClock } from '../fixed.ts';
import { nextDue } from './billing/due.ts';
import { attemptPayment } from './billing/pay-invoice.ts';
import { completeCheckout } from './complete-checkout.ts';
import type { FakeStripe, FakeStripeOptions } from './fake-stripe-interface.ts';
import { createFaults } from './faults.ts';
import { createLine } from './line.ts';
import { present } from './present.ts';
import { createRandom } from './random.ts';
import { setCard } from './set-card.ts';
import { createTime } from './time.ts';
import { usePortal } from './use-portal.ts';
import { createWebhooks } from './webhooks.ts';
import { createWorld, tablesOf } from './world.ts';

/** The version of Stripe's API that the fake speaks. */
const apiVersion = '2026-10-28.endive';

/**
 * Makes a Stripe that runs in this process: the real client talks to it, no network and no account are needed. It keeps
 * state, moves time, charges test cards, sends signed webhooks, and fails when it is told to. What it does not simulate it
 * refuses with the code `not_simulated`.
 *
 * @example
 * ```ts
 * import Stripe from 'stripe';
 * import { createFakeStripe } from 'tenantry/testing';
 *
 * const fake = createFakeStripe();
 * const stripe = new Stripe('sk_test_1', { httpClient: Stripe.createFetchHttpClient(fake.fetch) });
 * const product = await stripe.products.create({ name: 'Pro' });
 * const price = await stripe.prices.create({
 *   product: product.id,
 *   currency: 'usd',
 *   unit_amount: 2900,
 *   recurring: { interval: 'month' },
 * });
 * const customer = await stripe.customers.create({ email: 'ada@example.com', payment_method: 'pm_card_visa' });
 * fake.setCard(customer.id, 'ok');
 * await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
 * await fake.advance({ days: 32 });
 * fake.list('invoice').length; // 2
 * ```
 */
export function createFakeStripe(options: FakeStripeOptions = {}): FakeStripe {
  const { seed = 1, livemode = false, retryDays = [3, 5, 7], afterRetries = 'cancel' } = options;
  const time = createTime(options.clock ?? fixedClock());
  const world = createWorld({
    livemode,
    random: createRandom(seed),
    settings: { retryDays, afterRetries, searchLag: options.searchLag ?? 60, taxPercent: options.taxPercent ?? 0 },
    apiVersion,
    now: time.seconds(),
  });
  // Chances of their own, so that a fault or a policy does not change the ids of objects.
  const faults = createFaults(createRandom(seed + 1));
  const webhooks = createWebhooks(world, createRandom(seed + 2));
  const line = createLine(world, faults, catchUp);

  /** When something is due next, as long as nothing was made or told since. */
  let rest = { made: -1, until: 0 };

  /** Does what has become due, each at its own time. */
  function catchUp(until = time.seconds()): void {
    if (rest.made === world.made && until < rest.until) {
      world.now = until;
      return;
    }
    for (let steps = 0; ; steps += 1) {
      const due = nextDue(world);
      if (due === undefined || due.at > until) {
        rest = { made: world.made, until: due?.at ?? Number.POSITIVE_INFINITY };
        break;
      }
      if (steps > 100_000) throw new Error('the fake does not come to rest');
      world.now = Math.max(world.now, due.at);
      due.run();
    }
    world.now = until;
  }

  async function moveTo(target: number): Promise<void> {
    if (target < time.seconds()) throw new RangeError('the clock of a fake Stripe moves forward only');
    catchUp();
    for (;;) {
      const due = nextDue(world)?.at ?? Number.POSITIVE_INFINITY;
      const hook = webhooks.nextAt() ?? Number.POSITIVE_INFINITY;
      const next = Math.min(due, hook);
      if (next > target) break;
      time.set(Math.max(time.seconds(), next));
      catchUp();
      await webhooks.deliver();
    }
    time.set(target);
    catchUp();
  }

  function kept(id: string) {
    const row = world.find(id);
    if (row === undefined) throw new Error(`the fake has no object ${id}`);
    return row;
  }

  return {
    fetch: line.fetch,
    calmFetch: line.calmFetch,
    clock: time.clock,
    advance: ({ days = 0, hours = 0, minutes = 0, seconds = 0 }) =>
      moveTo(time.seconds() + days * 86_400 + hours * 3600 + minutes * 60 + seconds),
    advanceTo: (to) => moveTo(Math.floor(new Date(to).getTime() / 1000)),
    fail: (fault) => faults.set(fault),
    heal: () => faults.clear(),
    webhooks,
    get events() {
      return [...world.events.values()].map((event) => present(world, event));
    },
    get(id) {
      const row = world.find(id);
      return row === undefined ? undefined : present(world, row);
    },
    list(object) {
      const rows = tablesOf(world).flatMap((table) => [...table.values()]);
      return rows.filter((row) => row.object === object).map((row) => present(world, row));
    },
    completeCheckout(session, purchase) {
      catchUp();
      return present(world, completeCheckout(world, session, purchase));
    },
    usePortal(session, act) {
      catchUp();
      usePortal(world, session, act);
    },
    setCard: (customer, card) => setCard(world, customer, card),
    payInvoice(id) {
      catchUp();
      const invoice = world.invoices.get(id);
      if (invoice === undefined) throw new Error(`the fake has no invoice ${id}`);
      setCard(world, invoice.customer, 'ok');
      attemptPayment(world, invoice);
      return present(world, invoice);
    },
    plant(id, fields, { event } = {}) {
      const row = kept(id);
      const before = present(world, row);
      const strange = Object.entries(fields).filter(([name]) => !(name in row));
      world.planted.set(id, { ...world.planted.get(id), ...Object.fromEntries(strange) });
      for (const [name, value] of Object.entries(fields)) if (name in row) Object.assign(row, { [name]: value });
      rest = { made: -1, until: 0 };
      const previous = Object.fromEntries(Object.keys(fields).map((name) => [name, before[name] ?? null]));
      if (event !== undefined) world.tell(event, row, previous);
    },
    remove(id) {
      kept(id);
      for (const table of tablesOf(world)) table.delete(id);
      rest = { made: -1, until: 0 };
    },
    onExchange: line.onExchange,
  };
}
