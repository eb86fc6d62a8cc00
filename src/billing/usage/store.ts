import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';

/** A subscription whose use is billed. */
export interface MeteredState {
  readonly customerId: string;
  /** The lookup keys of its metered prices. */
  readonly lookupKeys: readonly string[];
  /** When the running billing period began. */
  readonly billingStart: Date | null;
}

/** What of a subscription that goes on is billed by use, as a condition on the tables `c`, `s` and `i`. */
const metered = sql`
  from tenantry.billing_customers c
  join tenantry.billing_subscriptions s on s.tenant_id = c.tenant_id and s.id = c.subscription_id
  join tenantry.billing_subscription_items i on i.tenant_id = s.tenant_id and i.subscription_id = s.id
  where i.kind = 'metered' and i.lookup_key is not null and s.ended_at is null and s.gone_at is null
    and c.provider_id is not null`;

/** Reads what of a tenant's subscription is billed by use; null where nothing is. */
export async function readMetered(db: AnyDatabase, tenantId: string): Promise<MeteredState | null> {
  const { rows } = await sql<{ customer_id: string; lookup_key: string; period_start: Date | null }>`
    select c.provider_id as customer_id, i.lookup_key, i.period_start ${metered} and c.tenant_id = ${tenantId}::uuid
    order by i.lookup_key`.execute(libraryOf(db));
  const [first] = rows;
  if (first === undefined) return null;
  const { customer_id: customerId, period_start: billingStart } = first;
  return { customerId, billingStart, lookupKeys: rows.map(({ lookup_key }) => lookup_key) };
}

/** Sees to it that every tenant whose use is billed is looked at. */
export async function watchMetered(db: AnyDatabase, now: Date): Promise<void> {
  await sql`
    insert into tenantry.billing_flags (tenant_id, kind, raised, settled, attempts, due_at, updated_at)
    select distinct c.tenant_id, 'usage', 1, 0, 0, ${now}::timestamptz, ${now}::timestamptz ${metered}
      and not exists (select from tenantry.billing_flags f where f.tenant_id = c.tenant_id and f.kind = 'usage')
    order by 1
    on conflict (tenant_id, kind) do nothing`.execute(libraryOf(db));
}
