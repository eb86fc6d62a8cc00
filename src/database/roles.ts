/** The role under which a tenant transaction runs: owns nothing, bypasses nothing. */
export const appRole = 'tenantry_app';

/** The role whose policy sees all tenants; granted to the application's login, never a setting. */
export const serviceRole = 'tenantry_service';

/** The role that may delete a tenant, and with it everything that is the tenant's; granted to nobody by itself. */
export const purgeRole = 'tenantry_purge';

/** The setting that row-level security compares with the tenant column. */
export const tenantSetting = 'tenantry.tenant_id';

/** The schema that holds the library's tables. */
export const librarySchema = 'tenantry';
