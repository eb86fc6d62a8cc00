import { sql } from 'kysely';
import { hybridSeats, perUser } from 'tenantry';
import { defineMigration, firstIsOwner, quarantine, shared, via } from 'tenantry/migrate';
import type { LegacyDatabase } from './legacy-schema.ts';

/**
 * Customers, each of them a tenant alone, become organizations with members, seats and keys.
 *
 * Those who pay through one Stripe customer are one organization; then those who wrote the same company, whatever the
 * case and the spaces around it; who has neither stays alone. Colleagues who each pay for themselves stay apart: to
 * join subscriptions is for people to decide, and the plan counts the names that several have. Somebody who signed up twice, with the e-mail in another
 * case, becomes one member with two keys.
 */
export const customersToOrganizations = defineMigration<LegacyDatabase>()({
  name: 'customers-to-organizations',
  from: perUser(),
  to: hybridSeats({ plan: 'team' }),
  tenants: {
    source: 'customers',
    sameTenant: ['stripe_customer_id', sql`nullif(lower(trim(company)), '')`, 'id'],
    name: sql`coalesce(nullif(trim(company), ''), email)`,
    provider: { customerId: 'stripe_customer_id', status: 'subscription_status' },
  },
  members: {
    source: 'customers',
    userId: 'id',
    email: 'email',
    name: sql`nullif(trim(concat_ws(' ', first_name, last_name)), '')`,
    sameMember: sql`lower(trim(email))`,
    role: firstIsOwner({ by: 'created_at' }),
  },
  apiKeys: {
    source: 'customers',
    digest: 'api_key_hash',
    scheme: 'sha256-hex',
    start: 'api_key_prefix',
    createdAt: 'api_key_created_at',
    revokedAt: 'api_key_revoked_at',
    lastUsedAt: 'api_key_last_used_at',
  },
  tables: {
    projects: via('customer_id'),
    notes: via('project_id'),
    api_calls: via('customer_id', { unresolved: quarantine() }),
    endpoints: shared(),
  },
});
