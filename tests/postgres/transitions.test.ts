import { sql } from 'kysely';
import { afterEach, describe, expect, it } from 'vitest';
import { applyRetenanting, planRetenanting, rollbackRetenanting, verifyRetenanting } from '../../src/migrate/index.ts';
import type { StrategyName } from '../../src/tenancy/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { tenantsAfter, transitionOf } from '../support/transition.ts';
import {
  everybody,
  everythingOf,
  type Filled,
  fillWorld,
  makeTables,
  programOf,
  stranger,
  type World,
} from '../support/transition-world.ts';

const names: readonly StrategyName[] = ['none', 'per-user', 'per-org', 'hybrid-seats'];
const transitions = names.flatMap((from) => names.flatMap((to) => (from === to ? [] : [{ from, to }])));

let database: TestDatabase<World>;
afterEach(() => database.destroy());

describe.each(transitions)('$from to $to', ({ from, to }) => {
  it('moves people, keys, usage and rows, lets both applications go on, and goes back', async () => {
    database = await postgresDatabase<World>();
    await makeTables(database.owner);
    const filled = await fillWorld(database, from);
    const before = await everythingOf(database);
    const rows = await tenantsOfRows();
    const transition = transitionOf(from, to, filled);

    const plan = await planRetenanting(database.owner, transition);
    const { after, rest } = tenantsAfter(plan, filled);
    expect(plan.conflicts).toEqual([]);
    expect(await everythingOf(database)).toEqual(before);
    await applyRetenanting(database.owner, transition, { plan });
    const { checks } = await verifyRetenanting(database.owner, transition);
    expect(checks.filter(({ status }) => status !== 'pass')).toEqual([]);
    expect(await usedInAll()).toBe(filled.calls);

    const renewed = programOf(database, to);
    await everyoneActs(to, filled, after);
    let seen = 0;
    for (const tenantId of new Set(after.values())) {
      const expected = [...rows].filter(([id, old]) => (after.get(ownerOf(id)) ?? rest.get(old)) === tenantId);
      const own = await renewed.tenancy.scope(tenantId).selectFrom('projects').select('id').orderBy('id').execute();
      const notes = await renewed.tenancy.transaction(
        tenantId,
        (tx) => tx.selectFrom('notes').select('id').orderBy('id').execute(),
        { plugin: false },
      );
      expect(own.map(({ id }) => id)).toEqual(expected.map(([id]) => id));
      expect(notes).toEqual(own);
      seen += own.length;
    }
    expect(seen).toBe(filled.rows);
    for (const [userId, secret] of filled.keys) {
      const member = to === 'per-org' || to === 'hybrid-seats' ? { userId } : null;
      const tenant = { id: after.get(userId) };
      expect(await renewed.apiKeys.verify(secret)).toMatchObject({ ok: true, tenant, member });
      const access = await renewed.access.authenticate({ authorization: `Bearer ${secret}` });
      await access.consume('calls', 1);
    }
    expect(await usedInAll()).toBe(filled.calls + filled.keys.size);

    await everyoneActs(from, filled, after, to);

    const { kept } = await rollbackRetenanting(database.owner, transition);
    // What members used, and the trail of tenants that end, have no place in what has no members or is no more.
    expect(kept.filter(({ table }) => !/\.(?:member_usage|audit_\w+)$/.test(table))).toEqual([]);
    expect(withoutUsage(await everythingOf(database))).toEqual(withoutUsage(before));
    expect(await usedInAll()).toBe(filled.calls + filled.keys.size);
    const original = programOf(database, from);
    await everyoneActs(from, filled, filled.tenantOf);
    for (const [userId, secret] of filled.keys) {
      const tenant = { id: filled.tenantOf.get(userId) };
      expect(await original.apiKeys.verify(secret)).toMatchObject({ ok: true, tenant });
      expect(await original.plans.consume(tenant.id ?? '', 'calls', 1)).toMatchObject({ ok: true });
    }
  });
});

/** Each user may act, for the tenant where they are, as far as they might before; strangers may not. */
async function everyoneActs(
  application: StrategyName,
  { suspended, pending }: Filled,
  tenants: ReadonlyMap<string, string>,
  now: StrategyName = application,
): Promise<void> {
  const { tenancy } = programOf(database, application);
  const byMembership = application === 'per-org' || application === 'hybrid-seats';
  for (const { id: userId } of everybody) {
    const resolved = await tenancy.resolve({ userId });
    const answer = resolved.ok ? resolved.tenantId : resolved.reason;
    const out = suspended.includes(userId) || (pending.includes(userId) && byMembership);
    if (!out || now === 'none') {
      const refused = byMembership && out ? 'tenant_not_found' : tenants.get(userId);
      expect([userId, answer]).toEqual([userId, refused]);
    } else {
      expect([userId, answer]).toEqual([userId, expect.stringMatching(/^tenant_(not_found|suspended)$/)]);
    }
  }
  if (byMembership && !tenants.has(stranger.id))
    expect(await tenancy.resolve({ userId: stranger.id })).toEqual({ ok: false, reason: 'tenant_not_found' });
}

const owners = new Map<number, string>();
const ownerOf = (id: number): string => owners.get(id) ?? '';

/** The tenant of every row, by its number; the user of each is remembered beside. */
async function tenantsOfRows(): Promise<ReadonlyMap<number, string>> {
  const rows = await database.owner
    .selectFrom('projects')
    .select(['id', 'tenant_id', 'user_id'])
    .orderBy('id')
    .execute();
  owners.clear();
  for (const { id, user_id } of rows) if (user_id !== null) owners.set(id, user_id);
  return new Map(rows.map(({ id, tenant_id }) => [id, tenant_id]));
}

async function usedInAll(): Promise<number> {
  const found = await sql<{
    used: string;
  }>`select coalesce(sum(used), 0)::text as used from tenantry.usage_counters`.execute(database.app);
  return Number(found.rows[0]?.used);
}

const withoutUsage = (rows: readonly unknown[]): unknown[] =>
  rows.filter((row) => !/"name":"(?:usage_counters|usage_hours|member_usage|audit_\w+)"/.test(JSON.stringify(row)));
