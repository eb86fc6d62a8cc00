import { type Kysely, sql } from 'kysely';
import type { LegacyDatabase } from './legacy-schema.ts';

/** The guide's own SQL, character by character. */
const guideSql = `-- For each existing customer, create an organization and developer
INSERT INTO organizations (name, stripe_customer_id, subscription_status, max_seats)
SELECT 
    COALESCE(company, email) as name,
    stripe_customer_id,
    subscription_status,
    1 as max_seats
FROM customers;

-- Create developers from customers
INSERT INTO developers (
    organization_id,
    email,
    first_name,
    last_name,
    api_key_hash,
    api_key_prefix,
    api_key_created_at,
    api_key_revoked_at,
    api_key_last_used_at
)
SELECT 
    o.id as organization_id,
    c.email,
    c.first_name,
    c.last_name,
    c.api_key_hash,
    c.api_key_prefix,
    c.api_key_created_at,
    c.api_key_revoked_at,
    c.api_key_last_used_at
FROM customers c
JOIN organizations o ON c.stripe_customer_id = o.stripe_customer_id;

-- Drop old customers table (after verifying migration)
-- DROP TABLE customers;`;

const [insertOrganizations = '', insertDevelopers = ''] = guideSql.split(/(?<=;)\n\n/);

/** The guide names a scripts/schema.sql that it does not show; these two tables are what its SQL asks for. */
const guideTables = [
  `create table organizations (
    id bigint generated always as identity primary key,
    name text not null,
    stripe_customer_id text,
    subscription_status text,
    max_seats integer not null
  )`,
  `create table developers (
    id bigint generated always as identity primary key,
    organization_id bigint not null references organizations (id),
    email text not null,
    first_name text,
    last_name text,
    api_key_hash text,
    api_key_prefix text,
    api_key_created_at timestamptz,
    api_key_revoked_at timestamptz,
    api_key_last_used_at timestamptz
  )`,
];

/** What the guide's SQL makes of the customers. */
export interface GuideOutcome {
  readonly customers: number;
  readonly organizations: number;
  readonly developers: number;
  /** Customers of whom no developer was made: their keys stop working. */
  readonly lost: number;
  /** Customers of whom more than one developer was made. */
  readonly doubled: number;
  /** What ends the guide's first INSERT when `organizations.stripe_customer_id` is UNIQUE; NULL if nothing does. */
  readonly sqlstateWithUnique: string | null;
}

/**
 * Runs the guide's SQL on a copy of the customers in a scratch schema and counts what it loses and doubles. All of it
 * happens in one transaction that is rolled back, so that nothing of it can stay, not even when the process is killed.
 */
export async function runGuide(db: Kysely<LegacyDatabase>): Promise<GuideOutcome> {
  const tx = await db.startTransaction().execute();
  try {
    await sql`create schema hotcross_guide`.execute(tx);
    await sql`create table hotcross_guide.customers as table customers`.execute(tx);
    await sql`set local search_path to hotcross_guide`.execute(tx);
    for (const statement of guideTables) await sql.raw(statement).execute(tx);
    const before = await tx.savepoint('before_guide').execute();
    await sql.raw(insertOrganizations).execute(before);
    await sql.raw(insertDevelopers).execute(before);
    const counts = await count(before);
    const clean = await before.rollbackToSavepoint('before_guide').execute();
    await sql`alter table organizations add unique (stripe_customer_id)`.execute(clean);
    return { ...counts, sqlstateWithUnique: await sqlstateOf(() => sql.raw(insertOrganizations).execute(clean)) };
  } finally {
    await tx.rollback().execute();
  }
}

async function count(db: Kysely<LegacyDatabase>): Promise<Omit<GuideOutcome, 'sqlstateWithUnique'>> {
  const { rows } = await sql<Record<'customers' | 'organizations' | 'developers' | 'lost' | 'doubled', string>>`
    select (select count(*) from customers) as customers,
      (select count(*) from organizations) as organizations,
      (select count(*) from developers) as developers,
      count(*) filter (where made = 0) as lost,
      count(*) filter (where made > 1) as doubled
    from (
      select c.email, count(d.id) as made from customers c left join developers d on d.email = c.email group by c.email
    ) each_customer`.execute(db);
  const [row] = rows;
  return {
    customers: Number(row?.customers),
    organizations: Number(row?.organizations),
    developers: Number(row?.developers),
    lost: Number(row?.lost),
    doubled: Number(row?.doubled),
  };
}

async function sqlstateOf(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
    throw error;
  }
}
