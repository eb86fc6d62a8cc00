import { type QueryExecutorProvider, sql } from 'kysely';

const tables = [
  `create table organizations (
    id uuid primary key default gen_random_uuid(),
    name text,
    display_name varchar(255),
    contact_email text,
    phone text,
    subscription_tier text,
    subscription_status text,
    stripe_customer_id text,
    max_users integer,
    is_active boolean not null default true,
    settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  )`,
  `create table users (
    id bigserial primary key,
    organization_id uuid references organizations (id),
    email text not null unique,
    hashed_password text not null,
    first_name text,
    last_name text,
    role text default 'user',
    is_active boolean not null default true,
    is_verified boolean not null default false,
    preferences jsonb,
    last_login_at timestamptz,
    created_at timestamptz default now(),
    updated_at timestamptz not null default now()
  )`,
  `create table subscriptions (
    id bigserial primary key,
    organization_id uuid not null references organizations (id),
    plan text not null,
    status text,
    stripe_subscription_id text,
    amount_cents integer,
    currency char(3) not null default 'USD',
    billing_cycle text,
    seats integer,
    started_at timestamptz,
    current_period_end timestamptz,
    canceled_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  )`,
  `create table user_sessions (
    id uuid primary key default gen_random_uuid(),
    user_id bigint not null references users (id) on delete cascade,
    organization_id uuid not null references organizations (id),
    token_hash text not null unique,
    user_agent text,
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
  )`,
  `create table sound_packages (
    id bigserial primary key,
    organization_id uuid references organizations (id),
    name text not null,
    category text,
    price_cents integer,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    unique (organization_id, name)
  )`,
  `create table therapy_sounds (
    id bigserial primary key,
    package_id bigint references sound_packages (id) on delete set null,
    organization_id uuid references organizations (id),
    title text not null,
    frequency_hz numeric(8, 2),
    duration_seconds integer,
    file_path text
  )`,
  `create table organization_sound_packages (
    id bigserial primary key,
    organization_id uuid not null references organizations (id),
    package_id bigint not null references sound_packages (id),
    assigned_by bigint,
    assigned_at timestamptz not null default now(),
    expires_at timestamptz,
    is_active boolean not null default true
  )`,
  `create table organization_analytics (
    id bigserial primary key,
    organization_id uuid not null references organizations (id),
    day date not null,
    active_users integer not null,
    sessions integer not null,
    minutes numeric(12, 1) not null,
    unique (organization_id, day)
  )`,
  `create table organization_metrics (
    id bigserial primary key,
    organization_id uuid not null,
    metric text not null,
    value double precision not null,
    recorded_at timestamptz not null default now()
  )`,
  `create table wellness_metrics (
    id bigserial primary key,
    organization_id uuid,
    user_id bigint,
    metric text not null,
    value numeric(6, 2),
    note text,
    recorded_at timestamptz not null default now()
  )`,
  `create table dashboard_widgets (
    id bigserial primary key,
    organization_id uuid not null references organizations (id),
    user_id bigint references users (id) on delete cascade,
    widget text not null,
    position integer not null,
    config jsonb not null default '{}'
  )`,
  `create table webhook_endpoints (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references organizations (id),
    url text not null,
    secret text not null,
    events text[] not null,
    is_active boolean not null default true,
    created_at timestamptz not null default now()
  )`,
  `create table webhook_deliveries (
    id bigserial primary key,
    endpoint_id uuid not null references webhook_endpoints (id) on delete cascade,
    event text not null,
    payload jsonb not null,
    status_code integer,
    delivered_at timestamptz not null default now()
  )`,
  `create table therapy_sessions (
    id bigserial primary key,
    user_id bigint not null references users (id),
    organization_id uuid references organizations (id),
    sound_id bigint references therapy_sounds (id),
    started_at timestamptz not null,
    minutes numeric(6, 1),
    mood_before smallint,
    mood_after smallint
  )`,
  `create table analytics_events (
    id bigserial primary key,
    organization_id uuid,
    user_id bigint,
    event text not null,
    properties jsonb,
    occurred_at timestamptz not null default now()
  )`,
  `create table feature_usage (
    user_id bigint not null references users (id) on delete cascade,
    feature text not null,
    day date not null,
    organization_id uuid,
    uses integer not null,
    primary key (user_id, feature, day)
  )`,
  `create table audit_logs (
    id bigserial primary key,
    organization_id uuid,
    user_id bigint,
    action text not null,
    resource_type text,
    resource_id text,
    details jsonb,
    created_at timestamptz not null default now()
  )`,
];

const indexes = [
  'create index users_organization on users (organization_id)',
  'create index subscriptions_organization on subscriptions (organization_id)',
  'create index user_sessions_user on user_sessions (user_id)',
  'create index therapy_sounds_package on therapy_sounds (package_id)',
  'create index organization_sound_packages_organization on organization_sound_packages (organization_id)',
  'create index organization_sound_packages_package on organization_sound_packages (package_id)',
  'create index organization_metrics_organization on organization_metrics (organization_id, metric, recorded_at)',
  'create index wellness_metrics_user on wellness_metrics (user_id, recorded_at)',
  'create index dashboard_widgets_organization on dashboard_widgets (organization_id)',
  'create index dashboard_widgets_user on dashboard_widgets (user_id)',
  'create index webhook_endpoints_organization on webhook_endpoints (organization_id)',
  'create index webhook_deliveries_endpoint on webhook_deliveries (endpoint_id)',
  'create index therapy_sessions_user on therapy_sessions (user_id, started_at)',
  'create index analytics_events_user on analytics_events (user_id)',
  'create index analytics_events_organization on analytics_events (organization_id, occurred_at)',
  'create index audit_logs_organization on audit_logs (organization_id, created_at)',
];

const triggers = [
  `create function set_updated_at() returns trigger language plpgsql as
    $$ begin NEW.updated_at := now(); return NEW; end $$`,
  ...['organizations', 'users', 'subscriptions'].map(
    (table) =>
      `create trigger ${table}_updated_at before update on ${table} for each row execute function set_updated_at()`,
  ),
];

/** Makes the empty legacy tables. Several columns have no foreign key: rows outlive those of whom they speak. */
export async function createLegacyTables(db: QueryExecutorProvider): Promise<void> {
  for (const statement of tables) await sql.raw(statement).execute(db);
}

/** Adds indexes and triggers. They come after the rows, as in a dump, because that is several times as fast. */
export async function createLegacyIndexes(db: QueryExecutorProvider): Promise<void> {
  for (const statement of [...indexes, ...triggers]) await sql.raw(statement).execute(db);
}
