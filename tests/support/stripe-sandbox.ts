import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import Stripe from 'stripe';
import type { PriceCatalogue } from '../../src/billing/index.ts';

/** A Stripe that is reached over the network: its address and the key are all that tells one from another. */
export interface SandboxAccess {
  /** A secret or restricted key of the test mode. */
  readonly key: string;
  /** `https://api.stripe.com` when absent. */
  readonly url?: string | undefined;
}

/** An account at Stripe in which a run of tests has names of its own and leaves nothing behind. */
export interface StripeSandbox {
  /** Makes every customer under a test clock, so that its time can pass. */
  readonly stripe: Stripe;
  /** Begins the names of what the run makes. */
  readonly prefix: string;
  readonly now: () => Date;
  /** The customers that there are have no time to pass any more. */
  leaveBehind(): void;
  /** Moves the time of the customers made since `leaveBehind`, and waits until Stripe has done what was due. */
  advance(days: number): Promise<void>;
  /** Gives a customer a card that pays. */
  fund(customerId: string): Promise<void>;
  payInvoice(invoiceId: string): Promise<void>;
  /** What happened since it was asked last, oldest first; the first time it is asked: nothing. */
  events(): Promise<readonly Stripe.Event[]>;
  /** Deletes or archives what the run made. */
  cleanUp(prices: PriceCatalogue): Promise<void>;
}

const began = new Date('2026-01-31T10:00:00Z');
const patienceSeconds = 180;

/** Refuses a key with which real money could be moved, before it is sent anywhere. */
export function testKey(key: string): string {
  if (/^(sk|rk)_test_[A-Za-z0-9_]+$/.test(key)) return key;
  const problem = /^(sk|rk)_live_/.test(key) ? 'it is a live key' : 'it is no secret key of the test mode';
  throw new Error(`this key is not used: ${problem}`);
}

/** Opens a sandbox. */
export function openSandbox({ key, url = 'https://api.stripe.com' }: SandboxAccess): StripeSandbox {
  const { hostname: host, port, protocol } = new URL(url);
  const access = {
    host,
    ...(port !== '' && { port }),
    protocol: protocol === 'http:' ? ('http' as const) : ('https' as const),
    maxNetworkRetries: 3,
    telemetry: false,
  };
  const plain = new Stripe(testKey(key), access);
  const prefix = `tenantry_${randomUUID().slice(0, 8)}`;
  let now = began;
  /** The test clock of each customer, by the idempotency key of the request that makes it: the same wish, the same clock. */
  const clocks = new Map<string, Promise<string>>();
  const left = new Set<string>();

  async function makeClock(): Promise<string> {
    const frozen = Math.floor(now.getTime() / 1000);
    return (await plain.testHelpers.testClocks.create({ frozen_time: frozen, name: prefix })).id;
  }

  /** The library knows nothing of test clocks: the parameter is put in on the way. */
  async function fetchOnClock(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const at = new URL(input instanceof Request ? input.url : input);
    if (init.method !== 'POST' || at.pathname !== '/v1/customers') return fetch(input, init);
    const headers = new Headers(init.headers);
    headers.delete('content-length');
    const wish = headers.get('idempotency-key') ?? randomUUID();
    const clock = clocks.get(wish) ?? makeClock();
    clocks.set(wish, clock);
    const params = new URLSearchParams(String(init.body ?? ''));
    params.set('test_clock', await clock);
    return fetch(input, { ...init, headers, body: params.toString() });
  }

  async function move(clock: string): Promise<void> {
    const frozen = Math.floor(now.getTime() / 1000);
    let { status } = await plain.testHelpers.testClocks.advance(clock, { frozen_time: frozen });
    for (let seconds = 0; status !== 'ready'; seconds += 1) {
      if (status !== 'advancing' || seconds > patienceSeconds) throw new Error(`the test clock is ${status}`);
      await wait(1000);
      ({ status } = await plain.testHelpers.testClocks.retrieve(clock));
    }
  }

  let last: string | undefined;

  return {
    stripe: new Stripe(key, { ...access, httpClient: Stripe.createFetchHttpClient(fetchOnClock) }),
    prefix,
    now: () => now,

    leaveBehind() {
      for (const wish of clocks.keys()) left.add(wish);
    },

    async advance(days) {
      now = new Date(now.getTime() + days * 86_400_000);
      const moving = [...clocks].filter(([wish]) => !left.has(wish));
      await Promise.all(moving.map(async ([, clock]) => move(await clock)));
    },

    async fund(customerId) {
      const { id } = await plain.paymentMethods.attach('pm_card_visa', { customer: customerId });
      await plain.customers.update(customerId, { invoice_settings: { default_payment_method: id } });
    },

    async payInvoice(invoiceId) {
      await plain.invoices.pay(invoiceId);
    },

    async events() {
      if (last === undefined) {
        const newest = await plain.events.list({ limit: 1 });
        last = newest.data[0]?.id;
        if (last === undefined) throw new Error('nothing has happened in this account yet');
        return [];
      }
      const found: Stripe.Event[] = [];
      for (;;) {
        const page = await plain.events.list({ limit: 100, ending_before: last });
        found.push(...page.data.toReversed());
        last = page.data[0]?.id ?? last;
        if (!page.has_more || page.data.length === 0) return found;
      }
    },

    async cleanUp(prices) {
      for (const clock of clocks.values()) await plain.testHelpers.testClocks.del(await clock);
      const productIds = [...new Set(prices.prices.map(({ productId }) => productId))];
      for (const product of productIds) {
        for await (const { id } of plain.prices.list({ product, active: true, limit: 100 })) {
          await plain.prices.update(id, { active: false });
        }
        // A product that has prices cannot be deleted.
        await plain.products.update(product, { active: false });
      }
      const meters = new Set(prices.prices.map(({ meter }) => meter));
      for await (const { id, event_name } of plain.billing.meters.list({ status: 'active', limit: 100 })) {
        if (meters.has(event_name)) await plain.billing.meters.deactivate(id);
      }
      for (const coupon of Object.keys(prices.coupons)) await plain.coupons.del(coupon);
    },
  };
}
