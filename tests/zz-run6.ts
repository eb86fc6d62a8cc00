import { PGlite } from 'file:///work/main/node_modules/@electric-sql/pglite/dist/index.js';
import { Kysely, PGliteDialect } from 'file:///work/main/node_modules/kysely/dist/index.js';
import Stripe from 'file:///work/main/node_modules/stripe/esm/stripe.esm.node.js';
import { createTenantry, definePlans, hybridSeats } from '/work/main/src/index.ts';
import { definePrices, stripeProvider } from '/work/main/src/billing/index.ts';
import { installSchema } from '/work/main/src/database/index.ts';
import { createFakeStripe } from '/work/main/src/testing/index.ts';

const db = new Kysely<Record<never, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
await installSchema(db);

const plans = definePlans({
  free: { quotas: { calls: { amount: 50, per: 'month' } } },
  pro: { quotas: { calls: { amount: 2_000, per: 'month' } }, trialDays: 14 },
});
const prices = definePrices(plans, { plans: { pro: { month: { base: 2_900 }, year: { base: 29_000 } } } });

// In a program: new Stripe(process.env.STRIPE_KEY). Here it is one that runs in this process.
const fake = createFakeStripe();
const stripe = new Stripe('sk_test_fake', { httpClient: Stripe.createFetchHttpClient(fake.fetch) });

const tenantry = createTenantry({
  db,
  plans,
  strategy: hybridSeats({ plan: 'free' }),
  clock: fake.clock,
  billing: { provider: stripeProvider({ stripe, livemode: false, webhookSecret: 'whsec_fake' }), prices },
});
const { billing } = tenantry;
await billing.catalogue.apply(await billing.catalogue.plan()); // makes the products and prices, once
const { tenantId } = await tenantry.tenancy.provision({ userId: 'ada', name: 'Acme' });
const urls = { successUrl: 'https://app.example/back', cancelUrl: 'https://app.example/plans' };
const { url, sessionId, trialDays } = await billing.checkout({ tenantId, plan: 'pro', ...urls });
console.log(url, trialDays); // send the payer there; 14
fake.completeCheckout(sessionId); // what the payer does
const state = await billing.sync(tenantId);
console.log(state.plan, state.status); // 'pro' 'trialing'
fake.webhooks.connect({
  secret: 'whsec_fake',
  async handler(body, headers) {
    await billing.receive(body, headers);
    return 200; // and 400 where it throws `webhook_signature_invalid`
  },
});
await billing.processDue(); // one pass
const stopping = new AbortController();
const working = billing.work({ signal: stopping.signal }); // until it is told to end
stopping.abort();
await working;
for (const event of await billing.events.dead()) console.log(event.type, event.error);
await billing.events.replay(); // has all of them worked on again
const preview = await billing.preview({ tenantId, plan: 'pro', interval: 'year' });
console.log(preview.total, preview.proration); // minor units
await billing.swap({ tenantId, plan: 'pro', interval: 'year', prorationDate: preview.prorationDate });
await billing.cancel({ tenantId, when: 'period-end' }); // or 'now', or a date
await billing.resume({ tenantId });
await billing.pause({ tenantId });
await billing.unpause({ tenantId });
const portal = await billing.portal({ tenantId, returnUrl: 'https://app.example/billing', to: 'payment-method' });
console.log(portal.url);
const report = await billing.reconcile({ onProgress: ({ done, total }) => console.log(`${done} of ${total}`) });
console.log(report.drift.length); // 0
await billing.reconcile({ tenantId, mend: true }); // takes over what Stripe says