import { billingErrors } from './billing-errors.ts';
import { migrationErrors } from './migration-errors.ts';
import { quotedList } from './quoted-list.ts';
import { webhookErrors } from './webhook-errors.ts';

/** What each error tells beside its code. Shapes are plain data and never hold a secret. */
export interface ErrorDetails {
  config_invalid: { path: string; problem: string };
  schema_missing: { schema: string };
  schema_newer: { installed: number; known: number };
  database_right_missing: { right: string; remedy: string };
  database_unavailable: { operation: string };

  tenant_required: { operation: string };
  tenant_not_found: { tenant: string };
  tenant_suspended: { tenantId: string };
  tenant_in_maintenance: { tenantId: string; retryAfter: number };
  tenant_mismatch: { expected: string; actual: string };
  table_unknown: { table: string; known: readonly string[] };
  tenant_column_write: { table: string; column: string };
  scope_unsupported: { what: string; remedy: string };
  raw_sql_unmarked: { sql: string };

  unauthenticated: { reason: string };
  key_refused: { reason: string };
  rate_limited: { limitOf: string; retryAt: string; limit?: number; resetsAt?: string };
  permission_denied: { permission: string };
  user_not_found: { user: string };
  email_taken: { user: string };
  password_refused: { problem: string };

  body_invalid: { problem: string };
  body_too_large: { maxBytes: number };
  media_type_unsupported: { accepts: readonly string[] };

  organization_not_found: { organization: string };
  slug_taken: { slug: string };
  slug_invalid: { slug: string; problem: string };
  name_invalid: { field: string; problem: string };
  member_not_found: { member: string };
  role_unknown: { role: string; known: readonly string[] };
  last_owner: { tenantId: string };
  seats_exhausted: { tenantId: string; bought: number; taken: number };
  seats_exceeded: { tenantId: string };
  invitation_not_found: { invitation: string };
  invitation_refused: { reason: 'not_found' | 'expired' | 'used' | 'revoked' | 'declined' | 'suspended' };
  team_not_found: { team: string };
  team_cycle: { team: string; parent: string };
  domain_invalid: { domain: string; problem: string };
  domain_not_found: { domain: string };
  domain_taken: { domain: string };

  api_key_not_found: { key: string };
  api_key_duplicate: { start: string };
  api_key_invalid: { problem: string };

  plan_unknown: { plan: string; known: readonly string[] };
  meter_unknown: { meter: string; known: readonly string[] };
  amount_invalid: { amount: string; problem: string };
  usage_time_invalid: { at: string; lateHours: number };
  quota_exceeded: {
    meter: string;
    limit: number;
    used: number;
    remaining?: number;
    requested: number;
    resetsAt: string | null;
  };
  limit_reached: { meter: string; limit: number; used: number; requested: number };
  feature_missing: { feature: string; plan: string };

  tenant_not_suspended: { tenantId: string; status: string };
  tenant_purge_incomplete: { tenantId: string; tables: readonly string[] };
  tenant_import_invalid: { line: number; problem: string };
  tenant_import_conflict: { table: string; constraint: string };

  audit_entry_invalid: { path: string; problem: string };
  secret_unreadable: { column: string; reason: 'malformed' | 'key_unknown' | 'not_authentic' };

  webhook_signature_invalid: { reason: string };
  webhook_secret_invalid: { problem: string };
  webhook_endpoint_not_found: { endpoint: string };
  webhook_message_not_found: { message: string };
  webhook_event_invalid: { type: string; problem: string };
  url_refused: { host: string; reason: string };
  fetch_failed: { host: string; reason: string };

  billing_busy: { tenantId: string; retryAfter: number };
  billing_unsupported: { provider: string; operation: string };
  provider_unavailable: { provider: string; operation: string; reason: string };
  provider_refused: { provider: string; operation: string; reason: string };
  provider_answer_invalid: { provider: string; operation: string; problem: string };
  provider_mode_mismatch: { expected: 'live' | 'test'; actual: 'live' | 'test' };
  plan_not_sold: { plan: string; interval: string; currency: string };
  subscription_exists: { tenantId: string; plan: string };
  subscription_not_found: { tenantId: string };
  tenant_still_pays: { tenantId: string; status: string };

