import type { AnyDatabase } from 'tenantry/database';
import { createPlans, definePlans, type Plans } from 'tenantry/plans';
import { expectTypeOf, it } from 'vitest';

declare const db: AnyDatabase;

const catalogue = definePlans({
  free: { limits: { bots: 1 }, quotas: { calls: { amount: 50, per: 'month' } } },
  pro: {
    limits: { bots: { amount: 10, perSeat: true }, projects: 'unlimited' },
    quotas: { calls: { amount: 2_000, per: 'month', overage: 'bill' } },
    features: ['webhooks', 'sso'],
  },
  max: { features: ['audit'] },
});
const plans = createPlans({ db, plans: catalogue });

it('knows the names of meters, limits, features and plans', () => {
  expectTypeOf(plans.consume).parameter(1).toEqualTypeOf<'bots' | 'calls' | 'projects'>();
  expectTypeOf(plans.check).parameter(1).toEqualTypeOf<'bots' | 'calls' | 'projects'>();
  expectTypeOf(plans.release).parameter(1).toEqualTypeOf<'bots' | 'projects'>();
  expectTypeOf(plans.has).parameter(1).toEqualTypeOf<'webhooks' | 'sso' | 'audit'>();
});

it('does not compile a name that no plan has', () => {
  // @ts-expect-error: a slip of the pen
  plans.consume('t', 'cals');
  // @ts-expect-error: a quota is not given back
  plans.release('t', 'calls');
  // @ts-expect-error: no plan has this feature
  plans.has('t', 'webhook');
  // @ts-expect-error: no such period
  definePlans({ free: { quotas: { calls: { amount: 1, per: 'minute' } } } });
});

it('tells a denial by its reason', async () => {
  const result = await plans.consume('t', 'calls', 1);
  if (result.ok) expectTypeOf(result).not.toHaveProperty('reason');
  else
    expectTypeOf(result.reason).toEqualTypeOf<
      'quota_exceeded' | 'limit_reached' | 'tenant_suspended' | 'tenant_in_maintenance'
    >();
  expectTypeOf(result.remaining).toEqualTypeOf<number | 'unlimited'>();
});

it('is a Plans of any names to those who do not know them', () => {
  const ofAny: Plans = plans;
  expectTypeOf(ofAny).toEqualTypeOf<Plans>();
  expectTypeOf<Parameters<Plans['consume']>[1]>().toEqualTypeOf<string>();
});
