import { type Kysely, sql } from 'kysely';
import {
  type AnyMigration,
  type ApiKeySource,
  defineMigration,
  quarantine,
  roleFrom,
  via,
} from '../../src/migrate/index.ts';
import { hybridSeats, perOrg } from '../../src/tenancy/index.ts';

/** A legacy application whose tenants, people, keys, subscriptions, permissions and log stand in tables of their own. */
export interface PartsLegacy {
  companies: { id: number; name: string; created_at: Date };
  users: {
    id: number;
    company_id: number | null;
    email: string;
    full_name: string | null;
    role: string | null;
    is_approved: boolean;
    is_active: boolean;
    created_at: Date;
  };
  api_tokens: {
    id: string;
    user_id: number;
    token_hash: string | null;
    prefix: string;
    label: string | null;
    created_at: Date;
    expires_at: Date | null;
    revoked_at: Date | null;
    last_used_at: Date | null;
  };
  subscriptions: {
    id: number;
    company_id: number;
    stripe_customer_id: string | null;
    stripe_subscription_id: string | null;
    status: string | null;
  };
  permissions: {
    id: number;
    company_id: number;
    user_id: number | null;
    permission: string;
    granted_by: number | null;
    granted_at: Date | null;
    expires_at: Date | null;
  };
  audit_logs: {
    id: string;
    company_id: number | null;
    user_id: number | null;
    action: string;
    entity_type: string | null;
    entity_id: string | null;
    details: unknown;
    created_at: Date;
  };
}

/** The legacy tables. */
export const partsTables = ['companies', 'users', 'api_tokens', 'subscriptions', 'permissions', 'audit_logs'] as const;

/**
 * Makes the tables and deterministic dirty rows. Per company of ten users: one of them twice by an e-mail in another
 * case, one who is not approved, one who is suspended. Every fourth company has two owners, the one after it none, the
 * next no users at all. Users without a company, with tokens; permissions of strangers; a log with rows of nobody.
 */
export async function makePartsLegacy(db: Kysely<PartsLegacy>, companies = 12): Promise<void> {
  const users = companies * 10;
  for (const statement of [
    'create table companies (id integer primary key, name text not null, created_at timestamptz not null)',
    `create table users (id integer primary key, company_id integer references companies (id), email text not null, full_name text,
      role text, is_approved boolean not null default true, is_active boolean not null default true, created_at timestamptz not null default now())`,
    `create table api_tokens (id bigint generated always as identity primary key, user_id integer not null references users (id) on delete cascade,
      token_hash text, prefix text not null default 'tok', label text, created_at timestamptz not null default now(), expires_at timestamptz,
      revoked_at timestamptz, last_used_at timestamptz)`,
    `create table subscriptions (id integer primary key, company_id integer not null references companies (id), stripe_customer_id text,
      stripe_subscription_id text, status text)`,
    `create table permissions (id integer primary key, company_id integer not null, user_id integer, permission text not null,
      granted_by integer, granted_at timestamptz, expires_at timestamptz)`,
    `create table audit_logs (id bigint generated always as identity primary key, company_id integer, user_id integer, action text not null,
      entity_type text, entity_id text, details jsonb, created_at timestamptz not null default now())`,
    `insert into companies select n, 'Company ' || n / 3, timestamptz '2025-01-01' + n * interval '1 day' from generate_series(1, ${companies}) n`,
    `insert into users select n, case when n % 10 = 9 and n % 20 = 9 then null when (n - 1) / 10 % 4 = 3 then null else 1 + (n - 1) / 10 end,
      case when n % 10 = 3 then upper('user' || (n - 1) || '@x.org') else 'user' || n || '@x.org' end,
      case when n % 7 = 0 then null else 'User ' || n end,
      case when (n - 1) / 10 % 4 = 1 and n % 10 in (4, 5) then 'owner' when (n - 1) / 10 % 4 <> 2 and n % 10 = 1 then 'owner'
        when n % 10 = 6 then 'admin' when n % 10 = 7 then null else 'member' end,
      n % 10 <> 8, n % 10 <> 0, timestamptz '2025-02-01' + n * interval '1 hour' from generate_series(1, ${users}) n`,
    `insert into api_tokens (user_id, token_hash, prefix, label, created_at, expires_at, revoked_at, last_used_at)
      select n, case when n % 11 = 0 then null else encode(sha256(convert_to('token ' || n, 'UTF8')), 'hex') end, 'tok_' || n, 'Token ' || n,
        timestamptz '2025-03-01' + n * interval '1 minute', case when n % 5 = 0 then timestamptz '2027-01-01' end,
        case when n % 6 = 0 then timestamptz '2025-04-01' end, case when n % 2 = 0 then timestamptz '2025-05-01' + n * interval '1 second' end
      from generate_series(1, ${users}) n`,
    `insert into subscriptions select n, 1 + n % ${companies}, 'cus_' || 1 + n % ${companies}, 'sub_' || n,
      (array['canceled', 'active', 'past_due', 'trialing', null])[1 + n % 5] from generate_series(1, ${companies * 2}) n`,
    `insert into permissions select n, 1 + (n - 1) / 10 % ${companies}, case when n % 13 = 0 then null when n % 17 = 0 then ${users} + n else n end,
      (array['reports:read', 'billing:manage', 'exports:write'])[1 + n % 3], case when n % 2 = 0 then 1 end,
      timestamptz '2025-06-01' + n * interval '1 minute', case when n % 9 = 0 then timestamptz '2027-06-01' end from generate_series(1, ${users}) n`,
    // The same permission twice: of the same user, and of the user's other account.
    `insert into permissions select ${users} + id, company_id, user_id, permission, 2, granted_at - interval '1 day', null from permissions where id % 8 = 0`,
    `insert into audit_logs (company_id, user_id, action, entity_type, entity_id, details, created_at)
      select case when n % 23 = 0 then null when n % 29 = 0 then ${companies} + n else 1 + n % ${companies} end, case when n % 3 = 0 then null else 1 + n % ${users} end,
        'document.' || (array['created', 'deleted'])[1 + n % 2], case when n % 4 = 0 then null else 'document' end, n::text,
        case n % 3 when 0 then null when 1 then '{"a": 1}'::jsonb else '[1, 2]'::jsonb end, timestamptz '2025-07-01' + n * interval '1 second'
      from generate_series(1, ${users * 5}) n`,
  ]) {
    await sql.raw(statement).execute(db);
  }
}

