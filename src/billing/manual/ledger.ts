import { TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { checkMinor } from '../money/money.ts';
import type {
  CreditWish,
  ProviderCreditNote,
  ProviderInvoice,
  ProviderPayment,
  ProviderRefund,
  RefundWish,
} from '../provider/document.ts';
import { manualId } from './manual-ids.ts';
import type { ManualOptions, NumberedDocument } from './manual-options.ts';
import type { InvoiceDraft, ManualCustomer } from './manual-state.ts';
import { listObjects, nextNumber, putObject, readObject } from './store.ts';

/** A transaction on what one tenant has at the provider "manual". */
export interface Desk {
  readonly tx: AnyDatabase;
  readonly tenantId: string;
  readonly now: Date;
  readonly ids: () => string;
  readonly options: ManualOptions;
}

/** An invoice to be issued. */
export interface NewInvoice extends InvoiceDraft {
  readonly customerId: string;
  readonly subscriptionId: string | null;
  /** As it was given; the hook's when absent. */
  readonly tax?: number | undefined;
  readonly metadata?: { readonly [name: string]: string } | undefined;
}

/** Issues an invoice with the next number, and pays it from what the customer has to its credit. */
export async function issueInvoice(desk: Desk, draft: NewInvoice): Promise<ProviderInvoice> {
  const { tx, tenantId, now, ids, options } = desk;
  const { customerId, subscriptionId, currency, lines, issuedAt, dueAt, periodStart, periodEnd, reason } = draft;
  const subtotal = lines.reduce((sum, { amount }) => sum + amount, 0);
  const tax = draft.tax ?? options.tax?.({ tenantId, currency, subtotal }) ?? 0;
  checkMinor(tax);
  checkMinor(subtotal);
  const total = subtotal + tax;
  const credit = await takeCredit(desk, customerId, currency, total);
  const amountDue = Math.max(0, total) - credit;
  const invoice: ProviderInvoice = {
    id: manualId('invoice', customerId, ids()),
    customerId,
    subscriptionId,
    number: await numberOf(desk, { kind: 'invoice', issuedAt }),
    status: amountDue === 0 ? 'paid' : 'open',
    currency,
    subtotal,
    tax,
    total,
    amountDue,
    amountPaid: 0,
    amountRemaining: amountDue,
    reason,
    createdAt: issuedAt,
    dueAt,
    paidAt: amountDue === 0 ? issuedAt : null,
    periodStart,
    periodEnd,
    url: null,
    pdfUrl: null,
    lines,
    metadata: draft.metadata ?? {},
  };
  await putObject(tx, tenantId, 'invoice', invoice, now);
  return invoice;
}

/** A payment that came in or is under way. */
export interface NewPayment {
  readonly invoiceId: string;
  readonly amount?: number | undefined;
  readonly method: string;
  readonly status: 'succeeded' | 'pending' | 'failed';
  readonly gateway?: string | undefined;
  readonly transactionId?: string | undefined;
  readonly gatewayResponse?: { readonly [name: string]: unknown } | undefined;
  readonly failureCode?: string | undefined;
  readonly recordedBy?: string | undefined;
  readonly paidAt?: Date | undefined;
}

/** Writes a payment down; one that succeeded pays its invoice, wholly or in part. */
export async function recordPayment(desk: Desk, payment: NewPayment): Promise<ProviderPayment> {
  const { tx, tenantId, now, ids } = desk;
  const invoice = await requireInvoice(desk, payment.invoiceId, 'recordPayment');
  const { amount = invoice.amountRemaining, status } = payment;
  checkMinor(amount);
  if (amount <= 0) throw amountWrong(amount, 'must be above 0');
  if (status !== 'failed') checkPayable(invoice, amount, 'recordPayment');
  const recorded: ProviderPayment = {
    id: manualId('payment', invoice.customerId, ids()),
    customerId: invoice.customerId,
    invoiceId: invoice.id,
    status,
    currency: invoice.currency,
    amount,
    amountRefunded: 0,
    method: payment.method,
    failureCode: payment.failureCode ?? null,
    createdAt: payment.paidAt ?? now,
    receiptUrl: null,
    gatewayResponse: payment.gatewayResponse ?? null,
    gateway: payment.gateway ?? null,
    transactionId: payment.transactionId ?? null,
    recordedBy: payment.recordedBy ?? null,
    completedAt: status === 'pending' ? null : (payment.paidAt ?? now),
  };
  await putObject(tx, tenantId, 'payment', recorded, now);
  if (status === 'succeeded') await payInvoice(desk, invoice, amount, recorded.completedAt ?? now);
  return recorded;
}

/** Decides a payment that was under way. */
export async function settlePayment(
  desk: Desk,
  {
    paymentId,
    status,
    failureCode,
    gatewayResponse,
  }: {
    readonly paymentId: string;
    readonly status: 'succeeded' | 'failed' | 'canceled';
    readonly failureCode?: string | undefined;
    readonly gatewayResponse?: { readonly [name: string]: unknown } | undefined;
  },
): Promise<ProviderPayment> {
  const { tx, tenantId, now } = desk;
  const payment = await readObject<ProviderPayment>(tx, tenantId, 'payment', paymentId);
  if (payment === null) throw refused('settlePayment', `there is no payment "${paymentId.slice(0, 80)}"`);
  if (payment.status === status) return payment;
  if (payment.status !== 'pending') throw refused('settlePayment', `the payment is ${payment.status} already`);
  const settled: ProviderPayment = {
    ...payment,
    status,
    completedAt: now,
    failureCode: failureCode ?? payment.failureCode,
    gatewayResponse: gatewayResponse ?? payment.gatewayResponse,
  };
  await putObject(tx, tenantId, 'payment', settled, now);
  if (status === 'succeeded' && payment.invoiceId !== null) {
    const invoice = await requireInvoice(desk, payment.invoiceId, 'settlePayment');
    checkPayable(invoice, payment.amount, 'settlePayment');
    await payInvoice(desk, invoice, payment.amount, now);
  }
  return settled;
}

/** Gives a payment back, wholly or in part; never more than was paid. */
export async function refundPayment(desk: Desk, { paymentId, amount, reason }: RefundWish): Promise<ProviderRefund> {
  const { tx, tenantId, now, ids } = desk;
  const payment = await readObject<ProviderPayment>(tx, tenantId, 'payment', paymentId);
  if (payment === null || payment.customerId === null) {
    throw refused('refund', `there is no payment "${paymentId.slice(0, 80)}"`);
  }
  if (payment.status !== 'succeeded') throw refused('refund', `the payment is ${payment.status}`);
  const left = payment.amount - payment.amountRefunded;
  const wanted = amount ?? left;
  checkMinor(wanted);
  if (wanted <= 0 || wanted > left) throw refused('refund', `${left} of the payment can be given back, not ${wanted}`);
  const refund: ProviderRefund = {
    id: manualId('refund', payment.customerId, ids()),
    paymentId,
    status: 'succeeded',
    currency: payment.currency,
    amount: wanted,
    reason: reason ?? null,
    createdAt: now,
  };
  await putObject(tx, tenantId, 'refund', refund, now);
  await putObject(tx, tenantId, 'payment', { ...payment, amountRefunded: payment.amountRefunded + wanted }, now);
  return refund;
}

/** Credits an invoice: an open one owes less, of a paid one the amount is kept to the customer's credit. */
export async function creditInvoice(
  desk: Desk,
  { invoiceId, amount, reason }: CreditWish,
): Promise<ProviderCreditNote> {
  const { tx, tenantId, now, ids } = desk;
  const invoice = await requireInvoice(desk, invoiceId, 'createCreditNote');
  const { customerId, currency, status } = invoice;
  checkMinor(amount);
  if (status !== 'open' && status !== 'paid') throw refused('createCreditNote', `the invoice is ${status}`);
  const notes = await listObjects<ProviderCreditNote>(tx, tenantId, 'credit-note');
  const credited = notes.filter((note) => note.invoiceId === invoiceId).reduce((sum, note) => sum + note.amount, 0);
  const left = status === 'open' ? invoice.amountRemaining : invoice.total - credited;
  if (amount <= 0 || amount > left) {
    throw refused('createCreditNote', `${left} of the invoice can be credited, not ${amount}`);
  }
  const note: ProviderCreditNote = {
    id: manualId('credit-note', customerId, ids()),
    customerId,
    invoiceId,
    number: await numberOf(desk, { kind: 'credit-note', issuedAt: now }),
    status: 'issued',
    currency,
    amount,
    reason: reason ?? null,
    createdAt: now,
  };
  await putObject(tx, tenantId, 'credit-note', note, now);
  if (status === 'open') {
    const amountRemaining = invoice.amountRemaining - amount;
    const paid = amountRemaining === 0;
    await putObject(
      tx,
      tenantId,
      'invoice',
      { ...invoice, amountRemaining, ...(paid && { status: 'paid', paidAt: now }) },
      now,
    );
  } else {
    await changeBalance(desk, customerId, currency, -amount);
  }
  return note;
}

/** Gives up an invoice that is not paid; its number stays taken. */
export async function closeInvoice(
  desk: Desk,
  invoiceId: string,
  status: 'void' | 'uncollectible',
): Promise<ProviderInvoice> {
  const invoice = await requireInvoice(desk, invoiceId, 'closeInvoice');
  if (invoice.status === status) return invoice;
  if (invoice.status !== 'open') throw refused('closeInvoice', `the invoice is ${invoice.status}`);
  if (status === 'void' && invoice.amountPaid > 0) {
    throw refused('closeInvoice', 'a part of the invoice was paid: credit the rest');
  }
  const closed: ProviderInvoice = { ...invoice, status, ...(status === 'void' && { amountRemaining: 0 }) };
  await putObject(desk.tx, desk.tenantId, 'invoice', closed, desk.now);
  return closed;
}

/** What the provider "manual" refuses. */
export function refused(operation: string, reason: string): TenantryError {
  return new TenantryError('provider_refused', { provider: 'manual', operation, reason });
}

async function payInvoice(
  { tx, tenantId, now }: Desk,
  invoice: ProviderInvoice,
  amount: number,
  at: Date,
): Promise<void> {
  const amountRemaining = invoice.amountRemaining - amount;
  const paid: ProviderInvoice = {
    ...invoice,
    amountPaid: invoice.amountPaid + amount,
    amountRemaining,
    ...(amountRemaining === 0 && { status: 'paid', paidAt: at }),
  };
  await putObject(tx, tenantId, 'invoice', paid, now);
}

function checkPayable(invoice: ProviderInvoice, amount: number, operation: string): void {
  if (invoice.status !== 'open' && invoice.status !== 'uncollectible') {
    throw refused(operation, `the invoice is ${invoice.status}`);
  }
  if (amount > invoice.amountRemaining) {
    throw amountWrong(amount, `is more than the ${invoice.amountRemaining} that the invoice is open for`);
  }
}

async function requireInvoice({ tx, tenantId }: Desk, id: string, operation: string): Promise<ProviderInvoice> {
  const invoice = await readObject<ProviderInvoice>(tx, tenantId, 'invoice', id);
  if (invoice === null) throw refused(operation, `there is no invoice "${id.slice(0, 80)}"`);
  return invoice;
}

/** Uses what the customer has to its credit; what an invoice gives back is added to it. Gives how much was used. */
async function takeCredit(desk: Desk, customerId: string, currency: string, total: number): Promise<number> {
  if (total < 0) {
    await changeBalance(desk, customerId, currency, total);
    return 0;
  }
  const customer = await readObject<ManualCustomer>(desk.tx, desk.tenantId, 'customer', customerId);
  const used = Math.min(total, Math.max(0, -(customer?.balance[currency] ?? 0)));
  if (used > 0) await changeBalance(desk, customerId, currency, used);
  return used;
}

async function changeBalance({ tx, tenantId, now }: Desk, id: string, currency: string, by: number): Promise<void> {
  const customer = await readObject<ManualCustomer>(tx, tenantId, 'customer', id);
  const { name = '', email = null, balance = {} } = customer ?? {};
  const changed = { id, name, email, balance: { ...balance, [currency]: (balance[currency] ?? 0) + by } };
  await putObject(tx, tenantId, 'customer', changed, now);
}

async function numberOf({ tx, tenantId, options }: Desk, document: NumberedDocument): Promise<string> {
  const series = options.series?.(document) ?? document.kind;
  // Invoices and credit notes never share a series, whatever they are called.
  const key = options.series === undefined ? series : `${document.kind} ${series}`;
  const sequence = await nextNumber(tx, tenantId, key);
  const plain = `${document.kind === 'invoice' ? 'INV' : 'CN'}-${String(sequence).padStart(4, '0')}`;
  return options.number?.({ ...document, series, sequence }) ?? plain;
}

function amountWrong(amount: number, problem: string): TenantryError {
  return new TenantryError('amount_invalid', { amount: String(amount), problem });
}
