import { sql } from 'kysely';
import { createTenantry, definePlans, fromHeader, hybridSeats, own } from 'tenantry';
import { isolateTable } from 'tenantry/database';
import { postgresDatabase } from './databases.ts';

interface Database {
  notes: { tenant_id: string; id: string; text: string };
}

const plans = definePlans({
  free: { quotas: { calls: { amount: 1_000_000, per: 'month' } } },
  tiny: { quotas: { calls: { amount: 2, per: 'month' } }, features: ['export'] },
});

/** Two organizations on a real server, with a key each, for programs that are reached over HTTP. */
export async function doorWorld() {
  const database = await postgresDatabase<Database>();
  await sql`create table notes (tenant_id uuid not null, id uuid not null, text text not null,
    primary key (tenant_id, id))`.execute(database.owner);
  for (const statement of isolateTable({ table: 'notes' })) await sql.raw(statement).execute(database.owner);
  const tenantry = createTenantry({
    db: database.app,
    plans,
    strategy: hybridSeats({ plan: 'free', seats: 3 }),
    apiKeys: { prefix: 'hc' },
    tables: { notes: own() },
    resolution: [fromHeader('x-tenant')],
  });
  const make = async (name: string) => {
    const { tenantId } = await tenantry.tenancy.provision({ userId: 'ada', name });
    const { secret, key } = await tenantry.apiKeys.issue({ tenantId, scopes: ['notes:read', 'notes:write'] });
    return { tenantId, secret, keyId: key.id };
  };
  return { database, tenantry, acme: await make('Acme'), globex: await make('Globex') };
}

/** What {@link doorWorld} makes. */
export type DoorWorld = Awaited<ReturnType<typeof doorWorld>>;
