import { sql } from 'kysely';
import { insertTenant } from '../../src/database/tenant-row.ts';
import { type ConsumeResult, definePlans } from '../../src/plans/index.ts';
import { createTenancy, none } from '../../src/tenancy/index.ts';
import type { TestDatabase } from './databases.ts';

/** An application without tables of its own. */
export type None = Record<string, never>;

/** Plans that differ in everything that plans can. */
export const catalogue = definePlans({
  free: {
    limits: { bots: 2 },
    quotas: { calls: { amount: 10, per: 'month' }, trial: { amount: 3, per: 'once' } },
  },
  pro: {
    limits: { bots: 5, rows: 'unlimited' },
    quotas: { calls: { amount: 100, per: 'month' } },
    features: ['webhooks'],
  },
  metered: { quotas: { calls: { amount: 10, per: 'day', overage: 'bill' } }, limits: { rows: 0 } },
  team: {
    limits: { bots: { amount: 2, perSeat: true } },
    quotas: { calls: { amount: 5, per: 'month', perSeat: true } },
  },
});

/** Plans with a quota that only grants fill, and one whose overage is billed. */
export const grantCatalogue = definePlans({
  free: {
    limits: { bots: 3 },
    quotas: { calls: { amount: 10, per: 'month' }, sessions: { amount: 0, per: 'once' } },
  },
  metered: { quotas: { calls: { amount: 5, per: 'month', overage: 'bill', overageAtMost: 20 } } },
});

/** Where the periods of the test's tenants are counted from. */
export const anchor = new Date('2026-01-31T09:30:00.000Z');
let count = 0;

/** Makes a tenant on a plan; with `seats` it is an organization that bought so many. */
export async function makeTenant(
  { app }: TestDatabase<None>,
  plan: string,
  { seats }: { seats?: number | null } = {},
): Promise<string> {
  count += 1;
  const tenantId = `00000000-0000-7000-8000-${count.toString(16).padStart(12, '0')}`;
  const lookup = { kind: 'test', value: tenantId };
  await insertTenant(app, { tenantId, kind: 'organization', name: 'Acme', plan, lookup, now: anchor });
  if (seats !== undefined) {
    await sql`insert into tenantry.organizations (tenant_id, slug, seats_bought, created_at, updated_at)
      values (${tenantId}::uuid, ${tenantId}, ${seats}, ${anchor}::timestamptz, ${anchor}::timestamptz)`.execute(app);
  }
  return tenantId;
}

/** What the database holds of a tenant's counters, by the start of their periods. */
export async function usedInDatabase({ app }: TestDatabase<None>, tenantId: string): Promise<number[]> {
  const { rows } = await sql<{ used: string }>`
    select used::text from tenantry.usage_counters where tenant_id = ${tenantId}::uuid order by period_start`.execute(
    app,
  );
  return rows.map((row) => Number(row.used));
}

/** The answers that were granted. */
export const granted = (results: readonly ConsumeResult[]): ConsumeResult[] => results.filter((result) => result.ok);
/** Starts so many at once. */
export const times = <Value>(length: number, make: (index: number) => Promise<Value>): Promise<Value[]> =>
  Promise.all(Array.from({ length }, (_, index) => make(index)));

/** Puts tenants on another plan, as a process of its own would. */
export function planSetter(database: Pick<TestDatabase<None>, 'app'>) {
  return createTenancy({ db: database.app, strategy: none(), clock: () => anchor }).setPlan;
}
