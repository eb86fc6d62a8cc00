import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect } from 'kysely';
import Stripe from 'stripe';
import { createTenantry, definePlans, perUser } from 'tenantry';
import { definePrices, stripeProvider } from 'tenantry/billing';
import { expectTypeOf, it } from 'vitest';

const db = new Kysely<Record<never, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
const plans = definePlans({ free: {}, pro: {} });
const strategy = perUser({ plan: 'free' });
const urls = { successUrl: 'https://app.example', cancelUrl: 'https://app.example' };

it('is there where it is asked for, and knows the plans', () => {
  const provider = stripeProvider({ stripe: new Stripe('sk_test_x'), livemode: false, webhookSecret: 'whsec_x' });
  const prices = definePrices(plans, { plans: { pro: { month: { base: 100 } } } });
  const { billing } = createTenantry({ db, plans, strategy, billing: { provider, prices } });
  expectTypeOf(billing.checkout).toBeCallableWith({ tenantId: 'x', plan: 'pro', ...urls });
  // @ts-expect-error No plan of that name.
  void (() => billing.checkout({ tenantId: 'x', plan: 'prp', ...urls }));
});

it('is not there otherwise', () => {
  expectTypeOf(createTenantry({ db, plans, strategy }).billing).toEqualTypeOf<undefined>();
});
