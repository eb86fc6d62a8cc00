import Stripe from 'stripe';
import { type Billing, formatMoney, stripeProvider } from 'tenantry/billing';
import { createFakeStripe, type FakeStripe, fixedClock } from 'tenantry/testing';

/** Tells one line of a story. */
export type Say = (line: string) => void;

/** What of billing a till needs. */
type Selling = Pick<Billing, 'catalogue' | 'checkPrices' | 'invoices' | 'processDue' | 'receive'>;

const webhookSecret = 'whsec_example';

/** Opens a Stripe in this process. A program has `new Stripe(process.env.STRIPE_SECRET_KEY)` in its place. */
export function openStripe() {
  const fake = createFakeStripe({ clock: fixedClock('2026-03-01T09:00:00Z') });
  const stripe = new Stripe('sk_test_example', {
    httpClient: Stripe.createFetchHttpClient(fake.fetch),
    maxNetworkRetries: 0,
  });
  return { fake, provider: stripeProvider({ stripe, livemode: false, webhookSecret }) };
}

/** Makes the products and prices at Stripe, and takes its events in. */
export async function openTill(fake: FakeStripe, billing: Selling) {
  await billing.catalogue.apply(await billing.catalogue.plan());
  const wrong = await billing.checkPrices();
  if (wrong.length > 0) throw new Error(`the prices are not as they should be: ${JSON.stringify(wrong)}`);
  fake.webhooks.connect({
    secret: webhookSecret,
    handler: async (body, headers) => (await billing.receive(body, headers)).status,
  });

  /** What the endpoint and the worker of a program do all the time. */
  async function settle(): Promise<void> {
    for (;;) {
      await fake.webhooks.drain();
      const { events, customers, seats, usage } = await billing.processDue();
      if (events.done + customers.done + seats.done + usage.done === 0 && fake.webhooks.waiting === 0) return;
    }
  }

  return {
    settle,
    /** The payer types a card in at the page of a checkout. */
    async pay(sessionId: string): Promise<void> {
      fake.completeCheckout(sessionId);
      await settle();
    },
    async pass(days: number): Promise<void> {
      await fake.advance({ days });
      await settle();
    },
    /** The newest invoice in words: `paid $25.00`. */
    async lastInvoice(tenantId: string): Promise<string> {
      const [invoice] = await billing.invoices(tenantId, { limit: 1 });
      return invoice === undefined ? 'no invoice' : `${invoice.status} ${money(invoice.total, invoice.currency)}`;
    },
  };
}

/** Where the payer goes after a checkout. */
export const urls = { successUrl: 'https://app.example/back', cancelUrl: 'https://app.example/plans' };

/** An amount in words: `$25.00`. */
export function money(amount: number, currency = 'usd'): string {
  return formatMoney({ amount, currency });
}
