import type { Kysely } from 'kysely';
import { Client } from 'pg';
import { createTenantry, definePlans, perOrg } from 'tenantry';

const plans = definePlans({ bench: { quotas: { calls: { amount: 1e12, per: 'month' } } } });

/** The library as the servers of the bench have it: plans, organizations, and keys that are remembered. */
export function benchTenantry(db: Kysely<Record<string, never>>, url: string) {
  return createTenantry({
    db,
    plans,
    strategy: perOrg({ plan: 'bench' }),
    apiKeys: {
      prefix: 'bench',
      cache: {
        async listen() {
          const client = new Client({ connectionString: url });
          await client.connect();
          return client;
        },
      },
    },
  });
}
