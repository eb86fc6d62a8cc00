import type { IncomingHttpHeaders } from 'node:http';
import type { Kysely, Selectable } from 'kysely';
import { createTenantry, definePlans, hybridSeats, own, perUser, shared } from 'tenantry';
import { createTenancy } from 'tenantry/tenancy';
import { describe, expectTypeOf, it } from 'vitest';

interface Database {
  calls: { tenant_id: string; id: string; path: string };
  countries: { code: string };
}

declare const db: Kysely<Database>;
declare const request: { headers: IncomingHttpHeaders };

const plans = definePlans({
  free: { limits: { bots: 1 }, quotas: { calls: { amount: 50, per: 'month' } } },
  pro: {
    limits: { bots: 10 },
    quotas: { calls: { amount: 2_000, per: 'month', overage: 'bill' } },
    features: ['webhooks'],
  },
});

describe('createTenancy', () => {
  it('takes the names of the plans that it was told, and any name where it was told none', () => {
    const told = createTenancy({ db, strategy: perUser({ plan: 'free' }), plans: ['free', 'pro'] });
    expectTypeOf(told.setPlan).parameter(1).toEqualTypeOf<'free' | 'pro'>();
    // @ts-expect-error No plan of this name was told.
    told.setPlan('t', 'gold');
    const untold = createTenancy({ db, strategy: perUser({ plan: 'free' }) });
    expectTypeOf(untold.setPlan).parameter(1).toEqualTypeOf<string>();
  });
});

describe('createTenantry', () => {
  it('compiles as the documentation writes it', async () => {
    const tenantry = createTenantry({ db, plans, strategy: hybridSeats({ plan: 'free' }), apiKeys: { prefix: 'hc' } });

    const access = await tenantry.access.authenticate(request.headers); // key or token → who, tenant, plan
    access.require('calls:write');
    await access.consume('calls', 1); // exact under any concurrency
    const rows = await access.db.selectFrom('calls').selectAll().execute(); // only this tenant's
    expectTypeOf(rows).toEqualTypeOf<Selectable<Database['calls']>[]>();
  });

  it('knows the features of add-ons, and takes what is said of usage', async () => {
    const sold = definePlans(
      { free: { limits: { bots: 1 } } },
      { extra: { limits: { bots: 3 }, features: ['export'] } },
    );
    const tenantry = createTenantry({
      db,
      plans: sold,
      strategy: perUser({ plan: 'free' }),
      usage: { history: false, lateHours: 24 },
    });
    expectTypeOf(tenantry.plans.has).parameter(1).toEqualTypeOf<'export'>();
    const access = await tenantry.access.authenticate(new Headers());
    expectTypeOf(access.has).parameter(0).toEqualTypeOf<'export'>();
  });

  it('knows the names of meters, features, plans and tables', async () => {
    const tenantry = createTenantry({
      db,
      plans,
      strategy: perUser({ plan: 'pro' }),
      tables: { calls: own(), countries: shared() },
      roles: { bookkeeper: ['invoices:*'] },
    });
    const access = await tenantry.access.authenticate(new Headers());
    expectTypeOf(access.plan).toEqualTypeOf<'free' | 'pro'>();
    expectTypeOf(access.consume).parameter(0).toEqualTypeOf<'bots' | 'calls'>();
    expectTypeOf(access.check).parameter(0).toEqualTypeOf<'bots' | 'calls'>();
    expectTypeOf(access.has).parameter(0).toEqualTypeOf<'webhooks'>();
    // @ts-expect-error No plan has a meter of this name.
    await access.consume('cals', 1);
    // @ts-expect-error No plan has a feature of this name.
    await access.requireFeature('webhook');
    // @ts-expect-error The database has no table of this name.
    access.db.selectFrom('projects');
    access.db.insertInto('calls').values({ id: '1', path: '/' });
    // @ts-expect-error The tenant of a row never changes.
    access.db.updateTable('calls').set({ tenant_id: '1' });
    expectTypeOf(tenantry.tenancy.setPlan).parameter(1).toEqualTypeOf<'free' | 'pro'>();
    await tenantry.tenancy.setPlan('t', 'pro');
    // @ts-expect-error The catalogue has no plan of this name.
    await tenantry.tenancy.setPlan('t', 'gold');
    expectTypeOf(tenantry.organizations.members.setRole)
      .parameter(0)
      .toHaveProperty('role')
      .toEqualTypeOf<'owner' | 'admin' | 'member' | 'bookkeeper'>();
  });

  it('has an auth module where its options are given, which knows the steps of the set-up', () => {
    const options = { db, plans, strategy: hybridSeats({ plan: 'free' }) } as const;
    expectTypeOf(createTenantry(options).auth).toEqualTypeOf<undefined>();
    const { auth } = createTenantry({
      ...options,
      auth: {
        issuer: 'https://auth.acme.example',
        audience: 'https://api.acme.example',
        keys: [],
        setup: { phone: {}, greeting: { after: ['phone'] } },
        mail: {
          send: async ({ to }) => {
            expectTypeOf(to).toEqualTypeOf<string>();
          },
        },
      },
    });
    expectTypeOf(auth.setup.skip).parameter(0).toHaveProperty('step').toEqualTypeOf<'phone' | 'greeting'>();
  });

  it('refuses parts that do not fit together', () => {
    // @ts-expect-error The catalogue has no such plan.
    createTenantry({ db, plans, strategy: hybridSeats({ plan: 'enterprise' }) });
    // @ts-expect-error The catalogue has no plan "default".
    createTenantry({ db, plans, strategy: hybridSeats() });
    // @ts-expect-error The database has no such table.
    createTenantry({ db, plans, strategy: perUser({ plan: 'free' }), tables: { projects: own() } });
  });
});
