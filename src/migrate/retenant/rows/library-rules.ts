import type { UniquePolicy } from '../definition.ts';
import type { PreferPolicy } from './table.ts';

/** How a table of the library itself is carried: with what it refers to, and where it refers to nothing with its tenant. */
export interface LibraryRule {
  /** Whether it is of organizations alone: it ends where a tenant becomes one that has no members. */
  readonly ofOrganizations?: boolean;
  /** For each unique key of a tenant, what happens where two rows have the same. */
  readonly uniques?: Readonly<Record<string, UniquePolicy | PreferPolicy>>;
  /** What people tell apart although the database does not: columns, and the policy. */
  readonly alike?: { readonly columns: readonly string[]; readonly policy: UniquePolicy };
  /** Whether it counts what was used, and is left behind where everybody begins at nothing. */
  readonly counts?: boolean;
  /** Columns that are sealed for the tenant and the row's `id`, and are sealed anew on the way. */
  readonly sealed?: readonly string[];
  /** Whether it is of the tenant's billing, which is never joined: it stays where the target has a customer of its own. */
  readonly billing?: boolean;
  /** What tells the rows of one tenant apart, where the tenant itself does. */
  readonly key?: readonly string[];
}

/** Tables whose rows are worked out one by one, with the people. */
export const peopleTables: readonly string[] = [
  'tenants',
  'tenant_lookups',
  'tenant_moves',
  'organizations',
  'members',
  'member_grants',
  'api_keys',
  'api_key_digests',
  'usage_counters',
];

/** Trails stay where they were written: what happened is not rewritten. */
export const stayingTables: readonly string[] = ['audit_entries', 'audit_personal', 'audit_heads'];

/** Records of migrations and of the platform, which belong to no tenant. */
export const recordTables = /^(?:migrations$|migration_|retenant_|platform_)/;

/** How each other table of the library is carried. What is not named here is refused where it has rows. */
export const libraryRules: Readonly<Record<string, LibraryRule>> = {
  rate_limits: { uniques: { name: { prefer: 'x.tat > o.tat' } } },
  usage_grants: { uniques: { idempotency_key: { suffix: 'idempotency_key' } } },
  usage_reservations: {},
  usage_keys: { uniques: { 'meter, key': 'keepTarget' } },
  usage_hours: { uniques: { 'meter, subject, hour': { sum: ['units'] } } },
  limit_resources: { uniques: { 'meter, resource_id': 'keepTarget' } },
  plan_trials: { uniques: { plan: 'keepTarget' } },
  plan_trial_fingerprints: {},
  setup_steps: { uniques: { step: 'keepTarget' } },
  teams: { ofOrganizations: true, alike: { columns: ['parent_id', 'name'], policy: { suffix: 'name' } } },
  team_members: { ofOrganizations: true },
  team_resources: { ofOrganizations: true },
  invitations: { ofOrganizations: true },
  invitation_tokens: { ofOrganizations: true },
  organization_domains: {
    ofOrganizations: true,
    uniques: { domain: { prefer: 'x.verified_at is not null and o.verified_at is null' } },
  },
  member_usage: {
    ofOrganizations: true,
    counts: true,
    uniques: { 'member_id, meter, per, period_start': { sum: ['used'] } },
  },
  webhook_endpoints: { sealed: ['headers'] },
  webhook_endpoint_secrets: { sealed: ['secret'] },
  webhook_messages: { uniques: { webhook_messages_key: { suffix: 'idempotency_key' } } },
  webhook_deliveries: {},
  webhook_attempts: {},
  billing_customers: { billing: true, key: ['provider'] },
  billing_subscriptions: { billing: true },
  billing_subscription_items: { billing: true },
  billing_checkouts: { billing: true },
  billing_trials: { billing: true, key: ['plan'] },
  billing_trial_fingerprints: { billing: true },
  billing_flags: { billing: true },
  billing_invoices: { billing: true },
  billing_payments: { billing: true },
  billing_refunds: { billing: true },
  billing_credit_notes: { billing: true },
  billing_invoice_numbers: { billing: true },
  billing_revenue: { billing: true },
  billing_manual_objects: { billing: true },
  billing_transition_steps: { billing: true },
};

/** Columns of rows of the library that a move itself writes. */
export function adjustedColumns({
  name,
  library,
}: {
  readonly name: string;
  readonly library: LibraryRule | null;
}): readonly string[] {
  if (library?.sealed !== undefined) return library.sealed;
  if (name === 'tenantry.usage_hours') return ['subject'];
  if (name === 'tenantry.member_usage') return ['period_start'];
  if (name === 'tenantry.usage_reservations') return ['counters'];
  return name === 'tenantry.invitations' ? ['status', 'seat_held', 'decided_at'] : [];
}
