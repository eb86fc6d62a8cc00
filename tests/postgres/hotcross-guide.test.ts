import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateLegacy, type LegacySummary } from '../../examples/migrations/hotcross/generate.ts';
import { type GuideOutcome, runGuide } from '../../examples/migrations/hotcross/guide.ts';
import type { LegacyDatabase } from '../../examples/migrations/hotcross/legacy-schema.ts';
import { differences, fingerprint } from '../../examples/migrations/hotcross/story/fingerprint.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

let database: TestDatabase<LegacyDatabase>;
let summary: LegacySummary;
let outcome: GuideOutcome;
let untouched: string[];
beforeAll(async () => {
  database = await postgresDatabase<LegacyDatabase>({ install: false });
  summary = await generateLegacy(database.owner, { customers: 1000, calls: 1000 });
  const before = await fingerprint(database.owner);
  outcome = await runGuide(database.owner);
  untouched = differences(before, await fingerprint(database.owner));
});
afterAll(() => database.destroy());

it('loses exactly the customers without a Stripe customer', async () => {
  expect(outcome.lost).toBe(summary.dirt.withoutStripeCustomer);
  expect(outcome.lost).toBeGreaterThan(0);
});

it('doubles exactly the customers who share a Stripe customer', async () => {
  expect(outcome.doubled).toBe(summary.dirt.sharedStripeCustomer);
  expect(outcome.doubled).toBeGreaterThan(0);
});

it('makes as many developers as pairs of customers with one Stripe customer', async () => {
  const { rows } = await sql<{ pairs: string }>`
    select sum(people * people) as pairs
    from (select count(*) as people from customers where stripe_customer_id is not null group by stripe_customer_id) g`.execute(
    database.owner,
  );
  expect(outcome).toMatchObject({ customers: 1000, organizations: 1000, developers: Number(rows[0]?.pairs) });
});

it('would abort on a UNIQUE Stripe customer instead', () => {
  expect(outcome.sqlstateWithUnique).toBe('23505');
});

it('leaves nothing behind', async () => {
  expect(untouched).toEqual([]);
  const { rows } = await sql<{ schema: string | null }>`
    select to_regnamespace('hotcross_guide')::text as schema`.execute(database.owner);
  expect(rows).toEqual([{ schema: null }]);
});
