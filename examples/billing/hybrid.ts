import type { Kysely } from 'kysely';
import { createTenantry, definePlans, hybridSeats } from 'tenantry';
import { definePrices } from 'tenantry/billing';
import { money, openStripe, openTill, type Say, urls } from './till.ts';

/** A thousand calls are in the base; what developers call beyond them is billed, up to five thousand more. */
export const plans = definePlans({
  none: { quotas: { calls: { amount: 0, per: 'month' } } },
  team: { quotas: { calls: { amount: 1_000, per: 'month', overage: 'bill', overageAtMost: 5_000 } } },
});
export const prices = definePrices(plans, {
  plans: { team: { month: { base: 20_00, seat: 5_00, metered: { calls: '2' } } } },
});

/** $20 a month, $5 for each developer, and 2 cents for each call beyond the quota. */
export async function hybrid(db: Kysely<Record<never, never>>, say: Say): Promise<void> {
  const { fake, provider } = openStripe();
  const {
    billing,
    organizations,
    plans: entitlements,
  } = createTenantry({
    db,
    plans,
    strategy: hybridSeats({ plan: 'none', seats: 10 }),
    clock: fake.clock,
    billing: { provider, prices },
  });
  const till = await openTill(fake, billing);

  const { tenantId, owner } = await organizations.create({ name: 'Acme', owner: { userId: 'ada' } });
  const { sessionId } = await billing.checkout({ tenantId, plan: 'team', ...urls });
  await till.pay(sessionId);
  say(`Acme subscribes with one developer: ${await till.lastInvoice(tenantId)}`);

  const { member: eve } = await organizations.members.add({ tenantId, userId: 'eve', role: 'member' });
  await organizations.members.add({ tenantId, userId: 'sam', role: 'member' });
  await till.settle();
  say(`two developers join: ${(await billing.state(tenantId)).subscription?.seats} seats at Stripe`);

  await entitlements.consume(tenantId, 'calls', 900, { memberId: owner.id });
  await entitlements.consume(tenantId, 'calls', 400, { memberId: eve.id });
  const { items } = await entitlements.usageByMember(tenantId, 'calls');
  say(`calls of each developer: ${items.map(({ used }) => used).join(' and ')}`);
  say(`beyond the quota: ${await billing.reportUsage(tenantId)} calls`);
  await till.pass(32);
  const [invoice] = await billing.invoices(tenantId, { limit: 1 });
  say(`a month later: ${await till.lastInvoice(tenantId)}, of which`);
  // Seats that joined in the middle are paid for the rest of that month as well: what came back, and what was asked instead.
  const lines = invoice?.lines ?? [];
  const rest = lines.filter(({ proration }) => proration).reduce((sum, { amount }) => sum + amount, 0);
  for (const { amount, quantity, proration } of lines) if (!proration) say(`  ${quantity} for ${money(amount)}`);
  say(`  ${money(rest)} for two seats of the month before`);
}
