import { createHash } from 'node:crypto';
import { cleanText, TenantryError } from '../../core/index.ts';
import { storableJson } from '../../core/storable-json.ts';
import type { AnyDatabase, CallOptions } from '../../database/index.ts';
import { sqlstateOf } from '../../database/install.ts';
import { checkIds, checkTime } from '../check-input.ts';
import { checkedTenant } from '../checked-tenant.ts';
import type { Ground } from '../ground.ts';
import { readCurrency } from '../money/currency.ts';
import { checkMinor } from '../money/money.ts';
import type {
  CreditWish,
  ProviderCreditNote,
  ProviderDocuments,
  ProviderInvoice,
  ProviderPayment,
  ProviderRefund,
  RefundWish,
} from '../provider/document.ts';
import { lookAgain } from '../seats/store.ts';
import {
  closeInvoice,
  creditInvoice,
  type Desk,
  issueInvoice,
  recordPayment,
  refundPayment,
  refused,
  settlePayment,
} from './ledger.ts';
import { manualCustomerId } from './manual-ids.ts';
import type { ManualOptions } from './manual-options.ts';
import type { ManualCustomer } from './manual-state.ts';
import { maskNumber } from './mask-number.ts';
import { addObject, lockTenant, putObject, readObject } from './store.ts';

/** What every call that writes something down takes. */
interface Wish {
  readonly tenantId: string;
  /** The same call, however often it is sent, is written down once. */
  readonly idempotencyKey?: string | undefined;
}

/** What is written down. */
type Kind = 'invoice' | 'payment' | 'refund' | 'credit-note';

/** An invoice to be issued by hand. Amounts are minor units. */
export interface IssueInvoiceInput extends Wish {
  readonly currency: string;
  readonly lines: readonly { readonly description: string; readonly amount: number; readonly quantity?: number }[];
  /** As you computed it; what the hook `tax` says when absent. */
  readonly tax?: number;
  /** When it is to be paid; `daysUntilDue` from now when absent. */
  readonly dueAt?: Date;
  /** What was bought for whom: `{ clientId: '17', voucherId: '42' }`. 50 texts at most. */
  readonly metadata?: { readonly [name: string]: string };
}

/** A payment to be written down. */
export interface RecordPaymentInput extends Wish {
  readonly invoiceId: string;
  /** Minor units; all that is open when absent. Less pays a part. */
  readonly amount?: number;
  /** `bank_transfer`, `cash`, `card_terminal`, or a word of your own. */
  readonly method: 'bank_transfer' | 'cash' | 'card_terminal' | (string & {});
  /** `pending` is decided later by `settlePayment`; `succeeded` when absent. */
  readonly status?: 'succeeded' | 'pending' | 'failed';
  /** The gateway or terminal it went through. */
  readonly gateway?: string;
  /** What the payment is called there. */
  readonly transactionId?: string;
  /** What the gateway answered: 16 KiB at most. Numbers of cards are masked. */
  readonly gatewayResponse?: { readonly [name: string]: unknown };
  readonly failureCode?: string;
  /** Who wrote it down: the application's id of a user. */
  readonly recordedBy?: string;
  /** When it came in; now when absent. */
  readonly paidAt?: Date;
}

/** What decides a payment that was pending. */
export interface SettlePaymentInput extends Wish {
  readonly paymentId: string;
  readonly status: 'succeeded' | 'failed' | 'canceled';
  readonly failureCode?: string;
  readonly gatewayResponse?: { readonly [name: string]: unknown };
}

/**
 * The books of who is paid by hand: invoices with numbers that have no gaps, and payments by bank transfer, in cash or at a
 * card terminal. With `{ db: tx }` each becomes part of the caller's transaction, so that what was bought is handed out
 * with its payment or not at all.
 */
