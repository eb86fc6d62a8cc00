import type { Kysely } from 'kysely';
import { createTenantry, definePlans, perOrg } from 'tenantry';
import { definePrices, manualProvider } from 'tenantry/billing';
import { fixedClock } from 'tenantry/testing';
import { money, type Say } from './till.ts';

/** A practice has no sessions but those that its clients bought. */
export const plans = definePlans({ practice: { quotas: { sessions: { amount: 0, per: 'once' } } } });
export const prices = definePrices(plans, { plans: {} });

/** The vouchers that a practice sells. */
export const voucherTypes = [
  {
    name: 'Standard Individual Therapy',
    price: 399_99,
    sessions: 10,
    spare: 2,
    validDays: 90,
    method: 'bank_transfer',
  },
  { name: 'Group Therapy Package', price: 199_99, sessions: 8, spare: 2, validDays: 90, method: 'cash' },
  { name: 'Intensive Daily Sessions', price: 799_99, sessions: 20, spare: 4, validDays: 60, method: 'card_terminal' },
] as const;

/** Vouchers for $399.99, $199.99 and $799.99, paid by transfer, in cash and at a terminal, without any provider. */
export async function vouchers(db: Kysely<Record<never, never>>, say: Say): Promise<void> {
  const {
    billing,
    organizations,
    plans: entitlements,
  } = createTenantry({
    db,
    plans,
    strategy: perOrg({ plan: 'practice' }),
    clock: fixedClock('2026-03-01T09:00:00Z'),
    billing: { provider: manualProvider({ prices }), prices },
  });
  const { tenantId } = await organizations.create({ name: 'Practice', owner: { userId: 'ada' } });
  for (const [place, { name, price, sessions, spare, validDays, method }] of voucherTypes.entries()) {
    const idempotencyKey = `voucher ${place + 1}`;
    const invoice = await billing.books.issueInvoice({
      tenantId,
      currency: 'usd',
      lines: [{ description: name, amount: price }],
      metadata: { clientId: '17' },
      idempotencyKey,
    });
    // The payment and what it buys are there together or not at all, however often the form is sent.
    await db.transaction().execute(async (tx) => {
      const { id: invoiceId } = invoice;
      const gatewayResponse = { approved: true, pan: '4242424242424242' };
      await billing.books.recordPayment({ tenantId, invoiceId, method, gatewayResponse, idempotencyKey }, { db: tx });
      const grant = { amount: sessions, spare, validDays, idempotencyKey };
      await entitlements.grants.add(tenantId, 'sessions', { ...grant, db: tx });
    });
    say(
      `${invoice.number}, ${name}: ${money(invoice.total)} by ${method}, for ${sessions} sessions and ${spare} spare ones`,
    );
  }
  const [card] = await billing.payments(tenantId);
  say(`what the terminal answered: ${JSON.stringify(card?.gatewayResponse)}`);
  await entitlements.consume(tenantId, 'sessions', 46);
  const next = await entitlements.consume(tenantId, 'sessions');
  say(`46 sessions are booked, then: ${next.ok ? 'one more' : next.reason}`);
}
