import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect } from 'kysely';
import Stripe from 'stripe';
import { createTenantry, definePlans, perUser, type TenantryBilling } from 'tenantry';
import { type Billing, definePrices, manualProvider, stripeProvider } from 'tenantry/billing';
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

it('knows the plans beside hooks of every kind, wherever they stand and whatever they take for granted', () => {
  const prices = definePrices(plans, { plans: { pro: { month: { base: 100 } } } });
  const tenantry = createTenantry({
    db,
    plans,
    strategy,
    clock: () => new Date(0),
    billing: {
      provider: manualProvider({
        prices,
        series: ({ issuedAt }) => String(issuedAt.getUTCFullYear()),
        number: ({ series, sequence }) => `${series}-${sequence}`,
        tax: ({ subtotal }) => Math.round(subtotal / 5),
      }),
      prices,
      pastDue: { graceDays: 7 },
      manual: {
        series: (document) => {
          expectTypeOf(document.kind).toEqualTypeOf<'invoice' | 'credit-note'>();
          return document.kind;
        },
        tax: ({ currency }) => (currency === 'eur' ? 19 : 0),
      },
    },
    events: async (event) => {
      if (event.name === 'subscription.started') expectTypeOf(event.data.plan).toEqualTypeOf<string | null>();
    },
  });
  expectTypeOf(tenantry.billing).toEqualTypeOf<Billing<'free' | 'pro'>>();
  // @ts-expect-error No plan of that name.
  void (() => tenantry.billing.subscribe({ tenantId: 'x', plan: 'prp' }));
  const provider = manualProvider({});
  void (() =>
    createTenantry({
      db,
      plans,
      strategy,
      // @ts-expect-error The hook takes no such document.
      billing: { provider, prices, manual: { tax: (of: { readonly nothing: string }) => of.nothing.length } },
    }));
  // @ts-expect-error Nobody says what plans cost.
  void (() => createTenantry({ db, plans, strategy, billing: { provider } }));
  const custom = createTenantry({
    db,
    plans,
    strategy,
    billing: { provider: (tools) => manualProvider({})({ ...tools, ids: () => 'x' }), prices },
  });
  expectTypeOf(custom.billing).toEqualTypeOf<Billing<'free' | 'pro'>>();
});

it('is there or not where nobody knows yet', () => {
  const provider = manualProvider({});
  const prices = definePrices(plans, { plans: { pro: { month: { base: 100 } } } });
  const given = (): TenantryBilling | undefined => (db === undefined ? undefined : { provider, prices });
  const { billing } = createTenantry({ db, plans, strategy, billing: given() });
  expectTypeOf(billing).toEqualTypeOf<Billing<'free' | 'pro'> | undefined>();
  const sometimes = createTenantry({
    db,
    plans,
    strategy,
    billing: given() === undefined ? undefined : { provider, prices },
  });
  expectTypeOf(sometimes.billing).toEqualTypeOf<Billing<'free' | 'pro'> | undefined>();
  const never = createTenantry({ db, plans, strategy, billing: undefined });
  expectTypeOf(never.billing).toEqualTypeOf<undefined>();
});

it('is not there otherwise', () => {
  expectTypeOf(createTenantry({ db, plans, strategy }).billing).toEqualTypeOf<undefined>();
});
