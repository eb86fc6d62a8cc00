import { definePlans } from 'tenantry';
import { definePrices } from 'tenantry/billing';

/** What each plan contains. */
export const plans = definePlans({
  free: { limits: { bots: 1 }, quotas: { calls: { amount: 50, per: 'month' } } },
  starter: {
    limits: { bots: 3 },
    quotas: { calls: { amount: 500, per: 'month' } },
    features: ['analytics', 'priority-support', 'api'],
  },
  pro: {
    limits: { bots: 10 },
    quotas: { calls: { amount: 2_000, per: 'month' } },
    features: ['analytics', 'priority-support', 'api', 'webhooks', 'voices', 'dedicated-support'],
  },
  enterprise: {
    limits: { bots: 'unlimited' },
    quotas: { calls: { amount: 'unlimited', per: 'month' } },
    features: ['analytics', 'priority-support', 'api', 'webhooks', 'voices', 'dedicated-support', 'sla'],
  },
});

/** What they cost, in cents a month. What Enterprise costs is agreed with each customer. */
export const prices = definePrices(plans, {
  prefix: 'receptionist',
  plans: {
    starter: { month: { base: 29_00 } },
    pro: { month: { base: 99_00 } },
    enterprise: { month: { base: 'agreed' } },
  },
});

/** The plans that a customer buys alone. */
export type SoldPlan = 'starter' | 'pro';

/** Whether a text names a plan that a customer buys alone. */
export function isSoldPlan(name: string): name is SoldPlan {
  return name === 'starter' || name === 'pro';
}

/** How the plans are called and what a visitor reads of them. */
export const planFacts: readonly {
  readonly name: 'free' | SoldPlan | 'enterprise';
  readonly title: string;
  readonly price: string;
  readonly points: readonly string[];
}[] = [
  { name: 'free', title: 'Free', price: '$0', points: ['50 calls a month', '1 bot', 'Basic analytics'] },
  {
    name: 'starter',
    title: 'Starter',
    price: '$29 a month',
    points: ['500 calls a month', '3 bots', 'Advanced analytics', 'API access'],
  },
  {
    name: 'pro',
    title: 'Pro',
    price: '$99 a month',
    points: ['2,000 calls a month', '10 bots', 'Webhooks', 'Custom voices'],
  },
  {
    name: 'enterprise',
    title: 'Enterprise',
    price: 'Talk to us',
    points: ['Unlimited calls', 'Unlimited bots', 'Service level agreement'],
  },
];
