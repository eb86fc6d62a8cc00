import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isTenantryError } from '../../src/core/index.ts';
import { createTenantry, definePlans, perOrg } from '../../src/index.ts';
import { movePeople, returnPeople, verifyPeople } from '../../src/migrate/retenant/people/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

type Empty = Record<string, never>;

/** How often the tenants are merged and returned; TENANTRY_ROUNDS makes it more. */
const rounds = Number(process.env.TENANTRY_ROUNDS ?? 8);
const plans = definePlans({ team: { quotas: { calls: { amount: 1_000_000, per: 'hour' } } } });
let database: TestDatabase<Empty>;

beforeAll(async () => {
  database = await postgresDatabase<Empty>({ connections: 20 });
});
afterAll(() => database.destroy());

it('loses no unit, key or member that is written while tenants are merged and returned again and again', async () => {
  const strategy = perOrg({ plan: 'team' });
  const { tenancy, organizations, apiKeys, plans: limits } = createTenantry({ db: database.app, plans, strategy });
  const target = await organizations.create({ name: 'Target', owner: { userId: 'ada' } });
  const source = await organizations.create({ name: 'Source', owner: { userId: 'eve' } });
  await organizations.members.add({ tenantId: source.tenantId, userId: 'ada' });
  const written = { units: 0, keys: [] as string[], members: [] as string[], refused: 0 };
  let running = true;

  /** Writes for the tenant that `eve` acts for at the moment; one that moved meanwhile is asked for anew. */
  async function writer(number: number): Promise<void> {
    for (let turn = 0; running; turn += 1) {
      const { tenantId } = await tenancy
        .resolve({ userId: 'eve' })
        .then((found) => (found.ok ? found : Promise.reject(new Error(found.reason))));
      try {
        if (number < 4) {
          const result = await limits.consume(tenantId, 'calls', 1);
          if (result.ok) written.units += 1;
        } else if (number === 4) written.keys.push((await apiKeys.issue({ tenantId })).secret);
        else {
          const userId = `user ${number} ${turn}`;
          await organizations.members.add({ tenantId, userId });
          written.members.push(userId);
        }
      } catch (error) {
        if (
          !isDeadlock(error) &&
          !isTenantryError(error, 'tenant_not_found') &&
          !isTenantryError(error, 'organization_not_found')
        )
          throw error;
        written.refused += 1;
      }
    }
  }

  const writers = Array.from({ length: 6 }, (_, number) => writer(number));
  for (let round = 0; round < rounds; round += 1) {
    const unit = { retenanting: 'merge', unit: 'source', oldTenantId: source.tenantId, now: new Date() };
    const targets = [{ tenantId: target.tenantId }] as const;
    await inTurn((tx) => movePeople(tx, { ...unit, targets: [...targets], to: strategy }));
    const checks = await verifyPeople(database.app, 'merge');
    expect(checks.filter(({ status }) => status !== 'pass')).toEqual([]);
    await inTurn((tx) => returnPeople(tx, unit));
  }
  running = false;
  await Promise.all(writers);

  const counted = await sql<{ used: string; keys: string; members: string }>`
    select (select sum(used) from tenantry.usage_counters)::text as used,
      (select count(*) from tenantry.api_keys)::text as keys,
      (select count(distinct user_id) from tenantry.members)::text as members`.execute(database.app);
  expect(counted.rows[0]).toEqual({
    used: String(written.units),
    keys: String(written.keys.length),
    members: String(written.members.length + 2),
  });
  for (const { tenantId } of [target, source]) {
    const members = await organizations.members.list({ tenantId, limit: 1000 });
    const { taken } = await organizations.seats(tenantId);
    if (members.nextCursor === null) expect(taken).toBe(members.items.length);
  }
  for (const secret of written.keys.slice(0, 200)) expect(await apiKeys.verify(secret)).toMatchObject({ ok: true });
  expect(written.units).toBeGreaterThan(0);
});

const isDeadlock = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '40P01';

/** As a runner does: what met a deadlock was taken back, and is tried again. */
async function inTurn(work: (tx: Parameters<typeof movePeople>[0]) => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await database.owner.transaction().execute(work);
      return;
    } catch (error) {
      if (!isDeadlock(error) || tries === 30) throw error;
    }
  }
}