  migration_definition_invalid: { migration: string; path: string; problem: string };
  migration_tables_unclassified: { migration: string; tables: readonly string[] };
  migration_rows_unresolved: {
    migration: string;
    table: string;
    rows: number;
    keys: readonly string[];
    remedy: string;
  };
  migration_rows_ambiguous: { migration: string; table: string; rows: number; keys: readonly string[]; remedy: string };
  migration_conflict: { migration: string; table: string; rows: number; keys: readonly string[]; remedy: string };
  migration_right_missing: { migration: string; table: string; right: string; remedy: string };
  migration_drifted: { migration: string; tables: readonly string[]; remedy: string };
  migration_running: { migration: string; holder: string; until: string };
  migration_lease_lost: { migration: string; holder: string };
  migration_stopped: { migration: string; step: string };
  migration_stage_invalid: { migration: string; stage: string; problem: string };
  migration_not_found: { migration: string };
  migration_step_failed: {
    migration: string;
    step: string;
    sql: string;
    sqlstate: string;
    reason: string;
    remedy: string;
  };
  migration_verify_failed: { migration: string; failed: readonly string[] };
}

/** The code of an error, stable over releases. */
export type ErrorCode = keyof ErrorDetails;

/** What is the same for every error of a code. */
export interface ErrorRow<Details> {
  /** HTTP status, RFC 9110. */
  readonly status: number;
  readonly title: string;
  /** One sentence with what was wrong and what to do. */
  readonly detail: (details: Details) => string;
}

/**
 * The one table of errors: status, title and sentence of every code.
 *
 * @example
 * ```ts
 * import { errorTable } from 'tenantry/core';
 *
 * errorTable.quota_exceeded.status; // 429
 * ```
 */
