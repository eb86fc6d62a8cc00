interface CodeRow {
  readonly severity: 'error' | 'warning' | 'info';
  readonly why: string;
}

/**
 * Every kind of hole that is looked for, with its severity and why it matters.
 *
 * @example
 * ```ts
 * import { findingCodes } from 'tenantry/tenancy';
 *
 * findingCodes.rls_disabled.severity; // 'error'
 * ```
 */
export const findingCodes = {
  table_without_tenant: {
    severity: 'error',
    why: 'Rows that carry no tenant cannot be kept apart; a table that all tenants read is declared shared.',
  },
  tenant_nullable: { severity: 'error', why: 'A row without a tenant is nobody’s, and no policy or purge reaches it.' },
  tenant_default: {
    severity: 'error',
    why: 'An insert that forgets the tenant goes to whoever the default names instead of failing.',
  },
  rls_disabled: {
    severity: 'error',
    why: 'Without row-level security a single forgotten predicate shows every tenant’s rows.',
  },
  rls_not_forced: {
    severity: 'error',
    why: 'Row-level security that is not forced does not hold for the owner of the table, nor for what runs as the owner.',
  },
  policy_missing: {
    severity: 'error',
    why: 'With no policy of the tenant the application sees no row, and the next policy that is added decides alone.',
  },
  policy_true: {
    severity: 'error',
    why: 'Permissive policies are joined with OR: one that is always true opens the table.',
  },
  policy_or: {
    severity: 'error',
    why: 'An OR beside the tenant lets rows through by another way, and keeps an index on the tenant from being used.',
  },
  policy_public: {
    severity: 'error',
    why: 'Permissive policies are joined with OR: one for PUBLIC that does not name the tenant shows its rows to all.',
  },
  policy_unbound: {
    severity: 'error',
    why: 'Permissive policies are joined with OR: one that does not name the tenant shows its rows to all of its role.',
  },
  policy_other_setting: {
    severity: 'error',
    why: 'The policy follows something other than the setting that a tenant transaction sets.',
  },
  policy_subquery: {
    severity: 'warning',
    why: 'A subquery in a policy reads other tables with their own rules for every statement, and Citus refuses it.',
  },
  policy_cast: {
    severity: 'warning',
    why: 'A cast on the column keeps every index on it from being used: each page reads the whole table.',
  },
  policy_volatile: {
    severity: 'warning',
    why: 'A volatile function is called for every row, uses no index, and may answer otherwise each time.',
  },
  policy_check_missing: {
    severity: 'warning',
    why: 'Without WITH CHECK, what may be written depends on USING: whoever widens what is read widens what is written.',
  },
  policy_setting_strict: {
    severity: 'warning',
    why: 'current_setting without missing_ok fails where no tenant was ever set, so that nothing runs beside tenants.',
  },
  policy_setting_empty: {
    severity: 'warning',
    why: 'After a transaction the setting reads as an empty text, which the cast refuses: queries without a tenant fail.',
  },
  foreign_key_crosses: {
    severity: 'error',
    why: 'A check of a foreign key ignores row-level security: a tenant can refer to, and so learn of, another’s row.',
  },
  unique_crosses: {
    severity: 'error',
    why: 'A duplicate refused for a row that the tenant cannot see tells what another tenant has.',
  },
  key_over_all_tenants: {
    severity: 'info',
    why: 'Who can choose its value learns whether another tenant has it; Citus and moving tenants want the tenant in it.',
  },
  tenant_index_missing: {
    severity: 'warning',
    why: 'Every query of a tenant, and every policy, reads the whole table without an index that begins with the tenant.',
  },
  index_not_by_tenant: {
    severity: 'info',
    why: 'Every query names the tenant: an index that does not begin with it reads all tenants’ entries.',
  },
  view_without_invoker: {
    severity: 'error',
    why: 'A view reads with the rights of its owner, past the row-level security of whoever asks.',
  },
  materialized_view: {
    severity: 'error',
    why: 'A materialized view holds copies of all tenants’ rows, and no policy can stand on it.',
  },
  foreign_table: {
    severity: 'error',
    why: 'No policy can stand on a foreign table: it shows whatever its server sends.',
  },
  partition_open: {
    severity: 'error',
    why: 'Policies of a partitioned table do not hold for whoever names the partition itself.',
  },
  inheritance_child: {
    severity: 'error',
    why: 'Policies of a table do not hold for whoever names a table that inherits from it.',
  },
  definer_function: {
    severity: 'error',
    why: 'It runs with the rights of its owner, past the row-level security of whoever calls it.',
  },
  definer_search_path: {
    severity: 'error',
    why: 'Whoever calls it chooses the search path, and so which tables and functions its names mean.',
  },
  definer_trigger: {
    severity: 'warning',
    why: 'What it writes elsewhere is written with the rights of its owner, past row-level security.',
  },
  rule_rewrites: {
    severity: 'warning',
    why: 'What a rule adds to a statement runs with the rights of the table’s owner, past row-level security.',
  },
  leakproof_function: {
    severity: 'error',
    why: 'PostgreSQL may call it on rows before their policy is checked; one that tells of its arguments tells of them.',
  },
  publication_open: {
    severity: 'warning',
    why: 'Whoever subscribes receives every tenant’s rows: row-level security does not hold for replication.',
  },
  large_objects: { severity: 'warning', why: 'Large objects belong to no tenant, and no policy can stand on them.' },
  role_superuser: { severity: 'error', why: 'A superuser sees no row-level security at all.' },
  role_bypassrls: {
    severity: 'error',
    why: 'BYPASSRLS switches row-level security off for everything that the role does.',
  },
  role_createrole: {
    severity: 'error',
    why: 'A role that may create roles may grant itself others, the service role too.',
  },
  role_replication: {
    severity: 'error',
    why: 'A role that may replicate can read every tenant’s changes from the log.',
  },
  role_server_access: {
    severity: 'error',
    why: 'This predefined role reaches files or tables of all tenants, or programs of the server.',
  },
  role_owner: {
    severity: 'error',
    why: 'Whoever owns a table can switch its row-level security off, drop its policies and truncate it.',
  },
  role_owner_member: { severity: 'error', why: 'A member of the owner can do whatever the owner can, by SET ROLE.' },
  role_service_member: {
    severity: 'error',
    why: 'Tenant transactions run as the application’s role: as a member of the service role it sees every tenant.',
  },
  right_truncate: { severity: 'error', why: 'TRUNCATE ignores row-level security and takes every tenant’s rows.' },
  right_ddl: {
    severity: 'warning',
    why: 'A trigger runs in the hands of whoever writes, and a foreign key of one’s own tells which rows exist.',
  },
  right_sequence: {
    severity: 'warning',
    why: 'SELECT tells how many rows all tenants make; UPDATE sets the next number, and the next insert of another fails.',
  },
  right_create: {
    severity: 'warning',
    why: 'Whoever can create in a schema of the search path can put objects in front of others, and tables beside policies.',
  },
  default_privileges: {
    severity: 'warning',
    why: 'A new table is open to the application from its first moment, before it has row-level security.',
  },
  setting_default: {
    severity: 'error',
    why: 'Where a tenant is set for a whole role or database, nothing fails closed: forgotten transactions run as it.',
  },
  session_tenant: {
    severity: 'error',
    why: 'A tenant set for the session stays on the connection, and the next request that gets it runs as this tenant.',
  },
  pooler_transaction_mode: {
    severity: 'warning',
    why: 'A pooler hands the connection on after each transaction: what SET leaves behind, another client finds.',
  },
  library_tampered: {
    severity: 'error',
    why: 'The library relies on its own schema as it installed it: tenants, members and keys stand there.',
  },
  library_outdated: {
    severity: 'warning',
    why: 'The library expects its newest schema; the missing steps come with installSchema.',
  },
  citus_key: {
    severity: 'warning',
    why: 'Citus refuses a primary key, unique or exclusion constraint without the tenant.',
  },
  citus_foreign_key: {
    severity: 'warning',
    why: 'Citus refuses a foreign key between tables of tenants in which the tenant does not lead to the tenant.',
  },
  citus_foreign_key_shared: {
    severity: 'warning',
    why: 'Citus refuses a foreign key from a table that all tenants read to a table of tenants.',
  },
  citus_set_null: {
    severity: 'warning',
    why: 'Citus refuses ON DELETE or UPDATE SET NULL and SET DEFAULT in a foreign key that holds the tenant.',
  },
  citus_trigger: { severity: 'warning', why: 'Citus refuses triggers on distributed tables.' },
  citus_sequence: {
    severity: 'warning',
    why: 'A sequence is one place that all nodes ask, and Citus refuses those narrower than bigint.',
  },
  citus_tenant_type: {
    severity: 'warning',
    why: 'Citus keeps tables together only when their distribution columns have one type.',
  },
  citus_inheritance: {
    severity: 'warning',
    why: 'Citus cannot distribute a table that is inherited from or inherits.',
  },
} as const satisfies Record<string, CodeRow>;

/** The kinds of holes that {@link doctor} knows. */
export type FindingCode = keyof typeof findingCodes;
