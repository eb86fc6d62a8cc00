import { currentTenantSql, isolateTable } from '../isolation-sql.ts';
import { appRole, librarySchema, serviceRole } from '../roles.ts';

const ofUsers = [
  'users',
  'user_passwords',
  'user_tokens',
  'login_attempts',
  'sessions',
  'refresh_tokens',
  'signing_keys',
];

/**
 * Users, and what lets them in. A user is no tenant's and may be a member of many, so these tables have no tenant, and a
 * tenant's transaction reaches none of them: only the service role does. The one exception is narrow: it may end the
 * sessions that act for its tenant, so that whoever ends a membership within it cuts those too. `signing_keys.private_key`
 * is sealed. The steps of a set-up are the tenant's own.
 */
export const authSchema: readonly string[] = [
  `create table ${librarySchema}.users (
    user_id text collate "C" primary key,
    email text not null,
    email_key text collate "C" not null unique,
    name text,
    status text not null default 'active' check (status in ('active', 'suspended')),
    email_verified_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
  )`,
  `create table ${librarySchema}.user_passwords (
    user_id text collate "C" primary key references ${librarySchema}.users (user_id) on delete cascade,
    hash text collate "C" not null,
    changed_at timestamptz not null
  )`,
  // What is sent by mail: the digest of a token, for what, and to which address.
  `create table ${librarySchema}.user_tokens (
    digest text collate "C" primary key,
    purpose text not null check (purpose in ('verify', 'reset', 'change')),
    user_id text collate "C" not null references ${librarySchema}.users (user_id) on delete cascade,
    email text not null,
    email_key text collate "C" not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
  )`,
  `create index user_tokens_user on ${librarySchema}.user_tokens (user_id, purpose)`,
  `create unique index user_tokens_open on ${librarySchema}.user_tokens (user_id, purpose) where used_at is null`,
  // A bucket is a digest of who tries and from where: nothing in it tells a person.
  `create table ${librarySchema}.login_attempts (
    bucket text collate "C" primary key,
    failures integer not null,
    last_at timestamptz not null,
    blocked_until timestamptz not null,
    succeeded_at timestamptz
  ) with (fillfactor = 50)`,
  `create index login_attempts_last on ${librarySchema}.login_attempts (last_at)`,
  // A session is a family of refresh tokens. Its tenant is the one that it acts for now, and may be none.
  `create table ${librarySchema}.sessions (
    session_id uuid primary key,
    user_id text collate "C" not null references ${librarySchema}.users (user_id) on delete cascade,
    acting_tenant_id uuid,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_reason text,
    ip text,
    user_agent text,
    impersonator_id text collate "C",
    impersonation_reason text,
    impersonator_session_id uuid,
    check ((ended_at is null) = (ended_reason is null)),
    check ((impersonator_id is null) = (impersonation_reason is null))
  )`,
  `create index sessions_user on ${librarySchema}.sessions (user_id)`,
  `create index sessions_tenant on ${librarySchema}.sessions (acting_tenant_id, user_id)`,
  `create index sessions_impersonator on ${librarySchema}.sessions (impersonator_id) where impersonator_id is not null`,
  `create index sessions_impersonator_session on ${librarySchema}.sessions (impersonator_session_id)
    where impersonator_session_id is not null`,
  `create table ${librarySchema}.refresh_tokens (
    digest text collate "C" primary key,
    session_id uuid not null references ${librarySchema}.sessions (session_id) on delete cascade,
    parent text collate "C",
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
  )`,
  `create index refresh_tokens_session on ${librarySchema}.refresh_tokens (session_id)`,
  `create table ${librarySchema}.signing_keys (
    kid text collate "C" primary key,
    public_key jsonb not null,
    private_key text not null,
    created_at timestamptz not null,
    signs_from timestamptz not null,
    ends_at timestamptz
  )`,
  ...ofUsers.flatMap((table) => [
    `alter table ${librarySchema}.${table} enable row level security`,
    `alter table ${librarySchema}.${table} force row level security`,
    `create policy tenantry_service on ${librarySchema}.${table} to ${serviceRole} using (true) with check (true)`,
    `grant select, insert, update, delete on ${librarySchema}.${table} to ${serviceRole}`,
  ]),
  `create policy tenantry_tenant_see on ${librarySchema}.sessions for select to ${appRole}
    using (acting_tenant_id = ${currentTenantSql})`,
  `create policy tenantry_tenant_end on ${librarySchema}.sessions for update to ${appRole}
    using (acting_tenant_id = ${currentTenantSql}) with check (acting_tenant_id = ${currentTenantSql} and ended_at is not null)`,
  `grant select (session_id, user_id, acting_tenant_id, impersonator_session_id, ended_at) on ${librarySchema}.sessions to ${appRole}`,
  `grant update (ended_at, ended_reason) on ${librarySchema}.sessions to ${appRole}`,
  `create table ${librarySchema}.setup_steps (
    tenant_id uuid not null references ${librarySchema}.tenants (tenant_id) on delete cascade,
    step text collate "C" not null,
    status text not null check (status in ('open', 'done', 'skipped')),
    data jsonb not null default '{}',
    updated_at timestamptz not null,
    updated_by text collate "C",
    primary key (tenant_id, step)
  )`,
  ...isolateTable({ schema: librarySchema, table: 'setup_steps' }),
  `grant select, insert, update, delete on ${librarySchema}.setup_steps to ${serviceRole}`,
];
