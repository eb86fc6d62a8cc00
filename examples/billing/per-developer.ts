import type { Kysely } from 'kysely';
import { createTenantry, definePlans, perUser } from 'tenantry';
import { definePrices } from 'tenantry/billing';
import { openStripe, openTill, type Say, urls } from './till.ts';

/** What each developer gets, who is an organization of one seat. */
export const plans = definePlans({
  none: { quotas: { calls: { amount: 0, per: 'month' } } },
  developer: { quotas: { calls: { amount: 100, per: 'month' } } },
});
export const prices = definePrices(plans, { plans: { developer: { month: { seat: 10_00 } } } });

/** $10 a month for each developer. */
export async function perDeveloper(db: Kysely<Record<never, never>>, say: Say): Promise<void> {
  const { fake, provider } = openStripe();
  const {
    billing,
    tenancy,
    plans: entitlements,
  } = createTenantry({
    db,
    plans,
    strategy: perUser({ plan: 'none' }),
    clock: fake.clock,
    billing: { provider, prices },
  });
  const till = await openTill(fake, billing);

  const ada = (await tenancy.provision({ userId: 'ada', name: 'Ada' })).tenantId;
  const eve = (await tenancy.provision({ userId: 'eve', name: 'Eve' })).tenantId;
  for (const [name, tenantId] of Object.entries({ Ada: ada, Eve: eve })) {
    const { sessionId } = await billing.checkout({ tenantId, plan: 'developer', ...urls });
    await till.pay(sessionId);
    say(`${name} subscribes: ${await till.lastInvoice(tenantId)}`);
  }
  await entitlements.consume(ada, 'calls', 100);
  const next = await entitlements.consume(ada, 'calls');
  say(`Ada calls a hundred times, then: ${next.ok ? 'once more' : next.reason}`);
  await billing.cancel({ tenantId: eve, when: 'period-end' });
  await till.pass(32);
  say(`a month later, Ada: ${await till.lastInvoice(ada)}`);
  say(
    `Eve, who said that she leaves: ${(await billing.state(eve)).status}, ${await till.lastInvoice(eve)} was her last`,
  );
}
