import { cardOf } from '../billing/charge.ts';
import { draftInvoice, totalInvoice } from '../billing/draft-invoice.ts';
import { pendingLine } from '../billing/lines.ts';
import { attemptPayment, finalizeInvoice, giveUp, markPaid, voidInvoice } from '../billing/pay-invoice.ts';
import { atPath, named } from '../look-up.ts';
import { inRange, page, pageOf, pageParams } from '../paginate.ts';
import { presentLine } from '../present/invoices.ts';
import { present } from '../present.ts';
import { declined, invalid } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { InvoiceRow } from '../rows.ts';
import type { World } from '../world.ts';
import { customerOf } from './customers.ts';

export const invoiceRoutes: Routes = {
  Invoices_create: {
    takes:
      'auto_advance collection_method currency customer days_until_due default_payment_method description metadata pending_invoice_items_behavior subscription',
    run({ world, params }) {
      const customer = customerOf(world, params.need('customer'));
      const id = params.text('subscription');
      const subscription =
        id === undefined ? undefined : named(world.subscriptions, id, 'subscription', 'subscription');
      const collection = params.text('collection_method') === 'send_invoice' ? 'send_invoice' : 'charge_automatically';
      const invoice = draftInvoice(world, {
        customer: customer.id,
        currency: params.text('currency') ?? subscription?.currency ?? customer.currency ?? 'usd',
        ...(subscription === undefined ? {} : { subscription }),
        reason: 'manual',
        lines: [],
        pending: params.text('pending_invoice_items_behavior') === 'include' || subscription !== undefined,
        autoAdvance: params.flag('auto_advance') ?? false,
        collection,
        daysUntilDue: params.number('days_until_due') ?? null,
        metadata: params.metadata(),
        description: params.text('description') ?? null,
        paymentMethod: params.text('default_payment_method') ?? null,
      });
      return present(world, invoice);
    },
  },
  Invoices_retrieve: { takes: '', run: ({ world, id }) => present(world, atPath(world.invoices, id(), 'invoice')) },
  Invoices_update: {
    takes: 'auto_advance default_payment_method description footer metadata',
    run({ world, params, id }) {
      const row = atPath(world.invoices, id(), 'invoice');
      world.change('invoice.updated', row, (kept) => {
        kept.metadata = params.metadata(kept.metadata);
        const auto = params.flag('auto_advance');
        if (auto !== undefined) {
          kept.auto_advance = auto;
          if (kept.status === 'draft') kept.automatically_finalizes_at = auto ? world.now + 3600 : null;
        }
        for (const name of ['description', 'footer', 'default_payment_method'] as const) {
          const value = params.textOrNull(name);
          if (value !== undefined) kept[name] = value;
        }
      });
      return present(world, row);
    },
  },
  Invoices_del: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.invoices, id(), 'invoice');
      if (row.status !== 'draft' || row.subscription !== null) {
        throw invalid('You can only delete draft invoices that belong to no subscription.');
      }
      for (const item of world.invoiceItems.values()) if (item.invoice === row.id) item.invoice = null;
      world.invoices.delete(row.id);
      world.tell('invoice.deleted', row);
      return { id: row.id, object: 'invoice', deleted: true };
    },
  },
  Invoices_list: {
    takes: `${pageParams} collection_method created customer due_date status subscription`,
    run({ world, params }) {
      const [customer, status, subscription] = [
        params.text('customer'),
        params.text('status'),
        params.text('subscription'),
      ];
      const collection = params.text('collection_method');
      const rows = [...world.invoices.values()].filter(
        (row) =>
          (customer === undefined || row.customer === customer) &&
          (status === undefined || row.status === status) &&
          (collection === undefined || row.collection_method === collection) &&
          (subscription === undefined || row.subscription === subscription) &&
          inRange(params, 'due_date', row.due_date),
      );
      return pageOf(world, params, '/v1/invoices', rows);
    },
  },
  Invoices_listLineItems: {
    takes: pageParams,
    run({ world, params, id }) {
      const row = atPath(world.invoices, id(), 'invoice');
      const url = `/v1/invoices/${row.id}/lines`;
      return page(
        params,
        url,
        row.lines.map((line) => ({ id: line.id, wire: () => presentLine(world, line, row) })),
      );
    },
  },
  Invoices_finalizeInvoice: {
    takes: 'auto_advance',
    run({ world, params, id }) {
      const row = atPath(world.invoices, id(), 'invoice');
      if (row.status !== 'draft') throw wrongState(row, 'finalized');
      row.auto_advance = params.flag('auto_advance') ?? row.auto_advance;
      finalizeInvoice(world, row);
      if (row.auto_advance && row.collection_method === 'charge_automatically') attemptPayment(world, row);
      return present(world, row);
    },
  },
  Invoices_sendInvoice: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.invoices, id(), 'invoice');
      if (row.status === 'draft') finalizeInvoice(world, row);
      world.tell('invoice.sent', row);
      return present(world, row);
    },
  },
  Invoices_pay: {
    takes: 'forgive off_session paid_out_of_band payment_method',
    run({ world, params, id }) {
      const row = atPath(world.invoices, id(), 'invoice');
      if (row.status === 'draft') finalizeInvoice(world, row);
      else if (row.status === 'paid') throw invalid('Invoice is already paid', { code: 'invoice_already_paid' });
      else if (row.status === 'uncollectible') row.status = 'open';
      if (row.status === 'void') throw wrongState(row, 'paid');
      if (row.amount_due > 0)
        settle(world, row, params.flag('paid_out_of_band') === true, params.text('payment_method'));
      return present(world, row);
    },
  },
  Invoices_voidInvoice: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.invoices, id(), 'invoice');
      if (row.status !== 'open' && row.status !== 'uncollectible') throw wrongState(row, 'voided');
      voidInvoice(world, row);
      return present(world, row);
    },
  },
  Invoices_markUncollectible: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.invoices, id(), 'invoice');
      if (row.status !== 'open') throw wrongState(row, 'marked as uncollectible');
      giveUp(world, row);
      return present(world, row);
    },
  },
  InvoicePayments_list: {
    takes: `${pageParams} created invoice payment status`,
    run({ world, params }) {
      const [invoice, status] = [params.text('invoice'), params.text('status')];
      const intent = params.hash('payment')?.text('payment_intent');
      const rows = [...world.invoicePayments.values()].filter(
        (row) =>
          (invoice === undefined || row.invoice === invoice) &&
          (status === undefined || row.status === status) &&
          (intent === undefined || row.payment_intent === intent),
      );
      return pageOf(world, params, '/v1/invoice_payments', rows);
    },
  },
  InvoicePayments_retrieve: {
    takes: '',
    run: ({ world, id }) => present(world, atPath(world.invoicePayments, id(), 'invoice payment')),
  },
  InvoiceItems_create: {
    takes: 'amount currency customer description discountable invoice metadata period pricing quantity subscription',
    run({ world, params }) {
      const customer = customerOf(world, params.need('customer'));
      const priceId = params.hash('pricing')?.text('price');
      const price = priceId === undefined ? undefined : named(world.prices, priceId, 'price', 'pricing[price]');
      const currency = params.text('currency') ?? price?.currency ?? customer.currency ?? 'usd';
      const quantity = params.number('quantity') ?? 1;
      const period = params.hash('period');
      const invoice = params.text('invoice');
      const draft = invoice === undefined ? undefined : named(world.invoices, invoice, 'invoice', 'invoice');
      const row = {
        id: world.id('ii'),
        object: 'invoiceitem',
        created: world.now,
        metadata: params.metadata(),
        amount: params.number('amount') ?? (price?.currency_options[currency]?.unit_amount ?? 0) * quantity,
        currency,
        customer: customer.id,
        description: params.text('description') ?? null,
        discountable: params.flag('discountable') ?? true,
        invoice: draft?.id ?? null,
        period: { start: period?.number('start') ?? world.now, end: period?.number('end') ?? world.now },
        price: price?.id ?? null,
        proration: false,
        quantity,
        subscription: params.text('subscription') ?? null,
        subscription_item: null,
      } as const;
      const kept = { ...row, metadata: { ...row.metadata } };
      world.invoiceItems.set(row.id, kept);
      world.tell('invoiceitem.created', kept);
      if (draft !== undefined) takeIn(world, draft, row.id);
      return present(world, kept);
    },
  },
  InvoiceItems_retrieve: {
    takes: '',
    run: ({ world, id }) => present(world, atPath(world.invoiceItems, id(), 'invoiceitem')),
  },
  InvoiceItems_del: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.invoiceItems, id(), 'invoiceitem');
      if (row.invoice !== null) throw invalid('You can only delete invoice items that are on no invoice.');
      world.invoiceItems.delete(row.id);
      world.tell('invoiceitem.deleted', row);
      return { id: row.id, object: 'invoiceitem', deleted: true };
    },
  },
  InvoiceItems_list: {
    takes: `${pageParams} created customer invoice pending`,
    run({ world, params }) {
      const [customer, invoice, pending] = [params.text('customer'), params.text('invoice'), params.flag('pending')];
      const rows = [...world.invoiceItems.values()].filter(
        (row) =>
          (customer === undefined || row.customer === customer) &&
          (invoice === undefined || row.invoice === invoice) &&
          (pending === undefined || (row.invoice === null) === pending),
      );
      return pageOf(world, params, '/v1/invoiceitems', rows);
    },
  },
};

