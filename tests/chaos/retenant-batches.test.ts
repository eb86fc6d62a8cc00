import { setTimeout as wait } from 'node:timers/promises';
import { sql } from 'kysely';
import { Client } from 'pg';
import { afterEach, expect, it } from 'vitest';
import { applyRetenanting, planRetenanting, rollbackRetenanting, verifyRetenanting } from '../../src/migrate/index.ts';
import type { StrategyName } from '../../src/tenancy/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { transitionOf } from '../support/transition.ts';
import { everythingOf, type Filled, makeTables, programOf, type World } from '../support/transition-world.ts';

let database: TestDatabase<World>;
afterEach(() => database.destroy());

const nobody: Filled = {
  tenantOf: new Map(),
  keys: new Map(),
  keyIds: new Map(),
  suspended: [],
  pending: [],
  calls: 0,
  rows: 0,
};
const users = 160;

/** Many users with a few rows each; three of them are a company. */
async function fill(from: StrategyName): Promise<void> {
  const { tenancy, plans, apiKeys } = programOf(database, from);
  for (let n = 0; n < users; n += 1) {
    const id = `user ${String(n).padStart(4, '0')}`;
    const person = { id, email: `${n}@x.test`, company: `company ${n % 53}` };
    await database.owner.insertInto('people').values(person).execute();
    const { tenantId } = await tenancy.provision({ userId: id, name: id });
    if (n % 5 === 0) await apiKeys.issue({ tenantId });
    await plans.consume(tenantId, 'calls', 1);
    await database.owner.insertInto('projects').values({ tenant_id: tenantId, id: n, user_id: id, name: id }).execute();
  }
}

/** Runs something again until it ends, while its connection is cut off again and again. Gives how often it was. */
async function despiteCuts(work: () => Promise<unknown>): Promise<number> {
  const client = new Client({ connectionString: database.urls?.superuser ?? '' });
  await client.connect();
  let cuts = 0;
  try {
    for (let delay = 30; ; delay += 40 + Math.random() * 120) {
      let running = true;
      const done = work().then(
        () => true,
        () => false,
      );
      void done.then(() => {
        running = false;
      });
      await wait(delay);
      if (running) {
        const { rowCount } = await client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
        );
        if ((rowCount ?? 0) > 0) cuts += 1;
      }
      if (await done) return cuts;
    }
  } finally {
    await client.end();
  }
}

const tenants = async (): Promise<unknown> =>
  (
    await sql`select kind, status, count(*)::integer as count, (select count(distinct tenant_id)::integer from projects) as places,
      (select sum(used)::integer from tenantry.usage_counters) as used from tenantry.tenants group by 1, 2 order by 1, 2`.execute(
      database.owner,
    )
  ).rows;

it.each([
  ['per-user', 'hybrid-seats', 53],
  ['per-user', 'none', 1],
] as const)(
  'does many tenants at a time, and ends the same, both ways, however often it is cut off (%s to %s)',
  async (from, to, places) => {
    database = await postgresDatabase<World>();
    await makeTables(database.owner);
    await fill(from);
    const before = await everythingOf(database);
    const definition = transitionOf(from, to, nobody);
    const seen: number[] = [];
    await applyRetenanting(database.owner, definition, { onProgress: ({ unitsDone }) => seen.push(unitsDone) });
    expect(seen).toEqual(Array.from({ length: users }, (_, place) => place + 1));
    const expected = await tenants();
    expect(expected).toMatchObject([{ places, used: users }, {}]);
    await rollbackRetenanting(database.owner, definition);
    expect(await everythingOf(database)).toEqual(before);

    const cuts = await despiteCuts(() => applyRetenanting(database.owner, definition));
    expect(await tenants()).toEqual(expected);
    const { checks } = await verifyRetenanting(database.owner, definition);
    expect(checks.filter(({ status }) => status !== 'pass')).toEqual([]);
    const back = await despiteCuts(() => rollbackRetenanting(database.owner, definition));
    expect(await everythingOf(database)).toEqual(before);
    expect(cuts + back).toBeGreaterThan(1);
  },
);

it('does what comes before a tenant that cannot be done, and tells of that one', async () => {
  database = await postgresDatabase<World>();
  await makeTables(database.owner);
  await fill('per-user');
  const definition = transitionOf('per-user', 'hybrid-seats', nobody);
  const { rows } = await sql<{
    tenant_id: string;
  }>`select tenant_id from tenantry.tenants order by created_at, tenant_id limit 1 offset 40`.execute(database.owner);
  const bad = rows[0]?.tenant_id ?? '';
  await sql`create table tenantry.future_things (tenant_id uuid not null, id integer, primary key (tenant_id, id))`.execute(
    database.owner,
  );
  const plan = await planRetenanting(database.owner, definition);
  // What nobody could foresee at the time of the plan.
  await sql`insert into tenantry.future_things values (${bad}::uuid, 1)`.execute(database.owner);
  const run = applyRetenanting(database.owner, definition, { plan });
  await expect(run).rejects.toMatchObject({
    code: 'migration_conflict',
    details: { table: 'tenantry.future_things', keys: [bad] },
  });
  const { count } = (
    await sql<{
      count: number;
    }>`select count(*)::integer as count from tenantry.retenant_units where stage = 'done'`.execute(database.owner)
  ).rows[0] ?? { count: 0 };
  expect(count).toBe(40);
  await sql`drop table tenantry.future_things`.execute(database.owner);
  await applyRetenanting(database.owner, definition);
});
