import type { Addition } from 'tenantry/migrate';

const isolated = 'references tenantry.tenants (tenant_id)';

/** What an organization tells about itself; its name and its address on the web stand in `tenantry`. */
const organizations: Addition = {
  name: 'organizations',
  stage: 'expand',
  sql: [
    `create table organizations (
      organization_id uuid primary key ${isolated},
      address text,
      phone text,
      email text,
      tax_id text,
      logo_url text,
      is_active boolean not null default true,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`,
  ],
  undo: ['drop table organizations'],
  creates: { organizations: 'own' },
};

const userColumns: Addition = {
  name: 'user-columns',
  stage: 'expand',
  sql: [
    `alter table users
      add column is_organization_owner boolean not null default false,
      add column approved_at timestamptz,
      add column approved_by integer,
      add column last_login timestamptz,
      add column phone text,
      add column updated_at timestamptz not null default now()`,
  ],
  undo: [
    `alter table users drop column is_organization_owner, drop column approved_at, drop column approved_by,
      drop column last_login, drop column phone, drop column updated_at`,
  ],
  adds: { users: ['is_organization_owner', 'approved_at', 'approved_by', 'last_login', 'phone', 'updated_at'] },
};

/** Templates of vouchers. How many sessions, how long, and when they may be booked. */
const voucherTypes: Addition = {
  name: 'voucher-types',
  stage: 'expand',
  sql: [
    `create table voucher_types (
      organization_id uuid not null ${isolated},
      id integer generated always as identity,
      name text not null,
      session_name text not null,
      description text,
      total_sessions integer not null check (total_sessions > 0),
      backup_sessions integer not null default 0 check (backup_sessions >= 0),
      session_duration_minutes integer not null check (session_duration_minutes > 0),
      max_clients_per_session integer not null default 1 check (max_clients_per_session > 0),
      frequency text not null check (frequency in ('daily', 'weekly', 'biweekly', 'custom')),
      custom_days text[],
      price numeric(10, 2) not null,
      validity_days integer not null default 365,
      booking_rules jsonb not null default '{}',
      is_active boolean not null default true,
      deactivated_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (organization_id, id),
      unique (organization_id, name)
    )`,
  ],
  undo: ['drop table voucher_types'],
  creates: { voucher_types: 'own' },
};

const voucherColumns: Addition = {
  name: 'voucher-columns',
  stage: 'expand',
  sql: [
    `alter table vouchers
      add column voucher_type_id integer,
      add column payment_method text,
      add column payment_status text,
      add column payment_amount numeric(10, 2),
      add column payment_date timestamptz,
      add column invoice_number text,
      add column notes text,
      add column status text check (status in ('pending', 'active', 'expired', 'cancelled', 'completed'))`,
  ],
  undo: [
    `alter table vouchers drop column voucher_type_id, drop column payment_method, drop column payment_status,
      drop column payment_amount, drop column payment_date, drop column invoice_number, drop column notes, drop column status`,
  ],
  adds: {
    vouchers: [
      'voucher_type_id',
      'payment_method',
      'payment_status',
      'payment_amount',
      'payment_date',
      'invoice_number',
      'notes',
      'status',
    ],
  },
};

/** Who changed what; and what one user may do beyond the role, with who allowed it. */
const trails: Addition = {
  name: 'trails',
  stage: 'expand',
  sql: [
    `create table audit_logs (
      organization_id uuid not null ${isolated},
      id bigint generated always as identity,
      user_id integer,
      action text not null,
      entity_type text not null,
      entity_id text,
      old_values jsonb,
      new_values jsonb,
      ip_address inet,
      user_agent text,
      created_at timestamptz not null default now(),
      primary key (organization_id, id)
    )`,
    `create table permissions (
      organization_id uuid not null ${isolated},
      id integer generated always as identity,
      user_id integer not null,
      permission text not null,
      granted_by integer,
      granted_at timestamptz not null default now(),
      primary key (organization_id, id),
      unique (organization_id, user_id, permission)
    )`,
  ],
  undo: ['drop table permissions', 'drop table audit_logs'],
  creates: { audit_logs: 'own', permissions: 'own' },
};

