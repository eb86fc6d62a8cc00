import type { ProviderCall } from './call.ts';

/** A line of an invoice. Amounts are minor units of the invoice's currency. */
export interface ProviderInvoiceLine {
  readonly description: string | null;
  readonly amount: number;
  readonly quantity: number | null;
  readonly priceId: string | null;
  readonly proration: boolean;
  readonly periodStart: Date;
  readonly periodEnd: Date;
}

/** An invoice as the provider has it. Amounts are minor units. */
export interface ProviderInvoice {
  readonly id: string;
  readonly customerId: string;
  readonly subscriptionId: string | null;
  readonly number: string | null;
  /** `draft`, `open`, `paid`, `void`, `uncollectible`, or a word of the provider's. */
  readonly status: string;
  readonly currency: string;
  readonly subtotal: number;
  /** As the provider computed it; never computed here. */
  readonly tax: number;
  readonly total: number;
  readonly amountDue: number;
  readonly amountPaid: number;
  readonly amountRemaining: number;
  readonly reason: string | null;
  readonly createdAt: Date;
  readonly dueAt: Date | null;
  readonly paidAt: Date | null;
  readonly periodStart: Date;
  readonly periodEnd: Date;
  readonly url: string | null;
  readonly pdfUrl: string | null;
  readonly lines: readonly ProviderInvoiceLine[];
  /** The application's own facts, such as what was bought for whom. */
  readonly metadata?: { readonly [name: string]: string };
}

/** A payment as the provider has it: one attempt to be paid, that went well or not. */
export interface ProviderPayment {
  readonly id: string;
  readonly customerId: string | null;
  readonly invoiceId: string | null;
  /** `succeeded`, `pending`, `failed`, or a word of the provider's. */
  readonly status: string;
  readonly currency: string;
  readonly amount: number;
  readonly amountRefunded: number;
  /** `card`, `bank_transfer`, `cash`, `card_terminal`, or a word of the provider's. */
  readonly method: string | null;
  readonly failureCode: string | null;
  readonly createdAt: Date;
  readonly receiptUrl: string | null;
  /** What the payment gateway answered, as far as the provider hands it on. Never a card number. */
  readonly gatewayResponse: { readonly [name: string]: unknown } | null;
  /** The gateway or terminal it went through, and what it is called there; absent where the provider is the gateway. */
  readonly gateway?: string | null;
  readonly transactionId?: string | null;
  /** Who wrote it down, where nobody's machine did. */
  readonly recordedBy?: string | null;
  /** When it was decided; absent where only its beginning is known. */
  readonly completedAt?: Date | null;
}

/** A refund as the provider has it. */
export interface ProviderRefund {
  readonly id: string;
  readonly paymentId: string | null;
  readonly status: string;
  readonly currency: string;
  readonly amount: number;
  readonly reason: string | null;
  readonly createdAt: Date;
}

/** A credit note as the provider has it. */
export interface ProviderCreditNote {
  readonly id: string;
  readonly customerId: string;
  readonly invoiceId: string;
  readonly number: string | null;
  readonly status: string;
  readonly currency: string;
  readonly amount: number;
  readonly reason: string | null;
  readonly createdAt: Date;
}

/** Everything about the money of a customer that is written on something. */
export interface ProviderDocuments {
  readonly invoices: readonly ProviderInvoice[];
  readonly payments: readonly ProviderPayment[];
  readonly refunds: readonly ProviderRefund[];
  readonly creditNotes: readonly ProviderCreditNote[];
}

/** What of the documents is to be fetched. */
export interface DocumentQuery {
  readonly customerId: string;
  /** Only what was made since; everything when absent. */
  readonly since?: Date | undefined;
  /** Only these invoices, with their payments, refunds and credit notes; all when absent. */
  readonly invoiceIds?: readonly string[] | undefined;
}

/** Invoices, payments, refunds and credit notes of a provider. */
export interface ProviderMoney {
  /** Reads the invoices, payments, refunds and credit notes of a customer. */
  documents(query: DocumentQuery): Promise<ProviderDocuments>;
  /** Reads one invoice; null when the provider does not know it. */
  invoice(id: string): Promise<ProviderInvoice | null>;
  /** Pays money back. What was paid back under the same `wish` is given as it is, whatever the key of the call. */
  refund(input: RefundWish, call: ProviderCall): Promise<ProviderRefund>;
  /** Takes an amount off an invoice. So it is with `wish` here. */
  createCreditNote(input: CreditWish, call: ProviderCall): Promise<ProviderCreditNote>;
}

/** Money to be paid back. */
export interface RefundWish {
  readonly paymentId: string;
  /** Minor units; all that is left when absent. */
  readonly amount?: number | undefined;
  readonly reason?: string | undefined;
  /** Names what is wished for: 200 characters at most. */
  readonly wish?: string | undefined;
}

/** An amount to be taken off an invoice. */
export interface CreditWish {
  readonly invoiceId: string;
  /** Minor units. */
  readonly amount: number;
  readonly reason?: string | undefined;
  /** Names what is wished for: 200 characters at most. */
  readonly wish?: string | undefined;
}

/** Usage that is told to the provider. */
export interface MeterEvent {
  /** Names the usage: the provider counts the same one once. */
  readonly identifier: string;
  readonly customerId: string;
  readonly eventName: string;
  readonly units: number;
  readonly at: Date;
}

/** Usage that the provider counted. */
export interface MeterQuery {
  readonly customerId: string;
  readonly eventName: string;
  /** From the minute of this moment. */
  readonly from: Date;
  /** To the minute of this one, which is looked at as well. */
  readonly to: Date;
}
