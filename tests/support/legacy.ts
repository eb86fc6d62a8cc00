import { type Kysely, sql } from 'kysely';
import { type AnyMigration, defineMigration, firstIsOwner, quarantine, shared, via } from '../../src/migrate/index.ts';
import { hybridSeats, perUser } from '../../src/tenancy/index.ts';

/** A small legacy application: customers, what they made, and what their keys did. */
export interface Legacy {
  customers: {
    id: number;
    email: string;
    company: string | null;
    stripe_customer_id: string | null;
    subscription_status: string | null;
    api_key_hash: string | null;
    api_key_prefix: string | null;
    api_key_revoked_at: Date | null;
    created_at: Date;
  };
  projects: { id: number; customer_id: number; name: string; budget: string | null };
  notes: { project_id: number; position: number; author_id: number | null; body: string; extra: unknown };
  api_calls: { id: string; customer_id: number | null; path: string; called_at: Date };
  countries: { code: string; name: string };
}

/** Makes the tables and deterministic dirty rows: shared and missing Stripe ids, spellings, double persons, orphans. */
export async function makeLegacy(db: Kysely<Legacy>, customers = 200, calls = customers * 10): Promise<void> {
  const statements = [
    `create table customers (id integer primary key, email text not null, company text, stripe_customer_id text,
      subscription_status text, api_key_hash text, api_key_prefix text, api_key_revoked_at timestamptz, created_at timestamptz not null)`,
    `create table projects (id integer primary key, customer_id integer not null references customers (id), name varchar(80) not null, budget numeric(12,3))`,
    `create table notes (project_id integer not null references projects (id), position integer not null, author_id integer references customers (id),
      body text not null, extra json, primary key (project_id, position))`,
    `create table api_calls (id bigint generated always as identity primary key, customer_id integer, path text not null, called_at timestamptz not null)`,
    'create table countries (code text primary key, name text not null)',
    `insert into countries values ('CH', 'Schweiz'), ('PL', 'Polska')`,
    `insert into customers select n,
      case when n % 50 = 7 then upper('user' || (n - 1) || '@example.com') else 'user' || n || '@example.com' end,
      case n % 10 when 0 then null when 1 then ' acme  ' || n / 20 || ' ' when 2 then 'ACME  ' || n / 20 when 6 then 'Żółć O''Brien' when 7 then 'Żółć O''Brien' else 'Company ' || n end,
      case when n % 4 = 0 then null when n % 9 = 0 then 'cus_shared_' || n / 40 else case when n % 10 in (1, 2, 6, 7) then null else 'cus_' || n end end,
      (array['active', 'trialing', 'canceled', null, 'past_due'])[1 + n % 5],
      case when n % 6 = 0 then null else encode(sha256(convert_to('secret ' || n, 'UTF8')), 'hex') end,
      'hc_live_' || n, case when n % 11 = 0 then timestamptz '2026-02-03 04:05:06.789' end,
      timestamptz '2025-01-01' + n * interval '1 hour'
    from generate_series(1, ${customers}) as n`,
    `insert into projects select n, 1 + n % ${customers}, 'Project "' || n || '"', n / 7.0 from generate_series(1, ${customers * 2}) as n`,
    `insert into notes select p.id, s, case when s = 1 then p.customer_id end, 'note ' || s, '{"a" : 1,   "a":2}'::json
      from projects p, generate_series(1, 3) as s`,
    `insert into api_calls (customer_id, path, called_at) select case when n % 97 = 0 then null when n % 101 = 0 then ${customers} + n else 1 + n % ${customers} end,
      '/v1/' || n % 13, timestamptz '2026-01-01' + n * interval '1 second' from generate_series(1, ${calls}) as n`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}

/** The migration of {@link makeLegacy} to organizations with seats. */
export const legacyMigration: AnyMigration = defineMigration<Legacy>()({
  name: 'customers-to-organizations',
  from: perUser(),
  to: hybridSeats({ plan: 'team' }),
  tenants: {
    source: 'customers',
    sameTenant: ['stripe_customer_id', sql`lower(regexp_replace(btrim(company), '\\s+', ' ', 'g'))`, 'id'],
    name: sql`coalesce(btrim(company), email)`,
    provider: { customerId: 'stripe_customer_id', status: 'subscription_status' },
  },
  members: {
    source: 'customers',
    userId: 'id',
    email: 'email',
    sameMember: sql`lower(btrim(email))`,
    role: firstIsOwner({ by: 'created_at' }),
  },
  apiKeys: {
    source: 'customers',
    digest: 'api_key_hash',
    scheme: 'sha256-hex',
    start: 'api_key_prefix',
    revokedAt: 'api_key_revoked_at',
  },
  tables: {
    projects: via('customer_id'),
    notes: via('project_id'),
    api_calls: via('customer_id', { unresolved: quarantine() }),
    countries: shared(),
  },
});

/** A checksum over every column of the legacy tables, the same whatever the order of the rows. */
export async function legacyChecksum(db: Kysely<Legacy>): Promise<string> {
  const found = await sql<{ sum: string }>`
    select md5(string_agg(x.h, ',' order by x.h)) as sum from (
      select md5('c' || row(id, email, company, stripe_customer_id, subscription_status, api_key_hash, api_key_prefix, api_key_revoked_at, created_at)::text) as h from customers
      union all select md5('p' || row(id, customer_id, name, budget)::text) from projects
      union all select md5('n' || row(project_id, position, author_id, body, extra)::text) from notes
      union all select md5('a' || row(id, customer_id, path, called_at)::text) from api_calls
      union all select md5('k' || row(code, name)::text) from countries
    ) as x`.execute(db);
  return found.rows[0]?.sum ?? '';
}

/** A checksum over what a finished migration made, times left out: legacy tables with tenants, and the library's tables. */
export async function resultChecksum(db: Kysely<Legacy>): Promise<string> {
  const found = await sql<{ sum: string }>`
    select md5(string_agg(x.h, ',' order by x.h)) as sum from (
      select md5('c' || row(id, tenant_id, email)::text) as h from customers
      union all select md5('p' || row(id, tenant_id, customer_id)::text) from projects
      union all select md5('n' || row(project_id, position, tenant_id, body)::text) from notes
      union all select md5('a' || row(id, tenant_id, customer_id, path)::text) from api_calls
      union all select md5('t' || row(tenant_id, kind, name, status, plan, subscription_status)::text) from tenantry.tenants
      union all select md5('l' || row(kind, value, tenant_id)::text) from tenantry.tenant_lookups
      union all select md5('o' || row(tenant_id, slug, seats_bought, seats_taken)::text) from tenantry.organizations
      union all select md5('m' || row(tenant_id, id, user_id, email, name, role, status)::text) from tenantry.members
      union all select md5('k' || row(tenant_id, id, start, member_id, revoked_at)::text) from tenantry.api_keys
      union all select md5('d' || row(digest, tenant_id, key_id)::text) from tenantry.api_key_digests
      union all select md5('q' || row(table_name, row_key, row_data)::text) from tenantry.migration_quarantine
    ) as x`.execute(db);
  return found.rows[0]?.sum ?? '';
}
