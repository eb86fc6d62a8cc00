import type { TenantKind, TenantStatus } from '../../../database/tenant-row.ts';

/*
 * Rows of the library's tables as PostgreSQL writes them in JSON: times are texts in UTC with all their digits, so a row
 * that is read, kept in the journal and written again is the same to the last bit. Columns that are not named here travel
 * along.
 */

/** A row of `tenantry.tenants`. */
export interface TenantRecord {
  readonly tenant_id: string;
  readonly kind: TenantKind;
  readonly name: string;
  readonly status: TenantStatus;
  readonly plan: string;
  readonly subscription_status: string | null;
  readonly anchor_at: string;
  readonly entitlement_revision: number;
  readonly metadata: unknown;
  /** What it has beyond its plan; absent or null: nothing. */
  readonly plan_terms?: TermsRecord | null;
  /** When it signed for its plan, where that is not when it was made. */
  readonly plan_since?: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** What a tenant has beyond its plan, as far as it is looked into. */
interface TermsRecord {
  /** Until when there may be units of grants, by quota, in milliseconds since 1970; null: for ever. */
  readonly granted?: { readonly [quota: string]: number | null };
}

/** A row of `tenantry.tenant_lookups`. */
export interface LookupRecord {
  readonly kind: string;
  readonly value: string;
  readonly tenant_id: string;
}

/** A row of `tenantry.tenant_moves`. */
export interface MoveRecord {
  readonly old_tenant_id: string;
  readonly user_id: string;
  readonly tenant_id: string;
  readonly role: string | null;
}

/** A row of `tenantry.organizations`. */
export interface OrganizationRecord {
  readonly tenant_id: string;
  readonly slug: string;
  readonly seats_bought: number | null;
  readonly seats_taken: number;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A row of `tenantry.members`. */
export interface MemberRecord {
  readonly tenant_id: string;
  readonly id: string;
  readonly user_id: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly role: string;
  readonly status: 'active' | 'pending' | 'requested' | 'suspended' | 'removed';
  /** Whether an active or pending member takes no seat; absent for one who is made. */
  readonly seat_exempt?: boolean;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A row of `tenantry.api_keys`. */
export interface KeyRecord {
  readonly tenant_id: string;
  readonly id: string;
  readonly start: string;
  readonly member_id: string | null;
  readonly team_id: string | null;
  readonly revoked_at: string | null;
}

/** A row of `tenantry.api_key_digests`. */
export interface DigestRecord {
  readonly digest: string;
  readonly tenant_id: string;
  readonly key_id: string;
}

/** A row of `tenantry.member_grants`. */
export interface GrantRecord {
  readonly tenant_id: string;
  readonly member_id: string;
  readonly permission: string;
}

/** A row of `tenantry.usage_counters`. */
export interface CounterRecord {
  readonly tenant_id: string;
  readonly meter: string;
  readonly per: string;
  readonly period_start: string;
  readonly used: number;
  /** What the billing provider was told of; absent or null: nothing. */
  readonly exported?: number | null;
  readonly entitlement_revision: number;
  readonly updated_at: string;
}

/** The rows of each table that people are told by. */
export interface Records {
  readonly tenants: TenantRecord;
  readonly organizations: OrganizationRecord;
  readonly members: MemberRecord;
  readonly member_grants: GrantRecord;
  readonly api_keys: KeyRecord;
  readonly api_key_digests: DigestRecord;
  readonly tenant_lookups: LookupRecord;
  readonly tenant_moves: MoveRecord;
  readonly usage_counters: CounterRecord;
}

/** A table that people are told by. */
export type TableName = keyof Records;

/** The tables in an order in which each finds what it refers to. */
export const tableNames: readonly TableName[] = [
  'tenants',
  'organizations',
  'members',
  'member_grants',
  'api_keys',
  'api_key_digests',
  'tenant_lookups',
  'tenant_moves',
  'usage_counters',
];

/** The columns of each primary key. */
export const keyColumns: { readonly [Table in TableName]: readonly (keyof Records[Table] & string)[] } = {
  tenants: ['tenant_id'],
  organizations: ['tenant_id'],
  members: ['tenant_id', 'id'],
  member_grants: ['tenant_id', 'member_id', 'permission'],
  api_keys: ['tenant_id', 'id'],
  api_key_digests: ['digest'],
  tenant_lookups: ['kind', 'value'],
  tenant_moves: ['old_tenant_id', 'user_id'],
  usage_counters: ['tenant_id', 'meter', 'per', 'period_start'],
};

/** The primary key of a row as one text. */
export function keyOf<Table extends TableName>(table: Table, row: Records[Table]): string {
  return JSON.stringify(keyColumns[table].map((column) => row[column]));
}

/** All rows that one unit needs to know, how many seats are taken in each of its tenants, and what else the old one has. */
export interface People {
  readonly rows: { readonly [Table in TableName]: readonly Records[Table][] };
  readonly seated: Readonly<Record<string, number>>;
  /** Seats that pending invitations hold, by tenant. */
  readonly held?: Readonly<Record<string, number>>;
  /** Of the old tenant's invitations those that go on at the default target, and of the target's those that come true. */
  readonly coming?: number;
  readonly answered?: number;
  /** Which of the tenants have a customer at a billing provider. */
  readonly billed?: readonly string[];
}