function settle(world: World, row: InvoiceRow, outside: boolean, method: string | undefined): void {
  if (outside) {
    markPaid(world, row, { outside: true });
    return;
  }
  const card =
    method === undefined ? cardOf(world, row) : named(world.paymentMethods, method, 'PaymentMethod', 'payment_method');
  if (card === undefined) {
    throw invalid(
      'There is no `default_payment_method` set on this Customer or Invoice. To charge the invoice, please set one.',
      { code: 'resource_missing' },
    );
  }
  const attempt = attemptPayment(world, row, { card, first: isFirst(world, row) });
  if (!attempt.ok) throw declined(attempt.decline);
}

function isFirst(world: World, row: InvoiceRow): boolean {
  return row.subscription !== null && world.subscriptions.get(row.subscription)?.status === 'incomplete';
}

function wrongState(row: InvoiceRow, what: string): Error {
  return invalid(`This invoice has the status \`${row.status}\` and cannot be ${what}.`, {
    code: 'invoice_not_editable',
  });
}

function takeIn(world: World, invoice: InvoiceRow, id: string): void {
  const item = world.invoiceItems.get(id);
  if (item === undefined) return;
  if (invoice.status !== 'draft') throw wrongState(invoice, 'changed');
  world.change('invoice.updated', invoice, (kept) => {
    kept.lines = [...kept.lines, pendingLine(world, item)];
    totalInvoice(world, kept);
  });
}
