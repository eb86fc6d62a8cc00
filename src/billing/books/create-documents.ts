import { cleanText, opaqueId, TenantryError } from '../../core/index.ts';
import { checkCount } from '../check-input.ts';
import { checkedTenant } from '../checked-tenant.ts';
import type { Ground, Held } from '../ground.ts';
import type { ManualCorrections } from '../manual/manual-books.ts';
import { checkMinor } from '../money/money.ts';
import type { BillingDocuments, InvoiceDetails } from './documents-interface.ts';
import { readCreditNotes, readInvoices, readPayments, readRefunds } from './store.ts';

/** Makes what reads and corrects documents. */
export function createDocuments(ground: Ground, byHand: ManualCorrections): BillingDocuments {
  const { db, alone, provider, documents, inTransaction } = ground;

  /** Brings our copies of an invoice and all that belongs to it along. */
  async function copyInvoice({ tenantId }: Held, invoiceId: string): Promise<void> {
    const invoice = await provider.money.invoice(invoiceId);
    if (invoice === null) return;
    const { customerId } = invoice;
    const found = await provider.money.documents({ customerId, invoiceIds: [invoiceId] });
    await inTransaction(undefined, (tx) => documents.store(tx, tenantId, found));
  }

  return {
    async invoices(tenantId, { db: given, status, after, limit } = {}) {
      checkedTenant(tenantId);
      checkIds({ status, after });
      return readInvoices(given ?? db, tenantId, { status, after, limit: checkLimit(limit) });
    },

    async invoice(tenantId, invoiceId, { db: given } = {}): Promise<InvoiceDetails | null> {
      checkedTenant(tenantId);
      opaqueId('invoiceId', invoiceId);
      const handle = given ?? db;
      const [invoice] = await readInvoices(handle, tenantId, { id: invoiceId, after: undefined, limit: 1 });
      if (invoice === undefined) return null;
      const payments = await readPayments(handle, tenantId, { invoiceId, after: undefined, limit: 1000 });
      const refunds = await readRefunds(
        handle,
        tenantId,
        payments.map(({ id }) => id),
      );
      return { invoice, payments, refunds, creditNotes: await readCreditNotes(handle, tenantId, [invoiceId]) };
    },

    async payments(tenantId, { db: given, invoiceId, status, after, limit } = {}) {
      checkedTenant(tenantId);
      checkIds({ invoiceId, status, after });
      return readPayments(given ?? db, tenantId, { invoiceId, status, after, limit: checkLimit(limit) });
    },

    async refund({ tenantId, paymentId, amount, reason }) {
      checkedTenant(tenantId);
      opaqueId('paymentId', paymentId);
      if (reason !== undefined) cleanText('reason', reason, 500);
      if (amount !== undefined) checkMinor(amount);
      const [payment] = await readPayments(db, tenantId, { id: paymentId, after: undefined, limit: 1 });
      if (payment === undefined)
        throw refused(provider.name, 'refund', `there is no payment "${paymentId.slice(0, 80)}"`);
      const left = payment.amount - payment.amountRefunded;
      if (amount !== undefined && (amount <= 0 || amount > left)) {
        throw refused(provider.name, 'refund', `${left} of the payment can be given back, not ${amount}`);
      }
      const wish = { paymentId, amount, reason };
      if (isManual(paymentId)) return byHand.refund(tenantId, wish, payment.amountRefunded);
      return alone(tenantId, async (held) => {
        // What was given back by now tells one wish from the next.
        const refund = await held.ask('refund', { ...wish, before: payment.amountRefunded }, (call) =>
          provider.money.refund(wish, call),
        );
        if (payment.invoiceId !== null) await copyInvoice(held, payment.invoiceId);
        return refund;
      });
    },

    async credit({ tenantId, invoiceId, amount, reason }) {
      checkedTenant(tenantId);
      opaqueId('invoiceId', invoiceId);
      if (reason !== undefined) cleanText('reason', reason, 500);
      checkMinor(amount);
      const [invoice] = await readInvoices(db, tenantId, { id: invoiceId, after: undefined, limit: 1 });
      if (invoice === undefined || amount <= 0) {
        throw refused(provider.name, 'credit', `${amount} of invoice "${invoiceId.slice(0, 80)}" cannot be credited`);
      }
      if (!provider.capabilities.creditNotes) {
        throw new TenantryError('billing_unsupported', { provider: provider.name, operation: 'credit notes' });
      }
      const wish = { invoiceId, amount, reason };
      if (isManual(invoiceId)) return byHand.credit(tenantId, wish);
      const before = (await readCreditNotes(db, tenantId, [invoiceId])).length;
      return alone(tenantId, async (held) => {
        const note = await held.ask('credit', { ...wish, before }, (call) =>
          provider.money.createCreditNote(wish, call),
        );
        await copyInvoice(held, invoiceId);
        return note;
      });
    },
  };
}

/** What was written down by hand is corrected by hand, whoever the provider is. */
function isManual(id: string): boolean {
  return id.startsWith('man_');
}

function checkLimit(limit = 100): number {
  return checkCount(limit, [1, 1000]);
}

function checkIds(ids: { readonly [field: string]: string | undefined }): void {
  for (const [field, id] of Object.entries(ids)) if (id !== undefined) opaqueId(field, id);
}

function refused(provider: string, operation: string, reason: string): TenantryError {
  return new TenantryError('provider_refused', { provider, operation, reason });
}