export interface ManualBooks {
  /**
   * Issues an invoice to a tenant, or to a client of the tenant's that the metadata names.
   *
   * @throws TenantryError `tenant_not_found`, `amount_invalid`, `name_invalid`, `config_invalid` for a currency.
   */
  issueInvoice(input: IssueInvoiceInput, options?: CallOptions): Promise<ProviderInvoice>;
  /**
   * Writes a payment of an invoice down.
   *
   * @throws TenantryError `provider_refused` for an invoice that is not there or not open, `amount_invalid`, also for more
   * than is open, `name_invalid`.
   */
  recordPayment(input: RecordPaymentInput, options?: CallOptions): Promise<ProviderPayment>;
  /**
   * Decides a payment that was pending. Called again with the same word nothing happens.
   *
   * @throws TenantryError `provider_refused` for a payment that is not there or was decided otherwise.
   */
  settlePayment(input: SettlePaymentInput, options?: CallOptions): Promise<ProviderPayment>;
  /**
   * Gives up an invoice of which nothing was paid (`void`), or that will not be paid (`uncollectible`). It keeps its number.
   *
   * @throws TenantryError `provider_refused`.
   */
  closeInvoice(
    input: { readonly tenantId: string; readonly invoiceId: string; readonly status: 'void' | 'uncollectible' },
    options?: CallOptions,
  ): Promise<ProviderInvoice>;
}

/** Corrections of what was written down by hand. */
export interface ManualCorrections {
  /** Gives a payment back, once for each wish. */
  refund(tenantId: string, input: RefundWish): Promise<ProviderRefund>;
  /** Credits an invoice, once for each wish. */
  credit(tenantId: string, input: CreditWish): Promise<ProviderCreditNote>;
}

/** Makes the books. */
export function createManualBooks(
  { clock, ids, documents, inTransaction }: Pick<Ground, 'clock' | 'ids' | 'documents' | 'inTransaction'>,
  options: ManualOptions,
): { readonly books: ManualBooks; readonly corrections: ManualCorrections } {
  const { daysUntilDue = 14 } = options;

  /** Does a wish once, and brings our copies along in the same transaction. */
  async function writing<Document extends { readonly id: string }>(
    { tenantId: given, idempotencyKey }: Wish,
    { kind, call }: { readonly kind: Kind; readonly call: CallOptions | undefined },
    work: (desk: Desk) => Promise<Document>,
  ): Promise<Document> {
    const tenantId = checkedTenant(given);
    const key =
      idempotencyKey === undefined ? undefined : keyOf(kind, cleanText('idempotencyKey', idempotencyKey, 200));
    return inTransaction(call, async (tx) => {
      await lockTenant(tx, tenantId);
      const desk: Desk = { tx, tenantId, now: clock(), ids, options };
      const before = key === undefined ? null : await readObject<{ result: string }>(tx, tenantId, 'call', key);
      if (before !== null) {
        const made = await readObject<Document>(tx, tenantId, kind, before.result);
        if (made !== null) return made;
      }
      const made = await work(desk);
      if (key !== undefined) {
        await putObject(tx, tenantId, 'call', { id: key, result: made.id }, desk.now);
      }
      return made;
    });
  }

  async function copy(tx: AnyDatabase, tenantId: string, some: Partial<ProviderDocuments>): Promise<void> {
    await documents.store(tx, tenantId, { invoices: [], payments: [], refunds: [], creditNotes: [], ...some });
  }

  /** A payment with its invoice, as they are now. */
  async function copyPayment({ tx, tenantId, now }: Desk, payment: ProviderPayment): Promise<ProviderPayment> {
    const { invoiceId } = payment;
    const invoice = invoiceId === null ? null : await readObject<ProviderInvoice>(tx, tenantId, 'invoice', invoiceId);
    await copy(tx, tenantId, { payments: [payment], invoices: invoice === null ? [] : [invoice] });
    // Who was past due stands well again: the worker looks at once.
    await lookAgain(tx, tenantId, now);
    return payment;
  }

  const books: ManualBooks = {
    async issueInvoice(input, call) {
      const { tenantId, currency: given, tax, metadata = {} } = input;
      const currency = readCurrency('currency', given);
      checkMetadata(metadata);
      if (tax !== undefined) checkMinor(tax);
      if (input.dueAt !== undefined) checkTime('dueAt', input.dueAt);
      if (input.lines.length === 0)
        throw new TenantryError('amount_invalid', { amount: '0 lines', problem: 'are no invoice' });
      return writing(input, { kind: 'invoice', call }, async (desk) => {
        const { tx, now } = desk;
        const customerId = await customerOf(desk);
        const lines = input.lines.map(({ description, amount, quantity = null }) => {
          checkMinor(amount);
          const text = cleanText('description', description, 500);
          const whole = { priceId: null, proration: false, periodStart: now, periodEnd: now };
          return { description: text, amount, quantity, ...whole };
        });
        const invoice = await issueInvoice(desk, {
          customerId,
          subscriptionId: null,
          currency,
          lines,
          reason: 'manual',
          issuedAt: now,
          dueAt: input.dueAt ?? new Date(now.getTime() + daysUntilDue * 86_400_000),
          periodStart: now,
          periodEnd: now,
          metadata,
          ...(tax !== undefined && { tax }),
        });
        await copy(tx, tenantId, { invoices: [invoice] });
        return invoice;
      });
    },

    async recordPayment(input, call) {
      const { status = 'succeeded', method, gatewayResponse, ...rest } = input;
      const { invoiceId, gateway, transactionId, failureCode, recordedBy, paidAt } = rest;
      checkIds({ invoiceId, gateway, transactionId, failureCode, recordedBy });
      if (paidAt !== undefined) checkTime('paidAt', paidAt);
      const payment = {
        ...rest,
        status,
        method: cleanText('method', method, 60),
        ...(gatewayResponse !== undefined && { gatewayResponse: readResponse(gatewayResponse) }),
      };
      return writing(input, { kind: 'payment', call }, async (desk) =>
        copyPayment(desk, await recordPayment(desk, payment)),
      );
    },

    async settlePayment(input, call) {
      const { paymentId, status, failureCode, gatewayResponse } = input;
      checkIds({ paymentId, failureCode });
      const answer = gatewayResponse === undefined ? undefined : readResponse(gatewayResponse);
      return writing(input, { kind: 'payment', call }, async (desk) =>
        copyPayment(desk, await settlePayment(desk, { paymentId, status, failureCode, gatewayResponse: answer })),
      );
    },

    async closeInvoice({ tenantId, invoiceId, status }, call) {
      checkIds({ invoiceId });
      return writing({ tenantId }, { kind: 'invoice', call }, async (desk) => {
        const invoice = await closeInvoice(desk, invoiceId, status);
        await copy(desk.tx, tenantId, { invoices: [invoice] });
        return invoice;
      });
    },
  };

  const corrections: ManualCorrections = {
    refund: (tenantId, input) =>
      writing({ tenantId, idempotencyKey: input.wish }, { kind: 'refund', call: undefined }, async (desk) => {
        const { tx } = desk;
        const refund = await refundPayment(desk, input);
        const after = await readObject<ProviderPayment>(tx, tenantId, 'payment', input.paymentId);
        await copy(tx, tenantId, { refunds: [refund], payments: after === null ? [] : [after] });
        return refund;
      }),

    credit: (tenantId, input) =>
      writing({ tenantId, idempotencyKey: input.wish }, { kind: 'credit-note', call: undefined }, async (desk) => {
        const { tx } = desk;
        const note = await creditInvoice(desk, input);
        const invoice = await readObject<ProviderInvoice>(tx, tenantId, 'invoice', input.invoiceId);
        await copy(tx, tenantId, { creditNotes: [note], invoices: invoice === null ? [] : [invoice] });
        return note;
      }),
  };
  return { books, corrections };
}

