import { isolateTable } from '../isolation-sql.ts';
import { appRole, librarySchema, serviceRole } from '../roles.ts';

const ofTenants = [
  'tenants',
  'tenant_lookups',
  'tenant_moves',
  'organizations',
  'members',
  'api_keys',
  'api_key_digests',
  'usage_counters',
];
const ofMigrations = [
  'migrations',
  'migration_steps',
  'migration_checkpoints',
  'migration_map',
  'migration_people',
  'migration_parts',
  'migration_baselines',
  'migration_quarantine',
  'migration_kept',
  'migration_changes',
  'migration_returned',
  'migration_failures',
  'migration_pauses',
];

/** Row-level security on everything that a tenant owns, and the rights of the two roles. */
export const isolationSchema: readonly string[] = [
  `grant usage on schema ${librarySchema} to ${appRole}, ${serviceRole}`,
  ...ofTenants.flatMap((table) => isolateTable({ schema: librarySchema, table })),
  ...[...ofTenants, ...ofMigrations].map(
    (table) => `grant select, insert, update, delete on ${librarySchema}.${table} to ${serviceRole}`,
  ),
  `grant select, insert on ${librarySchema}.migration_audit to ${serviceRole}`,
  `grant select on ${librarySchema}.schema_versions to ${appRole}, ${serviceRole}`,
];
