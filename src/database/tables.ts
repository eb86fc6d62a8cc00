import type { ColumnType, Generated } from 'kysely';
import type { AuditEntryTable } from './audit-tables.ts';
import type { AuthDatabase } from './auth-tables.ts';
import type { BillingDatabase } from './billing-tables.ts';
import type { InboxDatabase } from './inbox-tables.ts';
import type { TenantKind, TenantStatus } from './tenant-row.ts';
import type { WebhookDatabase } from './webhook-tables.ts';

/** A whole number that PostgreSQL stores in 64 bits; drivers read it as a string, a number or a bigint. */
type Bigint = ColumnType<string | number | bigint, number | bigint, number | bigint>;
/** What the database writes by itself, from other columns. */
type Written = ColumnType<string, never, never>;
type Json = ColumnType<Record<string, unknown>, string | undefined, string>;

/** `tenantry.tenants`: the boundary of data and of the bill. */
export interface TenantTable {
  tenant_id: string;
  kind: TenantKind;
  name: string;
  status: Generated<TenantStatus>;
  plan: string;
  /** The provider's word for the state of the subscription; NULL where there never was one. */
  subscription_status: string | null;
  /** Where the periods of quotas are counted from. */
  anchor_at: Date;
  /** Counts up whenever something changes that entitlements are computed from. */
  entitlement_revision: ColumnType<string | number | bigint, number | undefined, number>;
  /** Since when the tenant has its plan; NULL: since it was made. */
  plan_since: Date | null;
  /** What holds for this tenant beyond its plan; NULL: nothing. Times in it are milliseconds since 1970. */
  plan_terms: ColumnType<Record<string, unknown> | null, string | null | undefined, string | null>;
  metadata: Json;
  created_at: Date;
  updated_at: Date;
  /** What verifying a key needs to know of the tenant, as JSON. */
  facts: Written;
}

/** `tenantry.tenant_lookups`: what names one tenant among all (a slug, a user, a provider's customer). */
export interface TenantLookupTable {
  kind: string;
  value: string;
  tenant_id: string;
}

/** `tenantry.tenant_moves`: where a tenant went that is no more, for everybody or for one of its users. */
export interface TenantMoveTable {
  old_tenant_id: string;
  /** Empty: for whoever has no row of their own. */
  user_id: string;
  /** Where it went. */
  tenant_id: string;
  /** The role in which the user acts there; NULL where a membership says it. */
  role: string | null;
}

