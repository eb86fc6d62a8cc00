import type Stripe from 'stripe';
import type { ProviderCall } from '../provider/call.ts';
import type {
  MeterEvent,
  ProviderDocuments,
  ProviderMoney,
  ProviderPayment,
  ProviderRefund,
} from '../provider/document.ts';
import type { StripeCalls } from './call-stripe.ts';
import { creditNoteOf, intentOf, invoiceOf, paymentOf, refundOf } from './read-invoice.ts';
import type { StripeClient } from './stripe-client.ts';
import { idOf, secondsOf } from './stripe-ids.ts';

const reasons = ['duplicate', 'fraudulent', 'requested_by_customer'] as const;

/** Invoices, payments, refunds and credit notes of Stripe. */
export function createStripeMoney(stripe: StripeClient, calls: StripeCalls): ProviderMoney {
  const readInvoice = (id: string) => calls.maybe('invoices.retrieve', 'invoice', () => stripe.invoices.retrieve(id));

  async function refundsOf(paymentIntent: string, paymentId: string): Promise<readonly ProviderRefund[]> {
    const refunds = await calls.all('refunds.list', 'refund', (after) =>
      stripe.refunds.list({
        payment_intent: paymentIntent,
        limit: 100,
        ...(after !== undefined && { starting_after: after }),
      }),
    );
    return refunds.map((refund) => refundOf(refund, paymentId));
  }

  async function moneyOf(invoice: Stripe.Invoice): Promise<ProviderDocuments> {
    const id = invoice.id ?? '';
    const customerId = idOf(invoice.customer) ?? '';
    const [paid, notes] = await Promise.all([
      calls.all('invoicePayments.list', 'invoice_payment', (after) =>
        stripe.invoicePayments.list({ invoice: id, limit: 100, ...(after !== undefined && { starting_after: after }) }),
      ),
      calls.all('creditNotes.list', 'credit_note', (after) =>
        stripe.creditNotes.list({ invoice: id, limit: 100, ...(after !== undefined && { starting_after: after }) }),
      ),
    ]);
    const refunds: ProviderRefund[] = [];
    const payments: ProviderPayment[] = [];
    for (const payment of paid) {
      const intent = intentOf(payment);
      const back = intent === null || payment.status !== 'paid' ? [] : await refundsOf(intent, payment.id);
      refunds.push(...back);
      payments.push(paymentOf(payment, customerId, back));
    }
    return { invoices: [invoiceOf(invoice)], payments, refunds, creditNotes: notes.map(creditNoteOf) };
  }

  return {
    async documents({ customerId, since, invoiceIds }) {
      const invoices =
        invoiceIds === undefined
          ? await calls.all('invoices.list', 'invoice', (after) =>
              stripe.invoices.list({
                customer: customerId,
                limit: 100,
                ...(since !== undefined && { created: { gte: secondsOf(since) } }),
                ...(after !== undefined && { starting_after: after }),
              }),
            )
          : (await Promise.all(invoiceIds.map(readInvoice))).filter((one) => one !== null);
      const own = invoices.filter((invoice) => idOf(invoice.customer) === customerId);
      const all: ProviderDocuments[] = [];
      for (const invoice of own) all.push(await moneyOf(invoice));
      return {
        invoices: all.flatMap((one) => one.invoices),
        payments: all.flatMap((one) => one.payments),
        refunds: all.flatMap((one) => one.refunds),
        creditNotes: all.flatMap((one) => one.creditNotes),
      };
    },

    async invoice(id) {
      const invoice = await readInvoice(id);
      return invoice === null ? null : invoiceOf(invoice);
    },

    async refund({ paymentId, amount, reason }, { idempotencyKey }) {
      const payment = await calls.one('invoicePayments.retrieve', 'invoice_payment', () =>
        stripe.invoicePayments.retrieve(paymentId),
      );
      const known = reasons.find((one) => one === reason);
      const params: Stripe.RefundCreateParams = {
        payment_intent: intentOf(payment) ?? '',
        ...(amount !== undefined && { amount }),
        ...(known !== undefined && { reason: known }),
        ...(reason !== undefined && known === undefined && { metadata: { reason } }),
      };
      const refund = await calls.one('refunds.create', 'refund', () =>
        stripe.refunds.create(params, { idempotencyKey }),
      );
      return refundOf(refund, paymentId);
    },

    async createCreditNote({ invoiceId, amount, reason }, { idempotencyKey }) {
      const params = { invoice: invoiceId, amount, ...(reason !== undefined && { memo: reason }) };
      return creditNoteOf(
        await calls.one('creditNotes.create', 'credit_note', () =>
          stripe.creditNotes.create(params, { idempotencyKey }),
        ),
      );
    },
  };
}

/** Tells Stripe of usage. Its answer has no id: what names it is the identifier. */
export async function meterAtStripe(
  stripe: StripeClient,
  calls: StripeCalls,
  { identifier, customerId, eventName, units, at }: MeterEvent,
  { idempotencyKey }: ProviderCall,
): Promise<void> {
  await calls.one('billing.meterEvents.create', 'billing.meter_event', async () => {
    try {
      const event = await stripe.billing.meterEvents.create(
        {
          event_name: eventName,
          identifier,
          timestamp: secondsOf(at),
          payload: { stripe_customer_id: customerId, value: String(units) },
        },
        { idempotencyKey },
      );
      return { object: event.object, id: event.identifier, livemode: event.livemode };
    } catch (error) {
      // It was told before, and the answer was lost. Stripe has no code for this.
      const told = error instanceof Error && /already exists with identifier/i.test(error.message);
      if (!told) throw error;
      return { object: 'billing.meter_event' as const, id: identifier };
    }
  });
}
