import { createHash } from 'node:crypto';
import { cleanText, opaqueId, TenantryError } from '../../core/index.ts';
import { readLimit } from '../../core/page.ts';
import { checkCount, checkIds } from '../check-input.ts';
import { checkedTenant } from '../checked-tenant.ts';
import type { Ground, Held } from '../ground.ts';
import type { ManualCorrections } from '../manual/manual-books.ts';
import type { BillingDocuments, CreditNote, InvoiceDetails, Refund } from './documents-interface.ts';
import { shareCalls } from './share-calls.ts';
import { readCreditNotes, readInvoices, readPayments, readRefunds } from './store.ts';

/** Makes what reads and corrects documents. */
export function createDocuments(ground: Ground, byHand: ManualCorrections): BillingDocuments {
  const { db, alone, provider, documents, inTransaction } = ground;
  const sharedRefund = shareCalls<Refund>();
  const sharedCredit = shareCalls<CreditNote>();

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
      return readInvoices(given ?? db, tenantId, { status, after, limit: readLimit(limit) });
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
      return readPayments(given ?? db, tenantId, { invoiceId, status, after, limit: readLimit(limit) });
    },

    async refund({ tenantId, paymentId, amount, reason, idempotencyKey }) {
      checkedTenant(tenantId);
      opaqueId('paymentId', paymentId);
      if (reason !== undefined) cleanText('reason', reason, 500);
      if (amount !== undefined) checkCount(amount, [1, Number.MAX_SAFE_INTEGER]);
      const asked = { paymentId, amount, reason };
      return sharedRefund(JSON.stringify([tenantId, asked, idempotencyKey]), async () => {
        const [payment] = await readPayments(db, tenantId, { id: paymentId, after: undefined, limit: 1 });
        if (payment === undefined)
          throw refused(provider.name, 'refund', `there is no payment "${paymentId.slice(0, 80)}"`);
        const left = payment.amount - payment.amountRefunded;
        // What was named may be what was given back already.
        if (amount !== undefined && amount > left && idempotencyKey === undefined) {
          throw refused(provider.name, 'refund', `${left} of the payment can be given back, not ${amount}`);
        }
        // What was given back by now tells one wish from the next, where nobody named them.
        const wish = { ...asked, wish: nameOf('refund', paymentId, idempotencyKey, [asked, payment.amountRefunded]) };
        if (isManual(paymentId)) return byHand.refund(tenantId, wish);
        return alone(tenantId, async (held) => {
          const refund = await held.ask('refund', wish, (call) => provider.money.refund(wish, call));
          if (payment.invoiceId !== null) await copyInvoice(held, payment.invoiceId);
          return refund;
        });
      });
    },

    async credit({ tenantId, invoiceId, amount, reason, idempotencyKey }) {
      checkedTenant(tenantId);
      opaqueId('invoiceId', invoiceId);
      if (reason !== undefined) cleanText('reason', reason, 500);
      checkCount(amount, [1, Number.MAX_SAFE_INTEGER]);
      if (!provider.capabilities.creditNotes) {
        throw new TenantryError('billing_unsupported', { provider: provider.name, operation: 'credit notes' });
      }
      const asked = { invoiceId, amount, reason };
      return sharedCredit(JSON.stringify([tenantId, asked, idempotencyKey]), async () => {
        const [invoice] = await readInvoices(db, tenantId, { id: invoiceId, after: undefined, limit: 1 });
        if (invoice === undefined) {
          throw refused(provider.name, 'credit', `there is no invoice "${invoiceId.slice(0, 80)}"`);
        }
        const before = (await readCreditNotes(db, tenantId, [invoiceId])).length;
        const wish = { ...asked, wish: nameOf('credit', invoiceId, idempotencyKey, [asked, before]) };
        if (isManual(invoiceId)) return byHand.credit(tenantId, wish);
        return alone(tenantId, async (held) => {
          const note = await held.ask('credit', wish, (call) => provider.money.createCreditNote(wish, call));
          await copyInvoice(held, invoiceId);
          return note;
        });
      });
    },
  };
}

/** What was written down by hand is corrected by hand, whoever the provider is. */
function isManual(id: string): boolean {
  return id.startsWith('man_');
}

function refused(provider: string, operation: string, reason: string): TenantryError {
  return new TenantryError('provider_refused', { provider, operation, reason });
}

/** Names a wish by what the caller called it, or by what was wished for and what was known then. */
function nameOf(operation: string, id: string, key: string | undefined, known: unknown): string {
  const name = key === undefined ? known : { key: cleanText('idempotencyKey', key, 200) };
  const digest = createHash('sha256')
    .update(JSON.stringify([id, name]))
    .digest('hex');
  return `tenantry:${operation}:${digest.slice(0, 40)}`;
}