/** The customer of the tenant, which is made when it is needed first. */
async function customerOf({ tx, tenantId, now }: Desk): Promise<string> {
  const id = manualCustomerId(tenantId);
  const customer: ManualCustomer = { id, name: '', email: null, balance: {} };
  try {
    await addObject(tx, tenantId, 'customer', customer, now);
  } catch (error) {
    if (sqlstateOf(error) === '23503')
      throw new TenantryError('tenant_not_found', { tenant: tenantId }, { cause: error });
    throw error;
  }
  return id;
}

function keyOf(kind: string, key: string): string {
  return createHash('sha256').update(`books ${kind} ${key}`).digest('hex');
}

function checkMetadata(metadata: { readonly [name: string]: string }): void {
  const wrong = (problem: string) => new TenantryError('name_invalid', { field: 'metadata', problem });
  storableJson(metadata, 65_536, wrong);
  const entries = Object.entries(metadata);
  if (entries.length > 50) throw wrong('has more than 50 texts');
  for (const [name, value] of entries) {
    cleanText('metadata', name, 80);
    if (value !== '') cleanText(`metadata.${name}`, value, 500);
  }
}

function readResponse(response: { readonly [name: string]: unknown }): { readonly [name: string]: unknown } {
  const wrong = (problem: string) => refused('recordPayment', `what the gateway answered ${problem}`);
  return JSON.parse(storableJson(response, 16_384, wrong), (_, part: unknown) => maskNumber(part));
}
