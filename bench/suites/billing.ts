import Stripe from 'stripe';
import { createBilling, stripeProvider } from '../../src/billing/index.ts';
import { definePlans } from '../../src/plans/index.ts';
import { createFakeStripe } from '../../src/testing/index.ts';
import { signStripeWebhook, unwrapStripeWebhook } from '../../src/webhooks/index.ts';
import type { Suite } from '../harness.ts';

const secret = 'whsec_bench';

/**
 * Accepting an event (verify its signature over the bytes, parse it, store it, answer after the commit) against the bare
 * insert of the same row into a table of the same shape, with its keys, index and row-level security.
 */
export const suite: Suite = async (bench) => {
  const { db, pool, run } = await bench.database();
  await run('create table bench.inbox (like tenantry.webhook_inbox including all)');
  await run('alter table bench.inbox enable row level security');
  await run('create policy bench_all on bench.inbox using (true) with check (true)');
  const fake = createFakeStripe();
  const stripe = new Stripe('sk_test_bench', { httpClient: Stripe.createFetchHttpClient(fake.fetch) });
  const billing = createBilling({
    db,
    provider: stripeProvider({ stripe, livemode: false, webhookSecret: secret }),
    prices: { prices: [] },
    plans: definePlans({ free: {} }),
    fallbackPlan: 'free',
    setPlan: async () => undefined,
    unwrapStripe: unwrapStripeWebhook,
  });

  let count = 0;
  const bodyOf = (id: string): string => template.replace('evt_', id);
  const ours = async (): Promise<void> => {
    count += 1;
    const body = bodyOf(`evt_${count}`);
    // The sender's work, not ours: both sides make the same message.
    const headers = signStripeWebhook({ timestamp: new Date(), body, secret });
    const { repeated } = await billing.receive(body, headers);
    if (repeated) throw new Error('it was there already');
  };
  const signal = JSON.stringify({
    type: 'customer.subscription.updated',
    livemode: false,
    objectType: 'subscription',
    objectId: 'sub_1',
    customerId: 'cus_1',
    tenantId: null,
    invoiceId: 'in_1',
    account: null,
  });
  const reference = async (): Promise<void> => {
    count += 1;
    const id = `evt_${count}`;
    const body = bodyOf(id);
    signStripeWebhook({ timestamp: new Date(), body, secret });
    const now = new Date();
    const { rowCount } = await pool.query({
      name: 'bare-insert',
      text: `insert into bench.inbox (source, message_id, received_at, state, signal, due_at)
        values ($1, $2, $3, 'waiting', $4, $3)`,
      values: ['billing:stripe', id, now, signal],
    });
    if (rowCount !== 1) throw new Error('not inserted');
  };
  return bench.compare({ name: 'inbox/insert', at: [1, 16, 64], ours, reference });
};

/** An event as Stripe sends it, with a subscription of one item: about 3 KB. */
const template = JSON.stringify({
  id: 'evt_',
  object: 'event',
  api_version: '2026-10-28.endive',
  created: 1_780_000_000,
  type: 'customer.subscription.updated',
  livemode: false,
  pending_webhooks: 1,
  request: { id: 'req_1', idempotency_key: 'key' },
  data: {
    object: {
      id: 'sub_1',
      object: 'subscription',
      customer: 'cus_1',
      latest_invoice: 'in_1',
      status: 'active',
      currency: 'usd',
      metadata: {},
      items: {
        object: 'list',
        data: [
          {
            id: 'si_1',
            object: 'subscription_item',
            quantity: 1,
            price: { id: 'price_1', object: 'price', currency: 'usd', unit_amount: 2900, metadata: {} },
          },
        ],
      },
      description: 'x'.repeat(2000),
    },
  },
});
