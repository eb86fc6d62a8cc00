import type { Kysely } from 'kysely';
import { createTenantry, definePlans, perOrg } from 'tenantry';
import { definePrices } from 'tenantry/billing';
import { money, openStripe, openTill, type Say, urls } from './till.ts';

/** What organizations get from a receptionist who answers their calls. */
export const plans = definePlans({
  free: { quotas: { calls: { amount: 50, per: 'month' } }, limits: { bots: 1 } },
  starter: { quotas: { calls: { amount: 500, per: 'month' } }, limits: { bots: 3 }, features: ['api'] },
  pro: { quotas: { calls: { amount: 2_000, per: 'month' } }, limits: { bots: 10 }, features: ['api', 'webhooks'] },
  enterprise: {
    quotas: { calls: { amount: 'unlimited', per: 'month' } },
    limits: { bots: 'unlimited' },
    features: ['api', 'webhooks', 'sla'],
  },
});
export const prices = definePrices(plans, {
  plans: {
    starter: { month: { base: 29_00 } },
    pro: { month: { base: 99_00 } },
    enterprise: { month: { base: 'agreed' }, year: { base: 'agreed' } },
  },
});

/** Free, Starter for $29, Pro for $99, and Enterprise as agreed. */
export async function receptionist(db: Kysely<Record<never, never>>, say: Say): Promise<void> {
  const { fake, provider } = openStripe();
  const {
    billing,
    organizations,
    plans: entitlements,
  } = createTenantry({
    db,
    plans,
    strategy: perOrg({ plan: 'free' }),
    clock: fake.clock,
    billing: { provider, prices },
  });
  const till = await openTill(fake, billing);

  const { tenantId } = await organizations.create({ name: 'Salon', owner: { userId: 'ada' } });
  const stands = async (): Promise<string> => {
    const { plan } = await billing.state(tenantId);
    const [calls, bots] = [await entitlements.check(tenantId, 'calls'), await entitlements.check(tenantId, 'bots')];
    return `${plan ?? 'free'}, ${calls.limit} calls a month, bots: ${bots.limit}`;
  };
  say(`Salon signs up: ${await stands()}`);
  const { sessionId } = await billing.checkout({ tenantId, plan: 'starter', ...urls });
  await till.pay(sessionId);
  say(`it subscribes: ${await stands()}, ${await till.lastInvoice(tenantId)}`);
  await till.pass(10);
  const { proration, prorationDate } = await billing.preview({ tenantId, plan: 'pro', proration: 'invoice' });
  await billing.swap({ tenantId, plan: 'pro', proration: 'invoice', prorationDate });
  await till.settle();
  say(`it grows, for ${money(proration)} at once: ${await stands()}, ${await till.lastInvoice(tenantId)}`);
  fake.setCard((await billing.state(tenantId)).customerId ?? '', 'declines');
  await till.pass(32);
  say(`its card declines: ${(await billing.state(tenantId)).status}, ${await stands()}`);
  await till.pass(20);
  say(`two weeks of grace are over: ${await stands()}`);

  const chain = (await organizations.create({ name: 'Chain', owner: { userId: 'eve' } })).tenantId;
  const agreed = { plan: 'enterprise', interval: 'year', agreed: 24_000_00, daysUntilDue: 30 } as const;
  await billing.subscribe({ tenantId: chain, ...agreed });
  await till.pass(1);
  say(`Chain agrees on a price by invoice: ${await till.lastInvoice(chain)}`);
  const [invoice] = await billing.invoices(chain, { status: 'open' });
  fake.payInvoice(invoice?.id ?? '');
  await till.settle();
  const { monthly } = await billing.page({ tenantId: chain });
  say(`Chain pays: ${await till.lastInvoice(chain)}, which is ${money(monthly?.amount ?? 0)} a month`);
}