/** How keys are made. */
export const tokens: ApiKeySource<'api_tokens', keyof PartsLegacy['api_tokens']> = {
  source: 'api_tokens',
  digest: 'token_hash',
  scheme: 'sha256-hex',
  start: 'prefix',
  userId: 'user_id',
  name: 'label',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
  revokedAt: 'revoked_at',
  lastUsedAt: 'last_used_at',
};

/** The migration of {@link makePartsLegacy} to organizations. */
export const partsMigration: AnyMigration = defineMigration<PartsLegacy>()({
  name: 'companies-to-organizations',
  from: perOrg(),
  to: hybridSeats({ plan: 'team' }),
  tenants: { source: 'companies', sameTenant: ['id'], name: 'name' },
  members: {
    source: 'users',
    userId: 'id',
    email: 'email',
    name: 'full_name',
    sameMember: sql`lower(btrim(email))`,
    status: sql`case when not is_active then 'suspended' when is_approved then 'active' else 'pending' end`,
    role: roleFrom('role', { by: 'created_at' }),
  },
  apiKeys: tokens,
  subscriptions: {
    source: 'subscriptions',
    status: 'status',
    customerId: 'stripe_customer_id',
    subscriptionId: 'stripe_subscription_id',
  },
  grants: {
    source: 'permissions',
    userId: 'user_id',
    permission: 'permission',
    grantedBy: 'granted_by',
    grantedAt: 'granted_at',
    expiresAt: 'expires_at',
  },
  audit: {
    source: 'audit_logs',
    action: 'action',
    occurredAt: 'created_at',
    actorId: 'user_id',
    targetType: 'entity_type',
    targetId: 'entity_id',
    metadata: 'details',
  },
  tables: {
    users: via('company_id', { unresolved: quarantine() }),
    api_tokens: via('user_id'),
    subscriptions: via('company_id'),
    permissions: via('company_id'),
    audit_logs: via('company_id', { unresolved: quarantine() }),
  },
});

/** A checksum over what the finished migration made, times of its own left out. */
export async function partsChecksum(db: Kysely<PartsLegacy>): Promise<string> {
  const found = await sql<{ sum: string }>`
    select md5(string_agg(x.h, ',' order by x.h)) as sum from (
      select md5('c' || row(id, tenant_id)::text) as h from companies
      union all select md5('u' || row(id, tenant_id)::text) from users
      union all select md5('a' || row(id, tenant_id)::text) from api_tokens
      union all select md5('s' || row(id, tenant_id)::text) from subscriptions
      union all select md5('p' || row(id, tenant_id)::text) from permissions
      union all select md5('l' || row(id, tenant_id)::text) from audit_logs
      union all select md5('t' || row(tenant_id, kind, name, status, plan, subscription_status)::text) from tenantry.tenants
      union all select md5('n' || row(kind, value, tenant_id)::text) from tenantry.tenant_lookups
      union all select md5('o' || row(tenant_id, slug, seats_bought, seats_taken)::text) from tenantry.organizations
      union all select md5('m' || row(tenant_id, id, user_id, email, name, role, status)::text) from tenantry.members
      union all select md5('k' || row(tenant_id, id, name, start, member_id, created_at, expires_at, revoked_at, last_used_at)::text) from tenantry.api_keys
      union all select md5('d' || row(digest, tenant_id, key_id)::text) from tenantry.api_key_digests
      union all select md5('g' || row(tenant_id, member_id, permission, granted_by, granted_at, expires_at)::text) from tenantry.member_grants
      union all select md5('e' || row(tenant_id, id, action, occurred_at, actor_type, actor_id, targets, context, metadata)::text) from tenantry.audit_entries
      union all select md5('q' || row(table_name, row_key, row_data, reason)::text) from tenantry.migration_quarantine
    ) as x`.execute(db);
  return found.rows[0]?.sum ?? '';
}
