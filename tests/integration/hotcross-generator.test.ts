import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateLegacy, type LegacySummary, legacySecretOf } from '../../examples/migrations/hotcross/generate.ts';
import { generateNotes, generateProjects } from '../../examples/migrations/hotcross/generator/belongings.ts';
import { generateCalls } from '../../examples/migrations/hotcross/generator/calls.ts';
import { generateCustomers } from '../../examples/migrations/hotcross/generator/customers.ts';
import { type GenerateOptions, shares, sizeOf } from '../../examples/migrations/hotcross/generator/options.ts';
import { type LegacyDatabase, legacyTables } from '../../examples/migrations/hotcross/legacy-schema.ts';
import { countDirtInDatabase } from '../../examples/migrations/hotcross/story/what-is-there.ts';
import { pgliteDatabase, type TestDatabase } from '../support/databases.ts';

/** A hash over every generated value. */
function digest(options: GenerateOptions): string {
  const size = sizeOf(options);
  const customers = generateCustomers(size);
  const projects = generateProjects(customers, size);
  const hash = createHash('sha256');
  hash.update(JSON.stringify([customers, projects, generateNotes(projects, size)]));
  for (const batch of generateCalls(customers, size)) hash.update(JSON.stringify(batch));
  return hash.digest('hex');
}

it('generates the same rows on every machine', () => {
  expect(digest({ customers: 5000 })).toBe('9cf01731bfc90fd811e6093034eb38cbbafc4c2b274704e7db3233015eea421d');
});

it('generates other rows from another seed', () => {
  expect(digest({ customers: 100, seed: 4 })).not.toBe(digest({ customers: 100 }));
});

it('gives the same customers however many calls they make', () => {
  const few = generateCustomers(sizeOf({ customers: 200, calls: 10 }));
  expect(generateCustomers(sizeOf({ customers: 200, calls: 9000 }))).toEqual(few);
});

it('refuses sizes that are none', () => {
  expect(() => sizeOf({ customers: 0 })).toThrow(TypeError);
  expect(() => sizeOf({ customers: 1.5 })).toThrow(TypeError);
});

describe('in a database', () => {
  let database: TestDatabase<LegacyDatabase>;
  let summary: LegacySummary;
  beforeAll(async () => {
    database = await pgliteDatabase<LegacyDatabase>({ install: false });
    summary = await generateLegacy(database.owner, { customers: 5000, calls: 50_000 });
  });
  afterAll(() => database.destroy());

  it('loads every generated row', async () => {
    for (const table of legacyTables) {
      const { count } = await database.owner
        .selectFrom(table)
        .select((eb) => eb.fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      expect([table, Number(count)]).toEqual([table, summary.rows[table]]);
    }
  });

  it('is as dirty as its summary says, counted by SQL', async () => {
    expect(await countDirtInDatabase(database.owner)).toEqual(summary.dirt);
  });

  it('sows each kind of dirt at its share', () => {
    const { dirt } = summary;
    const of = (count: number, whole: number): number => count / whole;
    expect(of(dirt.withoutStripeCustomer, dirt.customers)).toBeCloseTo(0.25, 1);
    expect(of(dirt.sharedStripeCustomer, dirt.customers)).toBeGreaterThan(0.03);
    expect(of(dirt.sharedStripeCustomer, dirt.customers)).toBeLessThan(0.08);
    expect(of(dirt.withoutCompany, dirt.customers)).toBeGreaterThan(0.15);
    expect(of(dirt.keysNeverIssued, dirt.customers)).toBeCloseTo(shares.keyNeverIssued, 1);
    const issued = dirt.customers - dirt.keysNeverIssued;
    expect(of(dirt.keysNeverUsed, issued)).toBeCloseTo(shares.keyNeverUsed, 1);
    expect(of(dirt.keysRevoked, issued)).toBeCloseTo(shares.keyRevoked, 1);
    for (const [kind, count] of Object.entries(dirt)) expect([kind, count > 20]).toEqual([kind, true]);
  });

  it('leaves calls of customers who are gone, at their share', async () => {
    const { rows } = await sql<{ count: string }>`
      select count(*) from api_calls where customer_id not in (select id from customers)`.execute(database.owner);
    expect(Number(rows[0]?.count)).toBe(summary.callsOfGoneCustomers);
    expect(summary.callsOfGoneCustomers / summary.rows.api_calls).toBeCloseTo(shares.callOfGone, 3);
  });

  it('stores only the hash of a key, which the derived secret gives', async () => {
    const customers = await database.owner
      .selectFrom('customers')
      .select(['id', 'api_key_hash', 'api_key_prefix'])
      .where('api_key_hash', 'is not', null)
      .limit(50)
      .execute();
    for (const customer of customers) {
      const secret = legacySecretOf(customer.id);
      expect(secret).toMatch(/^hc_live_[0-9a-f]{32}$/);
      expect(customer.api_key_hash).toBe(createHash('sha256').update(secret).digest('hex'));
      expect(customer.api_key_prefix).toBe(secret.slice(0, 12));
    }
  });

  it('keeps awkward texts whole', async () => {
    const { rows } = await sql<{ company: string }>`
      select distinct trim(company) as company from customers where company ~ '[''"\\\\{]' or company like '%株式%'
      or lower(company) = 'null'`.execute(database.owner);
    const companies = rows.map((row) => row.company);
    for (const name of ['Bob "The Builder" Ltd', 'Path\\Finder GmbH', "Robert'); DROP TABLE customers;--", 'null']) {
      expect(companies).toContain(name);
    }
  });

  it('lets new rows in after the generated ones', async () => {
    const customer = await database.owner.selectFrom('customers').select('id').limit(1).executeTakeFirstOrThrow();
    const project = await database.owner
      .insertInto('projects')
      .values({ customer_id: customer.id, name: 'new', settings: '{}', created_at: '2026-07-01T00:00:00Z' })
      .returning('id')
      .executeTakeFirstOrThrow();
    const { before } = await database.owner
      .selectFrom('projects')
      .select((eb) => eb.fn.max('id').as('before'))
      .where('name', '<>', 'new')
      .executeTakeFirstOrThrow();
    expect(Number(project.id)).toBe(Number(before) + 1);
  });
});
