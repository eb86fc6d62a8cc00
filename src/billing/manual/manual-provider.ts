import { createHash } from 'node:crypto';
import { TenantryError } from '../../core/index.ts';
import { type AnyDatabase, inTransaction } from '../../database/index.ts';
import type { ProviderCustomer } from '../provider/customer.ts';
import type { ProviderCreditNote, ProviderInvoice, ProviderPayment, ProviderRefund } from '../provider/document.ts';
import type { BillingProvider, MakeProvider, ProviderTools } from '../provider.ts';
import { creditInvoice, type Desk, refundPayment, refused } from './ledger.ts';
import { createManualCoupons } from './manual-coupons.ts';
import { manualCustomerId, tenantOfCustomer } from './manual-ids.ts';
import type { ManualOptions } from './manual-options.ts';
import { createManualPrices } from './manual-prices.ts';
import type { ManualCustomer, ManualSubscription } from './manual-state.ts';
import { type AtDesk, createManualSubscriptions, customerOf } from './manual-subscriptions.ts';
import { addObject, listObjects, lockTenant, putObject, readObject, tenantOfId } from './store.ts';

/** The provider "manual", and what it was made with. */
export type ManualProvider = BillingProvider & { readonly manual: ManualOptions };

/**
 * Makes billing by hand the provider: subscriptions whose invoices are paid by bank transfer, in cash or at a card
 * terminal, and written down with `billing.books`. It needs no server: what another provider would keep it keeps in the
 * database, and it renews, asks and falls past due by the clock.
 *
 * @example
 * ```ts
 * import { definePrices, manualProvider } from 'tenantry/billing';
 * import { definePlans } from 'tenantry/plans';
 *
 * const plans = definePlans({ team: { quotas: { calls: { amount: 5_000, per: 'month' } } } });
 * const prices = definePrices(plans, { plans: { team: { month: { base: 5_000 } } } });
 * const provider = manualProvider({ prices, daysUntilDue: 30 });
 * ```
 */
export function manualProvider(options: ManualOptions = {}): MakeProvider {
  return (tools) => createManualProvider(tools, options);
}

/** What a provider was made with, if it is "manual". */
export function manualOptionsOf(provider: BillingProvider): ManualOptions | undefined {
  return isManual(provider) ? provider.manual : undefined;
}

function isManual(provider: BillingProvider): provider is ManualProvider {
  return provider.name === 'manual' && 'manual' in provider;
}

