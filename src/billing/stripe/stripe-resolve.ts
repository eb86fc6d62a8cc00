import type { EventSubject, ProviderEvent } from '../provider/event.ts';
import type { StripeCalls } from './call-stripe.ts';
import type { StripeClient } from './stripe-client.ts';
import { idOf } from './stripe-ids.ts';

/** Asks Stripe whom an event is about that does not say it itself: thin events, refunds, payments. */
export function createStripeResolve(
  stripe: StripeClient,
  calls: StripeCalls,
): (event: ProviderEvent) => Promise<EventSubject> {
  async function ofInvoice(id: string): Promise<EventSubject> {
    const invoice = await calls.maybe('invoices.retrieve', 'invoice', () => stripe.invoices.retrieve(id));
    return { customerId: idOf(invoice?.customer), invoiceId: id };
  }

  async function ofIntent(paymentIntent: string | null, customerId: string | null): Promise<EventSubject> {
    if (paymentIntent === null) return { customerId, invoiceId: null };
    const payments = await calls.all('invoicePayments.list', 'invoice_payment', (after) =>
      stripe.invoicePayments.list({
        payment: { type: 'payment_intent', payment_intent: paymentIntent },
        limit: 100,
        ...(after !== undefined && { starting_after: after }),
      }),
    );
    const invoiceId = idOf(payments[0]?.invoice);
    return invoiceId === null ? { customerId, invoiceId } : ofInvoice(invoiceId);
  }

  return async ({ objectType, objectId, customerId, invoiceId }) => {
    if (objectId === null) return { customerId, invoiceId };
    switch (objectType) {
      case 'refund': {
        const refund = await calls.maybe('refunds.retrieve', 'refund', () => stripe.refunds.retrieve(objectId));
        return ofIntent(idOf(refund?.payment_intent), customerId);
      }
      case 'payment_intent':
        return ofIntent(objectId, customerId);
      default:
    }
    if (customerId !== null) return { customerId, invoiceId };
    if (invoiceId !== null) return ofInvoice(invoiceId);
    if (objectType === 'subscription') {
      const found = await calls.maybe('subscriptions.retrieve', 'subscription', () =>
        stripe.subscriptions.retrieve(objectId),
      );
      return { customerId: idOf(found?.customer), invoiceId: idOf(found?.latest_invoice) };
    }
    return { customerId, invoiceId };
  };
}
