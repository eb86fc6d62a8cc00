import { moveBalance } from '../billing/balance.ts';
import { paymentOf } from '../billing/charge.ts';
import { markPaid } from '../billing/pay-invoice.ts';
import { atPath, named } from '../look-up.ts';
import { page, pageOf, pageParams } from '../paginate.ts';
import type { Params } from '../params.ts';
import { present } from '../present.ts';
import { invalid } from '../refusal.ts';
import type { Call, Routes } from '../route.ts';
import type { ChargeRow, CreditNoteLine, CreditNoteRow, InvoiceRow } from '../rows.ts';
import type { Wire } from '../wire.ts';
import type { World } from '../world.ts';
import { refundCharge } from './payments.ts';

const fields =
  'amount credit_amount email_type invoice lines memo metadata out_of_band_amount reason refund_amount refunds';

export const creditNoteRoutes: Routes = {
  CreditNotes_create: {
    takes: fields,
    run({ world, params }) {
      const row = readNote(world, params);
      settle(world, row, params);
      world.creditNotes.set(row.id, row);
      world.tell('credit_note.created', row);
      return present(world, row);
    },
  },
  CreditNotes_preview: { takes: fields, run: ({ world, params }) => present(world, readNote(world, params)) },
  CreditNotes_listPreviewLineItems: {
    takes: `${fields} ${pageParams}`,
    run: ({ world, params }) => linesOf(world, readNote(world, params), params, '/v1/credit_notes/preview/lines'),
  },
  CreditNotes_retrieve: {
    takes: '',
    run: ({ world, id }) => present(world, atPath(world.creditNotes, id(), 'credit note')),
  },
  CreditNotes_update: {
    takes: 'memo metadata',
    run({ world, params, id }) {
      const row = atPath(world.creditNotes, id(), 'credit note');
      world.change('credit_note.updated', row, (kept) => {
        kept.memo = params.text('memo') ?? kept.memo;
        kept.metadata = params.metadata(kept.metadata);
      });
      return present(world, row);
    },
  },
  CreditNotes_listLineItems: {
    takes: pageParams,
    run({ world, params, id }: Call) {
      const row = atPath(world.creditNotes, id(), 'credit note');
      return linesOf(world, row, params, `/v1/credit_notes/${row.id}/lines`);
    },
  },
  CreditNotes_voidCreditNote: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.creditNotes, id(), 'credit note');
      const invoice = world.invoices.get(row.invoice);
      if (row.status === 'void' || invoice?.status !== 'open') {
        throw invalid('Only an issued credit note of an open invoice can be voided.');
      }
      world.change('credit_note.voided', row, (kept) => {
        kept.status = 'void';
        kept.voided_at = world.now;
      });
      invoice.pre_payment_credit_notes_amount -= row.pre_payment_amount;
      invoice.amount_remaining += row.pre_payment_amount;
      return present(world, row);
    },
  },
  CreditNotes_list: {
    takes: `${pageParams} created customer invoice`,
    run({ world, params }) {
      const [customer, invoice] = [params.text('customer'), params.text('invoice')];
      const rows = [...world.creditNotes.values()].filter(
        (row) =>
          (customer === undefined || row.customer === customer) && (invoice === undefined || row.invoice === invoice),
      );
      return pageOf(world, params, '/v1/credit_notes', rows);
    },
  },
};

function linesOf(world: World, row: CreditNoteRow, params: Params, url: string): Wire {
  const { lines } = present(world, row);
  const data =
    typeof lines === 'object' && lines !== null && 'data' in lines && Array.isArray(lines.data) ? lines.data : [];
  return page(
    params,
    url,
    data.map((line) => ({ id: String(line.id), wire: () => line })),
  );
}

