/**
 * The role under which a tenant transaction runs: owns nothing, bypasses nothing.
 *
 * @example
 * ```ts
 * import { appRole } from 'tenantry/database';
 *
 * const readsCountries = `grant select on countries to ${appRole}`;
 * ```
 */
export const appRole = 'tenantry_app';

/**
 * The role whose policy sees all tenants; granted to the application's login, never a setting.
 *
 * @example
 * ```ts
 * import { serviceRole } from 'tenantry/database';
 *
 * const readsCountries = `grant select on countries to ${serviceRole}`;
 * ```
 */
export const serviceRole = 'tenantry_service';

/**
 * The role that may delete a tenant, and with it everything that is the tenant's; granted to nobody by itself.
 *
 * @example
 * ```ts
 * import { purgeRole } from 'tenantry/database';
 *
 * const mayPurge = `grant ${purgeRole} to my_janitor`;
 * ```
 */
export const purgeRole = 'tenantry_purge';

/**
 * The setting that row-level security compares with the tenant column.
 *
 * @example
 * ```ts
 * import { tenantSetting } from 'tenantry/database';
 *
 * const whichTenant = `select current_setting('${tenantSetting}', true)`;
 * ```
 */
export const tenantSetting = 'tenantry.tenant_id';

/**
 * The schema that holds the library's tables.
 *
 * @example
 * ```ts
 * import { librarySchema } from 'tenantry/database';
 *
 * const backUp = `pg_dump --schema=${librarySchema}`;
 * ```
 */
export const librarySchema = 'tenantry';
