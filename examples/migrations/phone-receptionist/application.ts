import { type Kysely, sql } from 'kysely';
import { createTenantry, definePlans, own, perOrg, shared, trusted } from 'tenantry';
import type { ReceptionistDatabase } from './legacy-schema.ts';

/** The price list: what each plan allows. Prices are the billing provider's. */
const plans = definePlans({
  free: { limits: { bots: 1 }, quotas: { calls: { amount: 50, per: 'month' } }, features: ['basic-analytics'] },
  starter: {
    limits: { bots: 3 },
    quotas: { calls: { amount: 500, per: 'month' } },
    features: ['basic-analytics', 'advanced-analytics', 'api-access'],
  },
  pro: {
    limits: { bots: 10 },
    quotas: { calls: { amount: 2000, per: 'month' } },
    features: ['basic-analytics', 'advanced-analytics', 'api-access', 'custom-voice', 'webhooks'],
  },
  enterprise: {
    limits: { bots: 'unlimited' },
    quotas: { calls: { amount: 'unlimited', per: 'month' } },
    features: [
      'basic-analytics',
      'advanced-analytics',
      'api-access',
      'custom-voice',
      'webhooks',
      'custom-integrations',
    ],
  },
});

type Owned = { organization_id: string };

/** What the migration adds to the legacy tables, and the tables that it makes. */
type AfterMigration = {
  businesses: Owned & { twilio_auth_token_sealed: string | null };
  calls: Owned;
  call_turns: Owned;
  orders: Owned;
  onboarding_steps: Owned & { step: string; completed_at: Date | null };
};

const column = { column: 'organization_id' } as const;

/** The product after the migration. An organization's admins manage its bots, its users answer for calls and orders. */
export function createProduct(db: Kysely<ReceptionistDatabase>) {
  return createTenantry({
    db: db.withTables<AfterMigration>(),
    plans,
    strategy: perOrg({ plan: 'free' }),
    roles: { agent: ['calls:read', 'orders:*'] },
    apiKeys: { prefix: 'apr' },
    tables: {
      businesses: own(column),
      calls: own(column),
      call_turns: own(column),
      orders: own(column),
      onboarding_steps: own(column),
      voices: shared(),
    },
  });
}

/** What {@link createProduct} makes. */
export type Product = ReturnType<typeof createProduct>;

/** A call comes in: it counts against the plan, and is written down with the organization whose number was called. */
export async function takeCall(
  product: Product,
  organization: string,
  call: { readonly business: number; readonly from: string; readonly to: string; readonly at: Date },
) {
  const allowed = await product.plans.consume(organization, 'calls', 1);
  if (!allowed.ok) return allowed;
  const row = await product.tenancy
    .scope(organization)
    .insertInto('calls')
    .values({
      organization_id: organization,
      business_id: call.business,
      from_number: call.from,
      to_number: call.to,
      started_at: call.at,
      status: 'in-progress',
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return { ok: true as const, id: row.id };
}

/** The dashboard: calls and orders of one organization by month. */
export async function callAnalytics(product: Product, organization: string) {
  return product.tenancy
    .scope(organization)
    .selectFrom('calls')
    .select(({ fn }) => [
      trusted(sql<string>`to_char(started_at at time zone 'UTC', 'YYYY-MM')`).as('month'),
      fn.countAll<string>().as('calls'),
    ])
    .groupBy('month')
    .orderBy('month')
    .execute();
}

/** The super admin's list of customers, over all organizations; for a role with `tenantry_service`. */
export async function allCustomers(db: Kysely<ReceptionistDatabase>) {
  const { rows } = await sql<{ name: string; plan: string; bots: number; calls: number }>`
    select t.name, t.plan, (select count(*)::integer from businesses as b where b.organization_id = t.tenant_id) as bots,
      (select count(*)::integer from calls as c where c.organization_id = t.tenant_id) as calls
    from tenantry.tenants as t where t.kind = 'organization' order by t.name, t.tenant_id`.execute(db);
  return rows;
}
