import type { Kysely } from 'kysely';
import { createTenantry, definePlans, isTenantryError, perOrg } from 'tenantry';
import { definePrices } from 'tenantry/billing';
import { openStripe, openTill, type Say, urls } from './till.ts';

/** What an organization gets for a price that does not depend on how many its developers are. */
export const plans = definePlans({
  none: { limits: { projects: 0 } },
  organization: { limits: { projects: 20 } },
});
export const prices = definePrices(plans, { plans: { organization: { month: { base: 50_00 } } } });

/** $50 a month for five developers. */
export async function perOrganization(db: Kysely<Record<never, never>>, say: Say): Promise<void> {
  const { fake, provider } = openStripe();
  const {
    billing,
    organizations,
    plans: entitlements,
  } = createTenantry({
    db,
    plans,
    strategy: perOrg({ plan: 'none', seats: 5 }),
    clock: fake.clock,
    billing: { provider, prices },
  });
  const till = await openTill(fake, billing);

  const { tenantId } = await organizations.create({ name: 'Acme', owner: { userId: 'ada' } });
  const { sessionId } = await billing.checkout({ tenantId, plan: 'organization', ...urls });
  await till.pay(sessionId);
  say(`Acme subscribes: ${await till.lastInvoice(tenantId)}`);

  for (const userId of ['bob', 'eve', 'joe', 'sam'])
    await organizations.members.add({ tenantId, userId, role: 'member' });
  await till.settle();
  const { bought, taken } = await organizations.seats(tenantId);
  say(`four developers join: ${taken} of ${bought} seats are taken`);
  try {
    await organizations.members.add({ tenantId, userId: 'zoe', role: 'member' });
  } catch (error) {
    if (!isTenantryError(error, 'seats_exhausted')) throw error;
    say(`the next one has no seat: ${error.code}`);
  }
  const { limit } = await entitlements.check(tenantId, 'projects');
  say(`projects: ${limit}`);
  await till.pass(32);
  say(`a month later: ${await till.lastInvoice(tenantId)}`);
}
