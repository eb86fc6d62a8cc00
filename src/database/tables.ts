import type { ColumnType, Generated } from 'kysely';

/** A whole number that PostgreSQL stores in 64 bits; drivers read it as a string, a number or a bigint. */
type Bigint = ColumnType<string | number | bigint, number | bigint, number | bigint>;
type Json = ColumnType<Record<string, unknown>, string | undefined, string>;

/** `tenantry.tenants`: the boundary of data and of the bill. */
export interface TenantTable {
  tenant_id: string;
  kind: 'program' | 'user' | 'organization';
  name: string;
  status: Generated<'active' | 'suspended'>;
  plan: string;
  /** The provider's word for the state of the subscription; NULL where there never was one. */
  subscription_status: string | null;
  /** Where the periods of quotas are counted from. */
  anchor_at: Date;
  /** Counts up whenever something changes that entitlements are computed from. */
  entitlement_revision: ColumnType<string | number | bigint, number | undefined, number>;
  metadata: Json;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.tenant_lookups`: what names one tenant among all (a slug, a user, a provider's customer). */
export interface TenantLookupTable {
  kind: string;
  value: string;
  tenant_id: string;
}

/** `tenantry.organizations`: the people side of a tenant with members. */
export interface OrganizationTable {
  tenant_id: string;
  slug: string;
  /** NULL: no cap. */
  seats_bought: number | null;
  seats_taken: Generated<number>;
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
  status: Generated<'active' | 'pending' | 'suspended' | 'removed'>;
  created_at: Date;
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
  member_id: string | null;
  enabled: Generated<boolean>;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
}

/** `tenantry.api_key_digests`: digest to key, unique over all tenants. */
export interface ApiKeyDigestTable {
  digest: string;
  tenant_id: string;
  key_id: string;
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
}

/** The library's tables as Kysely sees them, named with their schema. */
export interface LibraryDatabase {
  'tenantry.schema_versions': { version: number; name: string; applied_at: Date };
  'tenantry.tenants': TenantTable;
  'tenantry.tenant_lookups': TenantLookupTable;
  'tenantry.organizations': OrganizationTable;
  'tenantry.members': MemberTable;
  'tenantry.api_keys': ApiKeyTable;
  'tenantry.api_key_digests': ApiKeyDigestTable;
  'tenantry.usage_counters': UsageCounterTable;
}