/** `tenantry.organizations`: the people side of a tenant with members. */
export interface OrganizationTable {
  tenant_id: string;
  slug: string;
  /** NULL: no cap. */
  seats_bought: number | null;
  seats_taken: Generated<number>;
  /** How many seats pending invitations hold. */
  seats_held: Generated<number>;
  /** Since when fewer seats are bought than taken; NULL while there are enough. */
  seats_exceeded_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.members`: a user in an organization. */
export interface MemberTable {
  tenant_id: string;
  id: string;
  user_id: string;
  email: string | null;
  name: string | null;
  role: string;
  status: Generated<'active' | 'pending' | 'requested' | 'suspended' | 'removed'>;
  /** Counts up with every change of role, status or grants. */
  revision: ColumnType<string | number | bigint, number | undefined, number>;
  /** True for an active or pending member who takes no seat. */
  seat_exempt: Generated<boolean>;
  /** The application's id of the user who approved the member. */
  approved_by: string | null;
  approved_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.teams`: a subset of members, to which resources are shared. Teams form trees. */
export interface TeamTable {
  tenant_id: string;
  id: string;
  /** NULL: at the top. */
  parent_id: string | null;
  name: string;
  metadata: Json;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.team_members`: a member in a team, with a role there. */
export interface TeamMemberTable {
  tenant_id: string;
  team_id: string;
  member_id: string;
  role: string;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.team_resources`: what of the application's a team was given, and for what. */
export interface TeamResourceTable {
  tenant_id: string;
  team_id: string;
  resource_type: string;
  resource_id: string;
  permission: string;
  shared_by: string | null;
  shared_at: Date;
}

/** `tenantry.invitations`: members to be. */
export interface InvitationTable {
  tenant_id: string;
  id: string;
  /** As it was given. */
  email: string;
  /** In the form in which addresses are compared. */
  email_key: string;
  role: string;
  status: 'pending' | 'accepted' | 'declined' | 'revoked' | 'expired';
  seat_held: boolean;
  invited_by: string | null;
  /** The member that it made; NULL before. */
  member_id: string | null;
  created_at: Date;
  /** When the newest token was made. */
  sent_at: Date;
  expires_at: Date;
  decided_at: Date | null;
}

/** `tenantry.invitation_tokens`: digest of a token to invitation, unique over all tenants. */
export interface InvitationTokenTable {
  digest: string;
  tenant_id: string;
  invitation_id: string;
}

/** `tenantry.organization_domains`: mail domains that an organization claims. */
export interface OrganizationDomainTable {
  tenant_id: string;
  domain: string;
  /** What the DNS record must hold. */
  challenge: string;
  mode: 'join' | 'request';
  role: string;
  added_by: string | null;
  created_at: Date;
  /** NULL: not proven. */
  verified_at: Date | null;
  checked_at: Date | null;
}

/** `tenantry.member_usage`: what each member used of a limit or quota in one period. */
export interface MemberUsageTable {
  tenant_id: string;
  member_id: string;
  meter: string;
  per: string;
  period_start: Date;
  used: Bigint;
  updated_at: Date;
}

/** `tenantry.api_keys`: everything about a key but its secret. */
export interface ApiKeyTable {
  tenant_id: string;
  id: string;
  name: string | null;
  environment: string;
  start: string;
  scheme: string;
  scopes: string[];
  /** The member or the team that owns the key; NULL in both: the tenant. */
  member_id: string | null;
  team_id: string | null;
  /** The application's id of the user who made it. */
  created_by: string | null;
  enabled: Generated<boolean>;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  rotated_at: Date | null;
  last_used_at: Date | null;
  /** NULL: any. */
  allowed_ips: string[] | null;
  metadata: ColumnType<Record<string, unknown> | null, string | null | undefined, string | null>;
  rate_limit: ColumnType<Record<string, unknown> | null, string | null | undefined, string | null>;
  /** How many uses there are in each period; NULL: any number. */
  uses_amount: ColumnType<string | number | bigint | null, number | null | undefined, number | null>;
  uses_per: string | null;
  uses_count: ColumnType<string | number | bigint, number | undefined, number>;
  /** The period in which they were counted. */
  uses_period: Date | null;
  /** What verifying needs to know of the key, as JSON. */
  facts: Written;
}

/** `tenantry.api_key_digests`: digest to key, unique over all tenants. */
export interface ApiKeyDigestTable {
  digest: string;
  tenant_id: string;
  key_id: string;
  /** When a secret that was replaced ends; NULL: with the key. */
  expires_at: Date | null;
  /** A foreign hash that must be verified; NULL: the digest is the proof. */
  hash: string | null;
  /** The key's `facts`, which a foreign key keeps equal to them; NULL: to be read there. */
  facts: string | null;
}

/** `tenantry.rate_limits`: the theoretical arrival time of each rate limit, in microseconds since 1970. */
export interface RateLimitTable {
  tenant_id: string;
  name: string;
  tat: Bigint;
}

/** `tenantry.usage_counters`: what a tenant used of a limit or quota in one period. */
export interface UsageCounterTable {
  tenant_id: string;
  meter: string;
  /** The kind of the period: `hour` to `year`, `once`, or `none` for limits. */
  per: string;
  /** The start of the period; the epoch for limits and for what is given once. */
  period_start: Date;
  used: Bigint;
  /** The tenant's `entitlement_revision` under which the counter was last raised: an older one may not raise it again. */
  entitlement_revision: Bigint;
  updated_at: Date;
  /** No open reservation of these units ends before; NULL: there is none. */
  held_until: Date | null;
  /** The percentage of the alert that was told last; NULL or 0: none. */
  alerted: number | null;
  /** How many units beyond the amount were told to the billing provider, and how many are being told. */
  exported: ColumnType<string | number | bigint | null, number | null | undefined, number | null>;
  exporting: ColumnType<string | number | bigint | null, number | null | undefined, number | null>;
  /** The hour that was counted last, of which `usage_hours` does not know yet; NULL: none. */
  hour: Date | null;
  /** What was used in it. */
  hour_units: ColumnType<string | number | bigint, number | undefined, number>;
}

/** `tenantry.usage_grants`: units of a quota outside the plan. */
export interface UsageGrantTable {
  tenant_id: string;
  id: string;
  meter: string;
  amount: Bigint;
  /** What is left of it, without what is held. */
  balance: Bigint;
  /** Units in open reservations. */
  held: ColumnType<string | number | bigint, number | undefined, number>;
  /** The lowest is burnt first. */
  priority: number;
  starts_at: Date;
  expires_at: Date | null;
  /** What is left lies between these two when a period of the quota begins; NULL: it stays as it is. */
  rollover_min: ColumnType<string | number | bigint | null, number | null, number | null>;
  rollover_max: ColumnType<string | number | bigint | null, number | null, number | null>;
  /** The period in which that was applied last. */
  period_start: Date | null;
  /** The first grant of a pack with spare units; its own id otherwise. */
  pack: string;
  idempotency_key: string | null;
  metadata: Json;
  created_at: Date;
  /** When nothing was left and nothing can come back. */
  closed_at: Date | null;
}

/** `tenantry.usage_reservations`: units held for a job. */
export interface UsageReservationTable {
  tenant_id: string;
  id: string;
  meter: string;
  units: Bigint;
  committed: ColumnType<string | number | bigint | null, number | null | undefined, number | null>;
  status: 'held' | 'committed' | 'released' | 'expired';
  on_expiry: 'release' | 'commit';
  counters: ColumnType<readonly unknown[], string, string>;
  /** Where the units come from, in the order in which they were taken. */
  parts: ColumnType<readonly unknown[], string, string>;
  created_at: Date;
  expires_at: Date;
  settled_at: Date | null;
  /** The member who holds them: what is committed counts as used by them. */
  member_id: string | null;
  /** The API key that holds them. */
  key_id: string | null;
}

/** `tenantry.usage_keys`: the idempotency keys of units that were used. */
export interface UsageKeyTable {
  tenant_id: string;
  meter: string;
  key: string;
  units: Bigint;
  used_at: Date;
}

/**
 * `tenantry.usage_hours`: what was used in each hour, by the tenant, and by each member and key that was told. What the
 * tenant used in the hour that a counter counted last stands with the counter.
 */
export interface UsageHourTable {
  tenant_id: string;
  meter: string;
  /** Empty: the tenant; `m:` or `k:` before the id of a member or key. */
  subject: string;
  hour: Date;
  units: Bigint;
}

/** `tenantry.limit_resources`: what counts against a limit, by the application's ids. */
export interface LimitResourceTable {
  tenant_id: string;
  meter: string;
  resource_id: string;
  /** The place among those that were chosen to stay; NULL: not chosen. */
  kept: number | null;
  occupied_at: Date;
}

/** `tenantry.plan_trials`: which plans a tenant tried. */
export interface PlanTrialTable {
  tenant_id: string;
  plan: string;
  started_at: Date;
  ends_at: Date;
}

/** `tenantry.plan_trial_fingerprints`: who tried a plan, over all tenants. */
export interface PlanTrialFingerprintTable {
  plan: string;
  fingerprint: string;
  tenant_id: string;
}

/** `tenantry.member_grants`: what one member may do beyond the role. */
export interface MemberGrantTable {
  tenant_id: string;
  member_id: string;
  permission: string;
  /** The application's id of the user who granted it; NULL where nobody knows. */
  granted_by: string | null;
  granted_at: Date;
  /** NULL: until it is taken back. */
  expires_at: Date | null;
}

/** The library's tables as Kysely sees them, named with their schema. */
export interface LibraryDatabase extends AuthDatabase, BillingDatabase, InboxDatabase, WebhookDatabase {
  'tenantry.schema_versions': { version: number; name: string; applied_at: Date };
  'tenantry.tenants': TenantTable;
  'tenantry.tenant_lookups': TenantLookupTable;
  'tenantry.tenant_moves': TenantMoveTable;
  'tenantry.organizations': OrganizationTable;
  'tenantry.members': MemberTable;
  'tenantry.teams': TeamTable;
  'tenantry.team_members': TeamMemberTable;
  'tenantry.team_resources': TeamResourceTable;
  'tenantry.invitations': InvitationTable;
  'tenantry.invitation_tokens': InvitationTokenTable;
  'tenantry.organization_domains': OrganizationDomainTable;
  'tenantry.member_usage': MemberUsageTable;
  'tenantry.api_keys': ApiKeyTable;
  'tenantry.api_key_digests': ApiKeyDigestTable;
  'tenantry.rate_limits': RateLimitTable;
  'tenantry.usage_counters': UsageCounterTable;
  'tenantry.usage_grants': UsageGrantTable;
  'tenantry.usage_reservations': UsageReservationTable;
  'tenantry.usage_keys': UsageKeyTable;
  'tenantry.usage_hours': UsageHourTable;
  'tenantry.limit_resources': LimitResourceTable;
  'tenantry.plan_trials': PlanTrialTable;
  'tenantry.plan_trial_fingerprints': PlanTrialFingerprintTable;
  'tenantry.member_grants': MemberGrantTable;
  'tenantry.audit_entries': AuditEntryTable;
}
