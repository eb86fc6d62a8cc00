import { isolateTable } from '../isolation-sql.ts';
import { librarySchema, serviceRole } from '../roles.ts';

const ofTenants = [
  'teams',
  'team_members',
  'team_resources',
  'invitations',
  'invitation_tokens',
  'organization_domains',
  'member_usage',
];

/**
 * What organizations have beyond their members: teams, invitations, proven mail domains, and what each member used. What
 * counts seats and decides over members stands with them in the tables of step 2, added here.
 */
export const organizationPartsSchema: readonly string[] = [
  // Seats that pending invitations hold, and since when fewer are bought than taken.
  `alter table tenantry.organizations add column seats_held integer not null default 0 check (seats_held >= 0)`,
  `alter table tenantry.organizations add column seats_exceeded_at timestamptz`,
  // The revision counts up with every change of role, status or grants. An exempt member takes no seat.
  `alter table tenantry.members add column revision bigint not null default 1`,
  `alter table tenantry.members add column seat_exempt boolean not null default false`,
  `alter table tenantry.members add column approved_by text`,
  `alter table tenantry.members add column approved_at timestamptz`,
  `alter table tenantry.members drop constraint members_status_check`,
  `alter table tenantry.members add constraint members_status_check
    check (status in ('active', 'pending', 'requested', 'suspended', 'removed'))`,
  `create table tenantry.teams (
    tenant_id uuid not null references tenantry.organizations (tenant_id) on delete cascade,
    id uuid not null,
    parent_id uuid,
    name text not null,
    metadata jsonb not null default '{}',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, parent_id) references tenantry.teams (tenant_id, id)
  )`,
  'create index teams_parent on tenantry.teams (tenant_id, parent_id)',
  `create table tenantry.team_members (
    tenant_id uuid not null,
    team_id uuid not null,
    member_id uuid not null,
    role text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, team_id, member_id),
    foreign key (tenant_id, team_id) references tenantry.teams (tenant_id, id) on delete cascade,
    foreign key (tenant_id, member_id) references tenantry.members (tenant_id, id) on delete cascade
  )`,
  'create index team_members_member on tenantry.team_members (tenant_id, member_id)',
  `create table tenantry.team_resources (
    tenant_id uuid not null,
    team_id uuid not null,
    resource_type text collate "C" not null,
    resource_id text collate "C" not null,
    permission text collate "C" not null,
    shared_by text,
    shared_at timestamptz not null,
    primary key (tenant_id, team_id, resource_type, resource_id, permission),
    foreign key (tenant_id, team_id) references tenantry.teams (tenant_id, id) on delete cascade
  )`,
  'create index team_resources_resource on tenantry.team_resources (tenant_id, resource_type, resource_id)',
  `create table tenantry.invitations (
    tenant_id uuid not null references tenantry.organizations (tenant_id) on delete cascade,
    id uuid not null,
    email text not null,
    email_key text collate "C" not null,
    role text not null,
    status text not null check (status in ('pending', 'accepted', 'declined', 'revoked', 'expired')),
    seat_held boolean not null,
    invited_by text,
    member_id uuid,
    created_at timestamptz not null,
    sent_at timestamptz not null,
    expires_at timestamptz not null,
    decided_at timestamptz,
    primary key (tenant_id, id)
  )`,
  // Nobody is invited twice at a time.
  `create unique index invitations_email on tenantry.invitations (tenant_id, email_key) where status = 'pending'`,
  `create index invitations_expiry on tenantry.invitations (tenant_id, expires_at) where status = 'pending'`,
  `create table tenantry.invitation_tokens (
    digest text collate "C" primary key,
    tenant_id uuid not null,
    invitation_id uuid not null,
    foreign key (tenant_id, invitation_id) references tenantry.invitations (tenant_id, id) on delete cascade
  )`,
  'create index invitation_tokens_invitation on tenantry.invitation_tokens (tenant_id, invitation_id)',
  // A claim of a domain. Proven ones stand in tenant_lookups too, since a domain leads to one tenant.
  `create table tenantry.organization_domains (
    tenant_id uuid not null references tenantry.organizations (tenant_id) on delete cascade,
    domain text collate "C" not null,
    challenge text not null,
    mode text not null check (mode in ('join', 'request')),
    role text not null,
    added_by text,
    created_at timestamptz not null,
    verified_at timestamptz,
    checked_at timestamptz,
    primary key (tenant_id, domain)
  )`,
  `create table tenantry.member_usage (
    tenant_id uuid not null,
    member_id uuid not null,
    meter text collate "C" not null,
    per text collate "C" not null,
    period_start timestamptz not null,
    used bigint not null,
    updated_at timestamptz not null,
    primary key (tenant_id, member_id, meter, per, period_start),
    foreign key (tenant_id, member_id) references tenantry.members (tenant_id, id) on delete cascade
  ) with (fillfactor = 50)`,
  'create index member_usage_period on tenantry.member_usage (tenant_id, meter, per, period_start, member_id)',
  // Locked while it is counted how many organizations a user has. It belongs to no tenant.
  `create table tenantry.organization_creators (
    user_id text collate "C" primary key,
    locked_at timestamptz not null
  )`,
  ...ofTenants.flatMap((table) => isolateTable({ schema: librarySchema, table })),
  ...[...ofTenants, 'organization_creators'].map(
    (table) => `grant select, insert, update, delete on ${librarySchema}.${table} to ${serviceRole}`,
  ),
];
