import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import type { SeatFigures } from './seat-quantity.ts';

/** The seats of a tenant, and the subscription that pays for them. */
export interface SeatState extends SeatFigures {
  readonly subscriptionId: string | null;
  /** The quantity by our own copy; null where nothing is paid by the seat. */
  readonly copied: number | null;
}

/** Reads the seats of a tenant; one that is no organization has the seat of its user. */
export async function readSeatState(db: AnyDatabase, tenantId: string): Promise<SeatState> {
  const { rows } = await sql<SeatState>`
    select c.subscription_id as "subscriptionId", s.seats as copied, o.seats_bought as bought,
      coalesce(o.seats_taken, 1) as taken
    from tenantry.billing_customers c left join tenantry.organizations o on o.tenant_id = c.tenant_id
      left join tenantry.billing_subscriptions s on s.tenant_id = c.tenant_id and s.id = c.subscription_id
    where c.tenant_id = ${tenantId}::uuid`.execute(libraryOf(db));
  return rows[0] ?? { subscriptionId: null, copied: null, bought: null, taken: 0 };
}

/** Has the worker look at a tenant at the provider. */
export async function lookAgain(db: AnyDatabase, tenantId: string, now: Date): Promise<void> {
  await sql`
    update tenantry.billing_customers set due_at = ${now}::timestamptz
    where tenant_id = ${tenantId}::uuid`.execute(libraryOf(db));
}
