import { TenantryError } from '../../core/index.ts';
import type { MakeProvider } from '../provider.ts';
import { createStripeCalls } from './call-stripe.ts';
import { readStripeEvent } from './read-event.ts';
import { createStripeCheckouts, openStripePortal } from './stripe-checkouts.ts';
import type { StripeClient } from './stripe-client.ts';
import { createStripeCoupons } from './stripe-coupons.ts';
import { createStripeCustomers } from './stripe-customers.ts';
import { listStripeMade } from './stripe-made.ts';
import { meterAtStripe, meteredAtStripe } from './stripe-meters.ts';
import { createStripeMoney } from './stripe-money.ts';
import { createStripePrices } from './stripe-prices.ts';
import { createStripeResolve } from './stripe-resolve.ts';
import { createStripeSubscriptions } from './stripe-subscriptions.ts';

/** What {@link stripeProvider} is made from. */
export interface StripeProviderOptions {
  /** The program's own client of the package `stripe`, version 23. */
  readonly stripe: StripeClient;
  /** Whether its key is of the live mode. Objects of the other mode are refused: test money buys nothing. */
  readonly livemode: boolean;
  /** The signing secret of the endpoint that sends to `billing.receive`, or several while one is being replaced. */
  readonly webhookSecret: string | readonly string[];
}

/**
 * Makes Stripe the provider of billing. It is written for the API 2026-10-28.endive, to which version 23 of the client is
 * bound.
 *
 * @example
 * ```ts
 * import Stripe from 'stripe';
 * import { stripeProvider } from 'tenantry/billing';
 *
 * const stripe = new Stripe('sk_test_of_the_program');
 * const provider = stripeProvider({ stripe, livemode: false, webhookSecret: 'whsec_of_the_endpoint' });
 * ```
 */
export function stripeProvider({ stripe, livemode, webhookSecret }: StripeProviderOptions): MakeProvider {
  return ({ clock, unwrapStripe }) => {
    if (unwrapStripe === undefined) {
      const problem = "hand in unwrapStripeWebhook of 'tenantry/webhooks'";
      throw new TenantryError('config_invalid', { path: 'billing.unwrapStripe', problem });
    }
    if (typeof livemode !== 'boolean') {
      throw new TenantryError('config_invalid', { path: 'stripeProvider.livemode', problem: 'must be true or false' });
    }
    const calls = createStripeCalls(livemode);
    return {
      name: 'stripe',
      livemode,
      capabilities: {
        checkout: true,
        portal: true,
        pause: true,
        scheduledChanges: true,
        proration: true,
        meters: true,
        events: true,
        creditNotes: true,
      },
      customers: createStripeCustomers(stripe, calls),
      subscriptions: createStripeSubscriptions(stripe, calls, clock),
      checkouts: createStripeCheckouts(stripe, calls),
      prices: createStripePrices(stripe, calls),
      coupons: createStripeCoupons(stripe, calls),
      money: createStripeMoney(stripe, calls),
      portal: (input) => openStripePortal(stripe, calls, input),
      meter: (event, call) => meterAtStripe(stripe, calls, event, call),
      metered: (query) => meteredAtStripe(stripe, calls, query),
      event: ({ headers, body }) =>
        readStripeEvent(unwrapStripe({ headers, body, secret: webhookSecret, clock }).payload),
      resolve: createStripeResolve(stripe, calls),
      made: (tenantId) => listStripeMade({ stripe, calls, clock }, tenantId),
    };
  };
}
