import { type RawBuilder, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import type { CreditNote, Invoice, Payment, Refund } from './documents-interface.ts';

interface PageQuery {
  readonly after: string | undefined;
  readonly limit: number;
}

type Int8 = string | number;
type Amounts = 'subtotal' | 'tax' | 'total' | 'amountDue' | 'amountPaid' | 'amountRemaining';
type InvoiceRow = Omit<Invoice, Amounts | 'lines'> & { readonly [Name in Amounts]: Int8 } & {
  readonly lines: readonly Record<string, unknown>[];
};

/** Reads invoices, the newest first. */
export async function readInvoices(
  db: AnyDatabase,
  tenantId: string,
  { status, id, after, limit }: PageQuery & { readonly status?: string | undefined; readonly id?: string },
): Promise<readonly Invoice[]> {
  const { rows } = await sql<InvoiceRow>`
    select t.id, t.customer_id as "customerId", t.subscription_id as "subscriptionId", t.number, t.status, t.currency,
      t.subtotal, t.tax, t.total, t.amount_due as "amountDue", t.amount_paid as "amountPaid",
      t.amount_remaining as "amountRemaining", t.reason, t.created_at as "createdAt", t.due_at as "dueAt",
      t.paid_at as "paidAt", t.period_start as "periodStart", t.period_end as "periodEnd", t.url, t.pdf_url as "pdfUrl",
      t.lines, t.metadata
    from tenantry.billing_invoices t where t.tenant_id = ${tenantId}::uuid ${when(status, sql`t.status`)} ${when(id, sql`t.id`)}
    ${afterSql('billing_invoices', tenantId, after)} order by t.created_at desc, t.id desc limit ${limit}`.execute(
    libraryOf(db),
  );
  return rows.map((row) => ({
    ...row,
    subtotal: Number(row.subtotal),
    tax: Number(row.tax),
    total: Number(row.total),
    amountDue: Number(row.amountDue),
    amountPaid: Number(row.amountPaid),
    amountRemaining: Number(row.amountRemaining),
    lines: row.lines.map(lineOf),
  }));
}

/** Reads payments, the newest first. */
export async function readPayments(
  db: AnyDatabase,
  tenantId: string,
  {
    id,
    invoiceId,
    status,
    after,
    limit,
  }: PageQuery & {
    readonly id?: string;
    readonly invoiceId?: string | undefined;
    readonly status?: string | undefined;
  },
): Promise<readonly Payment[]> {
  const { rows } = await sql<Payment & { readonly amount: Int8; readonly amountRefunded: Int8 }>`
    select t.id, t.invoice_id as "invoiceId", t.status, t.method, t.currency, t.amount, t.amount_refunded as "amountRefunded",
      t.failure_code as "failureCode", t.receipt_url as "receiptUrl", t.gateway, t.transaction_id as "transactionId",
      t.gateway_response as "gatewayResponse", t.recorded_by as "recordedBy", t.completed_at as "completedAt",
      t.created_at as "createdAt"
    from tenantry.billing_payments t where t.tenant_id = ${tenantId}::uuid ${when(id, sql`t.id`)}
      ${when(invoiceId, sql`t.invoice_id`)} ${when(status, sql`t.status`)}
    ${afterSql('billing_payments', tenantId, after)} order by t.created_at desc, t.id desc limit ${limit}`.execute(
    libraryOf(db),
  );
  return rows.map((row) => ({ ...row, amount: Number(row.amount), amountRefunded: Number(row.amountRefunded) }));
}

/** Reads the refunds of payments, the oldest first. */
export async function readRefunds(
  db: AnyDatabase,
  tenantId: string,
  paymentIds: readonly string[],
): Promise<readonly Refund[]> {
  const { rows } = await sql<Refund & { readonly amount: Int8 }>`
    select id, payment_id as "paymentId", status, currency, amount, reason, created_at as "createdAt"
    from tenantry.billing_refunds where tenant_id = ${tenantId}::uuid and payment_id = any(${[...paymentIds]}::text[])
    order by created_at, id`.execute(libraryOf(db));
  return rows.map((row) => ({ ...row, amount: Number(row.amount) }));
}

/** Reads the credit notes of an invoice, the oldest first. */
export async function readCreditNotes(
  db: AnyDatabase,
  tenantId: string,
  invoiceIds: readonly string[],
): Promise<readonly CreditNote[]> {
  const { rows } = await sql<CreditNote & { readonly amount: Int8 }>`
    select id, invoice_id as "invoiceId", number, status, currency, amount, reason, created_at as "createdAt"
    from tenantry.billing_credit_notes where tenant_id = ${tenantId}::uuid and invoice_id = any(${[...invoiceIds]}::text[])
    order by created_at, id`.execute(libraryOf(db));
  return rows.map((row) => ({ ...row, amount: Number(row.amount) }));
}

function lineOf(line: Record<string, unknown>): Invoice['lines'][number] {
  const text = (name: string): string | null => (typeof line[name] === 'string' ? line[name] : null);
  return {
    description: text('description'),
    amount: Number(line.amount),
    quantity: typeof line.quantity === 'number' ? line.quantity : null,
    priceId: text('priceId'),
    proration: line.proration === true,
    periodStart: new Date(text('periodStart') ?? 0),
    periodEnd: new Date(text('periodEnd') ?? 0),
  };
}

function when(value: string | undefined, column: RawBuilder<unknown>): RawBuilder<unknown> {
  return value === undefined ? sql`` : sql`and ${column} = ${value}`;
}

function afterSql(table: string, tenantId: string, after: string | undefined): RawBuilder<unknown> {
  if (after === undefined) return sql``;
  return sql`and (t.created_at, t.id) < (select p.created_at, p.id from ${sql.table(`tenantry.${table}`)} p
    where p.tenant_id = ${tenantId}::uuid and p.id = ${after})`;
}
