import { type RawBuilder, sql } from 'kysely';

/** The tables of a trail: that of the tenants, or that of the platform. */
export interface TrailTables {
  readonly entries: RawBuilder<unknown>;
  readonly personal: RawBuilder<unknown>;
  readonly heads: RawBuilder<unknown>;
}

const tables = (prefix: string): TrailTables => ({
  entries: sql.table(`tenantry.${prefix}audit_entries`),
  personal: sql.table(`tenantry.${prefix}audit_personal`),
  heads: sql.table(`tenantry.${prefix}audit_heads`),
});

/** The trails of the tenants. */
export const tenantTrail: TrailTables = tables('');

/** The trail of the platform. */
export const platformTrail: TrailTables = tables('platform_');
