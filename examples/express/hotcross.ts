import { type Generated, type Kysely, sql } from 'kysely';
import { Client } from 'pg';
import { createTenantry, definePlans, hybridSeats, own } from 'tenantry';
import { isolateTable } from 'tenantry/database';

/** The tables of the service itself; tenantry brings its own. */
export interface Database {
  notes: { tenant_id: string; id: string; author: string; text: string; created_at: Generated<Date> };
}

/**
 * The three ways of paying. Prices are in cents a month: a base fee of the organization, and a price of each developer.
 * `tenantry/billing` collects them through a provider; here they are only computed.
 */
export const plans = definePlans({
  // The organization pays for five developers, whether they come or not.
  organization: {
    quotas: { calls: { amount: 10_000, per: 'month' } },
    values: { basePrice: 50_00, seatPrice: 0, seats: 5 },
  },
  // Each developer is an organization of one.
  developer: {
    quotas: { calls: { amount: 1000, per: 'month' } },
    values: { basePrice: 0, seatPrice: 10_00, seats: 1 },
  },
  // A base fee, a price of each developer, and calls that grow with them.
  hybrid: {
    quotas: { calls: { amount: 1000, per: 'month', perSeat: true } },
    values: { basePrice: 20_00, seatPrice: 5_00, seats: 1 },
  },
});

/** A way of paying. */
export type PriceModel = 'organization' | 'developer' | 'hybrid';

/** Wires the service. With the address of its database it remembers keys, and hears of those that were revoked. */
export function createHotCross(db: Kysely<Database>, url?: string) {
  return createTenantry({
    db,
    plans,
    strategy: hybridSeats({ plan: 'hybrid' }),
    apiKeys: { prefix: 'hc', ...(url !== undefined && { cache: { listen: () => listen(url) } }) },
    // Whoever owns the organization pays for it; seats are for those who bring a key.
    organizations: { billable: { roles: ['member'] } },
    tables: { notes: own() },
  });
}

/** What {@link createHotCross} makes. */
export type HotCross = ReturnType<typeof createHotCross>;

/** Makes the tables of the service, of which row-level security shows each tenant its own rows alone. */
export async function installHotCross(owner: Kysely<Database>): Promise<void> {
  await sql`create table notes (tenant_id uuid not null, id uuid not null, author text not null, text text not null,
    created_at timestamptz not null default now(), primary key (tenant_id, id))`.execute(owner);
  for (const statement of isolateTable({ table: 'notes' })) await sql.raw(statement).execute(owner);
}

async function listen(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}