function createManualProvider({ db, clock, ids }: ProviderTools, options: ManualOptions): ManualProvider {
  const { livemode = true } = options;
  const unsupported = (operation: string): TenantryError =>
    new TenantryError('billing_unsupported', { provider: 'manual', operation });

  const deskOf = (tx: AnyDatabase, tenantId: string): Desk => ({ tx, tenantId, now: clock(), ids, options });

  const atDesk: AtDesk = async (id, work) => {
    const tenantId = await tenantOfId(db, id);
    if (tenantId === null) return null;
    return inTransaction(db, undefined, async (tx) => {
      await lockTenant(tx, tenantId);
      return work(deskOf(tx, tenantId));
    });
  };

  /** Like {@link atDesk}, for what cannot be of nobody. */
  async function need<Result>(id: string, operation: string, work: (desk: Desk) => Promise<Result>): Promise<Result> {
    const found = await atDesk(id, async (desk) => ({ result: await work(desk) }));
    if (found === null) throw refused(operation, `"${id.slice(0, 80)}" is not known here`);
    return found.result;
  }

  /** Does a wish once; `key` is remembered with what came of it. */
  async function once(
    { tx, tenantId, now }: Desk,
    { operation, key }: { readonly operation: string; readonly key: string },
    work: () => Promise<string>,
  ): Promise<string> {
    const id = createHash('sha256').update(key).digest('hex');
    const before = await readObject<{ operation: string; result: string }>(tx, tenantId, 'call', id);
    if (before !== null) {
      if (before.operation === operation) return before.result;
      throw refused(operation, 'the idempotency key was used for something else');
    }
    const result = await work();
    await putObject(tx, tenantId, 'call', { id, operation, result }, now);
    return result;
  }

  const customerShown = ({ id, email, balance }: ManualCustomer): ProviderCustomer => ({
    id,
    email,
    balance,
    deleted: false,
    tenantId: tenantOfCustomer(id),
  });

  return {
    name: 'manual',
    livemode,
    manual: options,
    capabilities: {
      checkout: false,
      portal: false,
      pause: true,
      scheduledChanges: true,
      proration: true,
      meters: true,
      events: false,
      creditNotes: true,
    },

    customers: {
      async create({ tenantId, name, email }) {
        const id = manualCustomerId(tenantId);
        return need(id, 'customers.create', async (desk) => {
          const customer: ManualCustomer = { id, name, email: email ?? null, balance: {} };
          await addObject(desk.tx, desk.tenantId, 'customer', customer, desk.now);
          return customerShown((await readObject<ManualCustomer>(desk.tx, desk.tenantId, 'customer', id)) ?? customer);
        });
      },
      async read(id) {
        return atDesk(id, async ({ tx, tenantId }) => {
          const customer = await readObject<ManualCustomer>(tx, tenantId, 'customer', id);
          return customer === null ? null : customerShown(customer);
        });
      },
    },

    subscriptions: createManualSubscriptions(atDesk, once),

    checkouts: {
      async create() {
        throw unsupported('checkout');
      },
      read: async () => null,
      listOpen: async () => [],
      async expire() {
        throw unsupported('checkout');
      },
    },

    prices: createManualPrices(options),
    coupons: createManualCoupons(options),

    money: {
      async documents({ customerId, since, invoiceIds }) {
        const found = await atDesk(customerId, async ({ tx, tenantId }) => {
          const all = await listObjects<ProviderInvoice>(tx, tenantId, 'invoice');
          const invoices = all.filter(
            (one) =>
              one.customerId === customerId &&
              (since === undefined || one.createdAt >= since) &&
              (invoiceIds === undefined || invoiceIds.includes(one.id)),
          );
          const wanted = new Set(invoices.map(({ id }) => id));
          const payments = (await listObjects<ProviderPayment>(tx, tenantId, 'payment')).filter(
            ({ invoiceId }) => invoiceId !== null && wanted.has(invoiceId),
          );
          const paid = new Set(payments.map(({ id }) => id));
          const refunds = await listObjects<ProviderRefund>(tx, tenantId, 'refund');
          const notes = await listObjects<ProviderCreditNote>(tx, tenantId, 'credit-note');
          return {
            invoices,
            payments,
            refunds: refunds.filter(({ paymentId }) => paymentId !== null && paid.has(paymentId)),
            creditNotes: notes.filter(({ invoiceId }) => wanted.has(invoiceId)),
          };
        });
        return found ?? { invoices: [], payments: [], refunds: [], creditNotes: [] };
      },
      invoice: (id) => atDesk(id, ({ tx, tenantId }) => readObject<ProviderInvoice>(tx, tenantId, 'invoice', id)),
      refund: (input, { idempotencyKey }) =>
        need(input.paymentId, 'refund', async (desk) => {
          const wish = { operation: 'refund', key: input.wish ?? idempotencyKey };
          const id = await once(desk, wish, async () => (await refundPayment(desk, input)).id);
          const refund = await readObject<ProviderRefund>(desk.tx, desk.tenantId, 'refund', id);
          if (refund === null) throw refused('refund', 'the refund is not there');
          return refund;
        }),
      createCreditNote: (input, { idempotencyKey }) =>
        need(input.invoiceId, 'createCreditNote', async (desk) => {
          const wish = { operation: 'createCreditNote', key: input.wish ?? idempotencyKey };
          const id = await once(desk, wish, async () => (await creditInvoice(desk, input)).id);
          const note = await readObject<ProviderCreditNote>(desk.tx, desk.tenantId, 'credit-note', id);
          if (note === null) throw refused('createCreditNote', 'the credit note is not there');
          return note;
        }),
    },

    async portal() {
      throw unsupported('portal');
    },

    meter: ({ identifier, customerId, eventName, units, at }) =>
      need(customerId, 'meter', async ({ tx, tenantId, now }) => {
        // The same usage is counted once, for ever.
        const told = { id: identifier, eventName, units, at };
        if (!(await addObject(tx, tenantId, 'usage', told, now))) return;
        const all = await listObjects<ManualSubscription>(tx, tenantId, 'subscription');
        const open = all.find(
          (one) =>
            one.customerId === customerId && one.endedAt === null && one.items.some(({ meter }) => meter === eventName),
        );
        if (open === undefined) return;
        const usage = { ...open.usage, [eventName]: (open.usage[eventName] ?? 0) + units };
        await putObject(tx, tenantId, 'subscription', { ...open, usage }, now);
      }),

    // Whatever there is stands in our own rows.
    async *made() {},

    event() {
      throw unsupported('events');
    },

    resolve: async ({ customerId, invoiceId, objectId }) => ({
      customerId: customerId ?? (objectId === null ? null : customerOf(objectId) || null),
      invoiceId,
    }),
  };
}
