import type { ErrorDetails, ErrorRow } from './error-codes.ts';
import { quotedList } from './quoted-list.ts';

type Codes =
  | 'migration_definition_invalid'
  | 'migration_tables_unclassified'
  | 'migration_rows_unresolved'
  | 'migration_rows_ambiguous'
  | 'migration_conflict'
  | 'migration_right_missing'
  | 'migration_drifted'
  | 'migration_running'
  | 'migration_lease_lost'
  | 'migration_stopped'
  | 'migration_stage_invalid'
  | 'migration_not_found'
  | 'migration_step_failed'
  | 'migration_verify_failed';

/** What migrations say when they refuse or stop. */
export const migrationErrors: { readonly [Code in Codes]: ErrorRow<ErrorDetails[Code]> } = {
  migration_definition_invalid: {
    status: 400,
    title: 'Invalid migration definition',
    detail: (d) => `${d.migration}: ${d.path}: ${d.problem}`,
  },
  migration_tables_unclassified: {
    status: 400,
    title: 'Tables without a classification',
    detail: (d) => `${d.migration}: say of ${quotedList(d.tables)} whose they are: via(…), shared() or untouched()`,
  },
  migration_rows_unresolved: {
    status: 409,
    title: 'Rows without a tenant',
    detail: (d) =>
      `${d.migration}: ${d.rows} rows of "${d.table}" lead to no tenant (${quotedList(d.keys)}…). ${d.remedy}`,
  },
  migration_rows_ambiguous: {
    status: 409,
    title: 'Rows with two tenants',
    detail: (d) =>
      `${d.migration}: ${d.rows} rows of "${d.table}" lead to two tenants (${quotedList(d.keys)}…). ${d.remedy}`,
  },
  migration_conflict: {
    status: 409,
    title: 'Rows that cannot stand side by side',
    detail: (d) => `${d.migration}: ${d.rows} rows of "${d.table}" conflict (${quotedList(d.keys)}…). ${d.remedy}`,
  },
  migration_right_missing: {
    status: 403,
    title: 'The migration lacks a right',
    detail: (d) => `${d.migration}: "${d.table}" needs ${d.right}. ${d.remedy}`,
  },
  migration_drifted: {
    status: 409,
    title: 'The database changed since the plan',
    detail: (d) => `${d.migration}: ${quotedList(d.tables)} differ from the plan. ${d.remedy}`,
  },
  migration_running: {
    status: 409,
    title: 'Another runner holds the migration',
    detail: (d) => `${d.migration} is held by ${d.holder} until ${d.until}; wait for it or stop it`,
  },
  migration_lease_lost: {
    status: 409,
    title: 'The lease was lost',
    detail: (d) => `${d.migration} was taken over by ${d.holder}; this runner stopped and wrote nothing after that`,
  },
  migration_stopped: {
    status: 503,
    title: 'The migration was stopped',
    detail: (d) => `${d.migration} was asked to stop before "${d.step}"; run it again, and it goes on from there`,
  },
  migration_stage_invalid: {
    status: 409,
    title: 'Not possible at this stage',
    detail: (d) => `${d.migration} stands at ${d.stage}: ${d.problem}`,
  },
  migration_not_found: {
    status: 404,
    title: 'Migration not found',
    detail: (d) => `the database has no migration "${d.migration}"`,
  },
  migration_step_failed: {
    status: 500,
    title: 'A migration step failed',
    detail: (d) => `${d.migration}: step ${d.step} failed with SQLSTATE ${d.sqlstate}: ${d.reason}. ${d.remedy}`,
  },
  migration_verify_failed: {
    status: 409,
    title: 'Verification failed',
    detail: (d) => `${d.migration}: ${quotedList(d.failed)} did not hold; nothing was enforced`,
  },
};
