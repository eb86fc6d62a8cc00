import type { Kysely } from 'kysely';
import { createTenantry, definePlans, hybridSeats, own, shared } from 'tenantry';
import type { LegacyDatabase } from './legacy-schema.ts';

/** How many API calls an organization may make in a month. */
export const callsPerMonth = 1000;

const plans = definePlans({
  team: { quotas: { calls: { amount: callsPerMonth, per: 'month' } }, features: ['webhooks'] },
});

type Owned = { tenant_id: string };

/** What the migration adds to the legacy tables. */
type TenantColumns = {
  customers: Owned;
  projects: Owned;
  notes: Owned;
  api_calls: Owned;
};

/** The application after the migration: organizations with seats, and the keys that customers had before. */
export function createApplication(db: Kysely<LegacyDatabase>) {
  return createTenantry({
    db: db.withTables<TenantColumns>(),
    plans,
    strategy: hybridSeats({ plan: 'team' }),
    apiKeys: { prefix: 'hc', foreign: /^hc_live_[0-9a-f]{32}$/ },
    tables: { customers: own(), projects: own(), notes: own(), api_calls: own(), endpoints: shared() },
  });
}

/** What {@link createApplication} makes. */
export type Application = ReturnType<typeof createApplication>;

/** The headers of a request that shows a key. */
export const withKey = (secret: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${secret}` });