const day = (from: string, to: string): string => `{"enabled": true, "start_time": "${from}", "end_time": "${to}"}`;
const bookingRules = `{"monday": ${day('08:00', '20:00')}, "tuesday": ${day('08:00', '20:00')}, "wednesday": ${day('08:00', '20:00')},
  "thursday": ${day('08:00', '20:00')}, "friday": ${day('12:00', '15:00')}, "saturday": {"enabled": false}, "sunday": {"enabled": false}}`;

/** What every organization begins with: its page, three voucher types, and the record that it was converted. */
const firstRows: Addition = {
  name: 'first-rows',
  stage: 'backfill',
  sql: [
    'insert into organizations (organization_id) select tenant_id from tenantry.organizations on conflict do nothing',
    `insert into voucher_types (organization_id, name, session_name, total_sessions, backup_sessions, session_duration_minutes,
      max_clients_per_session, frequency, price, booking_rules)
    select o.organization_id, v.name, v.session_name, v.total, v.backup, v.minutes, v.clients, v.frequency, v.price, '${bookingRules}'
    from organizations as o cross join (values
      ('Standard Individual Therapy', 'Therapy Session', 10, 2, 60, 1, 'weekly', 399.99),
      ('Group Therapy Package', 'Group Session', 8, 2, 90, 8, 'weekly', 199.99),
      ('Intensive Daily Sessions', 'Intensive Session', 20, 4, 45, 1, 'daily', 799.99)
    ) as v (name, session_name, total, backup, minutes, clients, frequency, price)
    on conflict (organization_id, name) do nothing`,
    `insert into audit_logs (organization_id, action, entity_type, entity_id, new_values)
    select o.organization_id, 'migration', 'organization', o.organization_id::text,
      jsonb_build_object('users', (select count(*) from users), 'vouchers', (select count(*) from vouchers))
    from organizations as o`,
  ],
  undo: [],
};

/**
 * The new columns of users and vouchers, read from the old ones. It stands in the stage in which the new application takes
 * over, so that what the old one wrote until then is in it.
 */
const newColumns: Addition = {
  name: 'new-columns',
  stage: 'enforce',
  sql: [
    `update users set approved_at = case when is_approved then coalesce(approved_at, created_at) end,
      is_organization_owner = id = (select min(id) from users where lower(btrim(role)) = 'admin')`,
    `update vouchers as v set
      voucher_type_id = (select t.id from voucher_types as t
        where t.organization_id = v.organization_id and t.total_sessions = v.total_sessions order by t.id limit 1),
      payment_status = case when paid then 'paid' else 'unpaid' end,
      payment_amount = case when paid then price end,
      payment_date = case when paid then coalesce(paid_at, created_at) end,
      invoice_number = case when paid then 'INV-' || lpad(id::text, 8, '0') end,
      status = case when used_sessions >= total_sessions then 'completed' when not is_active then 'cancelled'
        when valid_until < now() then 'expired' when paid then 'active' else 'pending' end`,
    `alter table vouchers add constraint vouchers_type foreign key (organization_id, voucher_type_id)
      references voucher_types (organization_id, id)`,
  ],
  undo: ['alter table vouchers drop constraint vouchers_type'],
  adds: { vouchers: [], users: [] },
};

/**
 * What names a user names one of the same organization. A plain foreign key would take another's, for it does not look at
 * row-level security; the key of both columns is there once enforce is whole.
 */
const links: Addition = {
  name: 'links',
  stage: 'switch',
  sql: [
    `alter table audit_logs add constraint audit_logs_user foreign key (organization_id, user_id)
      references users (organization_id, id) on delete cascade`,
    `alter table permissions add constraint permissions_user foreign key (organization_id, user_id)
      references users (organization_id, id) on delete cascade,
      add constraint permissions_granter foreign key (organization_id, granted_by) references users (organization_id, id)`,
    `alter table users add constraint users_approver foreign key (organization_id, approved_by)
      references users (organization_id, id)`,
  ],
  undo: [
    'alter table users drop constraint users_approver',
    'alter table permissions drop constraint permissions_granter, drop constraint permissions_user',
    'alter table audit_logs drop constraint audit_logs_user',
  ],
};

/** Everything that the new application adds to the database, in the order in which it is made. */
export const additions: readonly Addition[] = [
  organizations,
  userColumns,
  voucherTypes,
  voucherColumns,
  trails,
  firstRows,
  newColumns,
  links,
];
