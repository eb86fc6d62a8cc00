import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LegacyDatabase } from '../../examples/migrations/hotcross/legacy-schema.ts';
import { createPrinter } from '../../examples/migrations/hotcross/print.ts';
import { type Census, takeCensus } from '../../examples/migrations/hotcross/story/census.ts';
import { type DemoOutcome, tellStory } from '../../examples/migrations/hotcross/story/tell-story.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

let database: TestDatabase<LegacyDatabase>;
let outcome: DemoOutcome;
const parts: string[] = [];
beforeAll(async () => {
  database = await postgresDatabase<LegacyDatabase>({ install: false });
  const printer = createPrinter({ write: (part: string) => parts.push(part) });
  const place = { owner: database.owner, app: database.app, appLogin: 'tenantry_test_app', where: 'a test' };
  outcome = await tellStory(place, { customers: 600, printer });
});
afterAll(() => database.destroy());

it('keeps every promise', () => {
  expect(outcome.broken).toEqual([]);
});

it('loses and doubles nobody, where the guide does both', () => {
  const { guide, tenantry, customers } = outcome.summary;
  expect(customers).toBe(600);
  expect(guide.lost).toBeGreaterThan(0);
  expect(guide.doubled).toBeGreaterThan(0);
  expect(tenantry).toMatchObject({ lost: 0, doubled: 0 });
});

it('makes the organizations, members and keys that the legacy columns ask for', async () => {
  const customers = await database.owner.selectFrom('customers').selectAll().execute();
  const organizationOf = (row: (typeof customers)[number]): string =>
    row.stripe_customer_id ?? ((row.company ?? '').trim().toLowerCase() || row.id);
  const persons = customers.map((row) => `${organizationOf(row)} ${row.email.trim().toLowerCase()}`);
  expect(outcome.summary.tenantry).toMatchObject({
    organizations: new Set(customers.map(organizationOf)).size,
    members: new Set(persons).size,
    keys: customers.filter((row) => row.api_key_hash !== null).length,
  });
  expect(new Set(persons).size).toBeLessThan(customers.length);
});

it('tries every key, and every check passes', () => {
  const { keys, tenantry, verify } = outcome.summary;
  expect(keys.accepted + keys.refused).toBe(tenantry.keys);
  expect(keys.refused).toBeGreaterThan(0);
  expect(verify.checks).toBeGreaterThan(20);
  expect(verify.failed).toBe(0);
});

it('grants a quota to the last unit, and rolls back to the same tables', () => {
  expect(outcome.summary.consume).toEqual({ limit: 1000, granted: 1000 });
  expect(outcome.summary.rollback).toEqual({ identical: true });
});

it('prints plain lines where there is no terminal', () => {
  const text = parts.join('');
  for (const control of ['\u001b', '\r']) expect(text).not.toContain(control);
  expect(text).toMatch(/backfill\s+api_calls\s+100 %\s+24,000 of 24,000 rows/);
});

/** What the census says after a change that is rolled back. */
async function censusAfter(change: string): Promise<Census> {
  const tx = await database.owner.startTransaction().execute();
  try {
    await sql.raw(change).execute(tx);
    return await takeCensus(tx);
  } finally {
    await tx.rollback().execute();
  }
}

it('would see a member who is lost, one who is doubled, and a key that is lost', async () => {
  const one = `select tenant_id, id from tenantry.members m where user_id in (
    select id::text from customers where api_key_hash is not null and email = lower(email) and not exists (
      select 1 from customers other where other.id <> customers.id and lower(other.email) = customers.email))
    order by id limit 1`;
  expect(await censusAfter(`delete from tenantry.members where (tenant_id, id) in (${one})`)).toMatchObject({
    lost: 1,
  });
  expect(await censusAfter(`delete from tenantry.api_keys where (tenant_id, member_id) in (${one})`)).toMatchObject({
    lost: 1,
  });
  const elsewhere = `insert into tenantry.members (tenant_id, id, user_id, email, role, created_at, updated_at)
    select o.tenant_id, gen_random_uuid(), m.user_id, m.email, 'member', now(), now()
    from tenantry.members m, tenantry.organizations o
    where (m.tenant_id, m.id) in (${one}) and o.tenant_id <> m.tenant_id order by o.tenant_id limit 1`;
  expect(await censusAfter(elsewhere)).toMatchObject({ lost: 0, doubled: 1 });
});
