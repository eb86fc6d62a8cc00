import type Stripe from 'stripe';
import { TenantryError } from '../../core/index.ts';
import type { ProviderDocuments, ProviderMoney, ProviderPayment, ProviderRefund } from '../provider/document.ts';
import type { StripeCalls } from './call-stripe.ts';
import { creditNoteOf, intentOf, invoiceOf, paymentOf, refundOf } from './read-invoice.ts';
import type { StripeClient } from './stripe-client.ts';
import { idOf, metadataNames, secondsOf } from './stripe-ids.ts';

const reasons = ['duplicate', 'fraudulent', 'requested_by_customer'] as const;
/** The charge of a payment says how it was paid, why not, and where its receipt is. Four levels are as deep as Stripe goes. */
const withCharge = 'payment.payment_intent.latest_charge';

/** Invoices, payments, refunds and credit notes of Stripe. */
export function createStripeMoney(stripe: StripeClient, calls: StripeCalls): ProviderMoney {
  const readInvoice = (id: string) => calls.maybe('invoices.retrieve', 'invoice', () => stripe.invoices.retrieve(id));

  const refundsOf = (paymentIntent: string): Promise<readonly Stripe.Refund[]> =>
    calls.all('refunds.list', 'refund', (after) =>
      stripe.refunds.list({
        payment_intent: paymentIntent,
        limit: 100,
        ...(after !== undefined && { starting_after: after }),
      }),
    );

  const notesOf = (invoice: string): Promise<readonly Stripe.CreditNote[]> =>
    calls.all('creditNotes.list', 'credit_note', (after) =>
      stripe.creditNotes.list({ invoice, limit: 100, ...(after !== undefined && { starting_after: after }) }),
    );

  /** An invoice carries its first lines alone. */
  async function linesOf({ id, lines }: Stripe.Invoice): Promise<readonly Stripe.InvoiceLineItem[]> {
    if (!lines.has_more) return lines.data;
    return calls.all('invoices.listLineItems', 'line_item', (after) =>
      stripe.invoices.listLineItems(id ?? '', { limit: 100, ...(after !== undefined && { starting_after: after }) }),
    );
  }

  async function moneyOf(invoice: Stripe.Invoice): Promise<ProviderDocuments> {
    const id = invoice.id ?? '';
    const customerId = idOf(invoice.customer) ?? '';
    const [paid, notes, lines] = await Promise.all([
      calls.all('invoicePayments.list', 'invoice_payment', (after) =>
        stripe.invoicePayments.list({
          invoice: id,
          limit: 100,
          expand: [`data.${withCharge}`],
          ...(after !== undefined && { starting_after: after }),
        }),
      ),
      notesOf(id),
      linesOf(invoice),
    ]);
    const refunds: ProviderRefund[] = [];
    const payments: ProviderPayment[] = [];
    for (const payment of paid) {
      const intent = intentOf(payment);
      const found = intent === null || payment.status !== 'paid' ? [] : await refundsOf(intent);
      const back = found.map((refund) => refundOf(refund, payment.id));
      refunds.push(...back);
      payments.push(paymentOf(payment, customerId, back));
    }
    return { invoices: [invoiceOf(invoice, lines)], payments, refunds, creditNotes: notes.map(creditNoteOf) };
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
      return invoice === null ? null : invoiceOf(invoice, await linesOf(invoice));
    },

    async refund({ paymentId, amount, reason, wish }, { idempotencyKey }) {
      const payment = await calls.one('invoicePayments.retrieve', 'invoice_payment', () =>
        stripe.invoicePayments.retrieve(paymentId),
      );
      const known = reasons.find((one) => one === reason);
      const intent = intentOf(payment);
      if (intent === null) {
        const details = { provider: 'stripe', operation: 'refunds.create', reason: 'it was not paid at Stripe' };
        throw new TenantryError('provider_refused', details);
      }
      const name = wish ?? idempotencyKey;
      const done = (await refundsOf(intent)).find(
        ({ metadata, status }) =>
          metadata?.[metadataNames.call] === name && status !== 'failed' && status !== 'canceled',
      );
      if (done !== undefined) return refundOf(done, paymentId);
      const params: Stripe.RefundCreateParams = {
        payment_intent: intent,
        ...(amount !== undefined && { amount }),
        ...(known !== undefined && { reason: known }),
        metadata: { [metadataNames.call]: name, ...(reason !== undefined && known === undefined && { reason }) },
      };
      const refund = await calls.one('refunds.create', 'refund', () =>
        stripe.refunds.create(params, { idempotencyKey }),
      );
      return refundOf(refund, paymentId);
    },

    async createCreditNote({ invoiceId, amount, reason, wish }, { idempotencyKey }) {
      const name = wish ?? idempotencyKey;
      // What must be said depends on what is open, and that depends on whether it was done: so it is looked for first.
      const done = (await notesOf(invoiceId)).find(({ metadata }) => metadata?.[metadataNames.call] === name);
      if (done !== undefined) return creditNoteOf(done);
      const { amount_remaining: open } = await calls.one('invoices.retrieve', 'invoice', () =>
        stripe.invoices.retrieve(invoiceId),
      );
      const params: Stripe.CreditNoteCreateParams = {
        invoice: invoiceId,
        amount,
        // What is credited of what was paid is used by the next invoice.
        ...(amount > open && { credit_amount: amount - open }),
        ...(reason !== undefined && { memo: reason }),
        metadata: { [metadataNames.call]: name },
      };
      return creditNoteOf(
        await calls.one('creditNotes.create', 'credit_note', () =>
          stripe.creditNotes.create(params, { idempotencyKey }),
        ),
      );
    },
  };
}