function readNote(world: World, params: Params): CreditNoteRow {
  const invoice = named(world.invoices, params.need('invoice'), 'invoice', 'invoice');
  if (invoice.status !== 'open' && invoice.status !== 'paid') {
    throw invalid(`Credit notes cannot be created for an invoice with the status \`${invoice.status}\`.`, {
      param: 'invoice',
    });
  }
  const lines = readLines(world, invoice, params);
  const amount = params.number('amount') ?? lines.reduce((sum, line) => sum + line.amount, 0);
  const credited = invoice.pre_payment_credit_notes_amount + invoice.post_payment_credit_notes_amount;
  if (!Number.isInteger(amount) || amount < 1 || amount > invoice.total - credited) {
    throw invalid(`The amount of a credit note must lie between 1 and ${invoice.total - credited}.`, {
      param: 'amount',
    });
  }
  const before = invoice.status === 'open' ? amount : 0;
  const after = amount - before;
  const parts =
    (params.number('credit_amount') ?? 0) + (params.number('refund_amount') ?? 0) + refundsOf(params) + outside(params);
  if (after > 0 && parts !== after) {
    throw invalid(
      `The sum of credit amount, refund amount and out of band amount (${parts}) must equal the post payment amount (${after}).`,
    );
  }
  const number = [...world.creditNotes.values()].filter((row) => row.invoice === invoice.id).length + 1;
  return {
    id: world.id('cn'),
    object: 'credit_note',
    created: world.now,
    metadata: params.metadata(),
    amount,
    currency: invoice.currency,
    customer: invoice.customer,
    customer_balance_transaction: null,
    invoice: invoice.id,
    lines: lines.length > 0 ? lines : [customLine(world, amount, params.text('memo') ?? null)],
    memo: params.text('memo') ?? null,
    number: `${invoice.number}-CN-${String(number).padStart(2, '0')}`,
    out_of_band_amount: params.number('out_of_band_amount') ?? null,
    post_payment_amount: after,
    pre_payment_amount: before,
    reason: params.text('reason') ?? null,
    refunds: [],
    status: 'issued',
    voided_at: null,
  };
}

function readLines(world: World, invoice: InvoiceRow, params: Params): readonly CreditNoteLine[] {
  return (params.hashes('lines') ?? []).map((entry, index) => {
    const quantity = entry.number('quantity') ?? null;
    if (entry.text('type') === 'invoice_line_item') {
      const line = invoice.lines.find(({ id }) => id === entry.text('invoice_line_item'));
      if (line === undefined) {
        throw invalid('No such invoice line item.', { param: `lines[${index}][invoice_line_item]` });
      }
      const part = quantity === null ? 1 : quantity / Math.max(1, line.quantity ?? 1);
      const amount = entry.number('amount') ?? Math.round(line.amount * part);
      const { id, description } = line;
      return { id: world.id('cnli'), amount, description, invoice_line_item: id, quantity, unit_amount: null };
    }
    const unit = entry.number('unit_amount') ?? 0;
    const description = entry.text('description') ?? null;
    const amount = entry.number('amount') ?? unit * (quantity ?? 1);
    return { id: world.id('cnli'), amount, description, invoice_line_item: null, quantity, unit_amount: unit };
  });
}

function customLine(world: World, amount: number, description: string | null): CreditNoteLine {
  return { id: world.id('cnli'), amount, description, invoice_line_item: null, quantity: 1, unit_amount: amount };
}

/** Moves the money that the note speaks of. */
function settle(world: World, row: CreditNoteRow, params: Params): void {
  const invoice = named(world.invoices, row.invoice, 'invoice', 'invoice');
  const refund = params.number('refund_amount');
  if (refund !== undefined && refund > 0) {
    const made = refundCharge(world, chargeOf(world, invoice), refund, null);
    row.refunds = [{ refund: made.id, amount_refunded: refund }];
  }
  for (const entry of params.hashes('refunds') ?? []) {
    const made = named(world.refunds, entry.need('refund'), 'refund', 'refunds');
    row.refunds = [
      ...row.refunds,
      { refund: made.id, amount_refunded: entry.number('amount_refunded') ?? made.amount },
    ];
  }
  const credit = params.number('credit_amount');
  const customer = world.customers.get(invoice.customer);
  if (credit !== undefined && credit > 0 && customer !== undefined) {
    row.customer_balance_transaction = moveBalance(world, customer, {
      amount: -credit,
      currency: invoice.currency,
      type: 'credit_note',
      credit_note: row.id,
      invoice: invoice.id,
    }).id;
  }
  world.change('invoice.updated', invoice, (kept) => {
    kept.pre_payment_credit_notes_amount += row.pre_payment_amount;
    kept.post_payment_credit_notes_amount += row.post_payment_amount;
    kept.amount_remaining = Math.max(0, kept.amount_remaining - row.pre_payment_amount);
  });
  if (invoice.status === 'open' && invoice.amount_remaining === 0) markPaid(world, invoice);
}

function chargeOf(world: World, invoice: InvoiceRow): ChargeRow {
  const payment = paymentOf(world, invoice);
  const intent = payment === undefined ? undefined : world.paymentIntents.get(payment.payment_intent);
  const charge = intent?.latest_charge == null ? undefined : world.charges.get(intent.latest_charge);
  if (charge === undefined)
    throw invalid('The invoice has no payment that can be refunded.', { param: 'refund_amount' });
  return charge;
}

function refundsOf(params: Params): number {
  return (params.hashes('refunds') ?? []).reduce((sum, entry) => sum + (entry.number('amount_refunded') ?? 0), 0);
}

function outside(params: Params): number {
  return params.number('out_of_band_amount') ?? 0;
}