export const errorTable: { readonly [Code in ErrorCode]: ErrorRow<ErrorDetails[Code]> } = {
  config_invalid: { status: 500, title: 'Invalid configuration', detail: (d) => `${d.path}: ${d.problem}` },
  schema_missing: {
    status: 500,
    title: 'The library schema is not installed',
    detail: (d) => `schema "${d.schema}" is missing: run installSchema(db) once as the owner of the database`,
  },
  schema_newer: {
    status: 500,
    title: 'The library schema is newer than this library',
    detail: (d) => `the database has version ${d.installed}, this library knows ${d.known}: upgrade tenantry`,
  },
  database_right_missing: {
    status: 500,
    title: 'The database role lacks a right',
    detail: (d) => `missing: ${d.right}. ${d.remedy}`,
  },
  database_unavailable: {
    status: 503,
    title: 'The database cannot be reached',
    detail: (d) => `${d.operation} could not reach the database; nothing was granted, try again`,
  },
  tenant_required: {
    status: 400,
    title: 'A tenant is required',
    detail: (d) => `${d.operation} was called without a tenant; give the id of one`,
  },
  tenant_not_found: { status: 404, title: 'Tenant not found', detail: (d) => `there is no tenant "${d.tenant}"` },
  tenant_suspended: {
    status: 403,
    title: 'Tenant suspended',
    detail: (d) => `tenant "${d.tenantId}" is suspended; resume it first`,
  },
  tenant_in_maintenance: {
    status: 503,
    title: 'Tenant in maintenance',
    detail: (d) => `tenant "${d.tenantId}" is being moved; try again in ${d.retryAfter} seconds`,
  },
  tenant_mismatch: {
    status: 403,
    title: 'Another tenant',
    detail: (d) => `this scope is of tenant "${d.expected}", the value names "${d.actual}"`,
  },
  table_unknown: {
    status: 500,
    title: 'Table unknown to the tenant scope',
    detail: (d) =>
      `table "${d.table}" is not declared; declare it as a tenant's own or as shared (known: ${quotedList(d.known)})`,
  },
  tenant_column_write: {
    status: 400,
    title: 'The tenant column cannot be written',
    detail: (d) => `"${d.table}"."${d.column}" is stamped by the scope and never changes; leave it out`,
  },
  scope_unsupported: {
    status: 500,
    title: 'Not possible in a tenant scope',
    detail: (d) => `${d.what} cannot be scoped safely. ${d.remedy}`,
  },
  raw_sql_unmarked: {
    status: 500,
    title: 'Raw SQL in a tenant scope',
    detail: (d) => `"${d.sql}" cannot be checked; wrap it in trusted(sql\`…\`) once you have checked it yourself`,
  },
  unauthenticated: {
    status: 401,
    title: 'Authentication required',
    detail: (d) => `the request carries no valid credential (${d.reason})`,
  },
  key_refused: { status: 403, title: 'API key refused', detail: (d) => `the API key was refused: ${d.reason}` },
  permission_denied: {
    status: 403,
    title: 'Permission denied',
    detail: (d) => `this needs the permission "${d.permission}"`,
  },
  user_not_found: { status: 404, title: 'User not found', detail: (d) => `there is no user "${d.user}"` },
  email_taken: {
    status: 409,
    title: 'Address or user exists',
    detail: (d) => `user "${d.user}" cannot be made or changed: another has the address or the id`,
  },
  password_refused: { status: 400, title: 'Password refused', detail: (d) => `the password ${d.problem}` },
  body_invalid: { status: 400, title: 'Invalid body', detail: (d) => `the body cannot be read: ${d.problem}` },
  body_too_large: {
    status: 413,
    title: 'Body too large',
    detail: (d) => `the body has more than ${d.maxBytes} bytes; send less`,
  },
  media_type_unsupported: {
    status: 415,
    title: 'Media type not supported',
    detail: (d) => `the body must be one of ${quotedList(d.accepts)}, and say so in content-type`,
  },
  organization_not_found: {
    status: 404,
    title: 'Organization not found',
    detail: (d) => `there is no organization "${d.organization}"`,
  },
  slug_taken: { status: 409, title: 'Slug taken', detail: (d) => `the slug "${d.slug}" is in use; choose another` },
  slug_invalid: { status: 400, title: 'Invalid slug', detail: (d) => `the slug "${d.slug}" ${d.problem}` },
  name_invalid: { status: 400, title: 'Invalid text', detail: (d) => `${d.field} ${d.problem}` },
  member_not_found: { status: 404, title: 'Member not found', detail: (d) => `there is no member "${d.member}" here` },
  role_unknown: {
    status: 400,
    title: 'Unknown role',
    detail: (d) => `there is no role "${d.role}" (known: ${quotedList(d.known)})`,
  },
  last_owner: {
    status: 409,
    title: 'The last owner stays',
    detail: () => 'an organization keeps at least one active owner; make somebody else an owner first',
  },
  seats_exhausted: {
    status: 409,
    title: 'No seat left',
    detail: (d) => `${d.taken} of ${d.bought} seats are taken; buy more seats or remove a member`,
  },
  seats_exceeded: {
    status: 403,
    title: 'More members than seats',
    detail: (d) =>
      `organization "${d.tenantId}" has fewer seats than members; its owners can buy seats or remove members`,
  },
  invitation_not_found: {
    status: 404,
    title: 'Invitation not found',
    detail: (d) => `there is no invitation "${d.invitation}" here that can be sent or taken back`,
  },
  invitation_refused: {
    status: 403,
    title: 'Invitation refused',
    detail: (d) => `the invitation does not open: ${d.reason}`,
  },
  team_not_found: { status: 404, title: 'Team not found', detail: (d) => `there is no team "${d.team}" here` },
  team_cycle: {
    status: 409,
    title: 'A team below itself',
    detail: (d) => `team "${d.parent}" is team "${d.team}" or stands below it; choose another place`,
  },
  domain_invalid: { status: 400, title: 'Invalid domain', detail: (d) => `the domain "${d.domain}" ${d.problem}` },
  domain_not_found: { status: 404, title: 'Domain not found', detail: (d) => `there is no domain "${d.domain}" here` },
  domain_taken: {
    status: 409,
    title: 'Domain taken',
    detail: (d) => `the domain "${d.domain}" was proven by another organization`,
  },
  api_key_not_found: { status: 404, title: 'API key not found', detail: (d) => `there is no API key "${d.key}" here` },
  api_key_duplicate: {
    status: 409,
    title: 'API key exists',
    detail: (d) => `a key with this digest (it starts with "${d.start}") is stored already`,
  },
  api_key_invalid: { status: 400, title: 'Invalid API key data', detail: (d) => d.problem },
  tenant_not_suspended: {
    status: 409,
    title: 'Tenant not suspended',
    detail: (d) => `tenant "${d.tenantId}" is ${d.status}; suspend it before it is purged`,
  },
  tenant_purge_incomplete: {
    status: 409,
    title: 'Rows of the tenant are left',
    detail: (d) => `${quotedList(d.tables)} have rows of tenant "${d.tenantId}" or cannot be read; nothing was deleted`,
  },
  tenant_import_invalid: {
    status: 400,
    title: 'Invalid export of a tenant',
    detail: (d) => `${d.line > 0 ? `line ${d.line} ` : ''}${d.problem}; nothing was taken in`,
  },
  tenant_import_conflict: {
    status: 409,
    title: 'Tenant or unique value exists',
    detail: (d) => `"${d.table}" has such a row already (${d.constraint}); nothing was taken in`,
  },
  audit_entry_invalid: {
    status: 400,
    title: 'Invalid audit entry',
    detail: (d) => `${d.path} ${d.problem}`,
  },
  secret_unreadable: {
    status: 500,
    title: 'Stored secret unreadable',
    detail: (d) => `what is stored in "${d.column}" cannot be opened: ${d.reason}`,
  },
  ...billingErrors,
  ...webhookErrors,
  ...migrationErrors,
};
