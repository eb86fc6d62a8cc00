import type Stripe from 'stripe';
import { TenantryError } from '../../core/index.ts';
import type { NewCheckout, NewPortal, ProviderCheckout, ProviderCheckouts } from '../provider/checkout.ts';
import type { StripeCalls } from './call-stripe.ts';
import type { StripeClient } from './stripe-client.ts';
import { idOf, metadataNames, timeOf } from './stripe-ids.ts';
import { itemParams } from './stripe-subscriptions.ts';

/** The checkouts of Stripe. */
export function createStripeCheckouts(stripe: StripeClient, calls: StripeCalls): ProviderCheckouts {
  const read = (id: string) =>
    calls.maybe('checkout.sessions.retrieve', 'checkout.session', () => stripe.checkout.sessions.retrieve(id));

  return {
    async create(input, { idempotencyKey }) {
      const session = await calls.one('checkout.sessions.create', 'checkout.session', () =>
        stripe.checkout.sessions.create(paramsOf(input), { idempotencyKey }),
      );
      return checkoutOf(session);
    },

    async read(id) {
      const session = await read(id);
      return session === null ? null : checkoutOf(session);
    },

    async listOpen(customerId) {
      const open = await calls.all('checkout.sessions.list', 'checkout.session', (after) =>
        stripe.checkout.sessions.list({
          customer: customerId,
          status: 'open',
          limit: 100,
          ...(after !== undefined && { starting_after: after }),
        }),
      );
      return open.map(checkoutOf);
    },

    async expire(id, { idempotencyKey }) {
      try {
        const expired = await calls.one('checkout.sessions.expire', 'checkout.session', () =>
          stripe.checkout.sessions.expire(id, {}, { idempotencyKey }),
        );
        return checkoutOf(expired);
      } catch (error) {
        // One that was completed or expired meanwhile cannot be expired: what it is now says which.
        const session = await read(id);
        if (session === null || session.status === 'open') throw error;
        return checkoutOf(session);
      }
    },
  };
}

/** Opens Stripe's portal. */
export async function openStripePortal(
  stripe: StripeClient,
  calls: StripeCalls,
  { customerId, returnUrl, place, configuration, locale }: NewPortal,
): Promise<{ readonly url: string }> {
  const flow = flowOf(place);
  const session = await calls.one('billingPortal.sessions.create', 'billing_portal.session', () =>
    stripe.billingPortal.sessions.create({
      customer: customerId,
      return_url: returnUrl,
      ...(flow !== undefined && { flow_data: flow }),
      ...(configuration !== undefined && { configuration }),
      ...(locale !== undefined && { locale }),
    }),
  );
  if (typeof session.url !== 'string') {
    const details = { provider: 'stripe', operation: 'billingPortal.sessions.create', problem: 'it has no address' };
    throw new TenantryError('provider_answer_invalid', details);
  }
  return { url: session.url };
}

function flowOf(place: NewPortal['place']): Stripe.BillingPortal.SessionCreateParams.FlowData | undefined {
  switch (place.to) {
    case 'home':
      return undefined;
    case 'payment-method':
      return { type: 'payment_method_update' };
    case 'cancel':
      return { type: 'subscription_cancel', subscription_cancel: { subscription: place.subscriptionId } };
    case 'change':
      return { type: 'subscription_update', subscription_update: { subscription: place.subscriptionId } };
  }
}

function paramsOf(input: NewCheckout): Stripe.Checkout.SessionCreateParams {
  const { tenantId, plan, trialDays, trialWithoutCard, coupon, promotionCodes, automaticTax, locale } = input;
  const metadata = { [metadataNames.tenant]: tenantId, [metadataNames.plan]: plan };
  return {
    mode: 'subscription',
    customer: input.customerId,
    client_reference_id: tenantId,
    line_items: input.items.map(itemParams),
    currency: input.currency,
    success_url: input.successUrl,
    cancel_url: input.cancelUrl,
    metadata,
    subscription_data: {
      metadata,
      ...(trialDays !== undefined && { trial_period_days: trialDays }),
      ...(trialDays !== undefined &&
        trialWithoutCard === true && { trial_settings: { end_behavior: { missing_payment_method: 'cancel' } } }),
    },
    ...(trialDays !== undefined && trialWithoutCard === true && { payment_method_collection: 'if_required' }),
    // The two exclude each other.
    ...(coupon !== undefined
      ? { discounts: [{ coupon }] }
      : promotionCodes === true && { allow_promotion_codes: true }),
    ...(automaticTax === true && { automatic_tax: { enabled: true }, customer_update: { address: 'auto' } }),
    ...(locale !== undefined && { locale }),
  };
}

function checkoutOf(session: Stripe.Checkout.Session): ProviderCheckout {
  return {
    id: session.id,
    customerId: idOf(session.customer),
    status: session.status ?? 'open',
    url: session.url,
    expiresAt: timeOf(session.expires_at),
    subscriptionId: idOf(session.subscription),
  };
}
