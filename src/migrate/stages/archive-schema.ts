/** The schema that holds what a migration takes out of use. */
export const archiveSchema = 'tenantry_archive';
