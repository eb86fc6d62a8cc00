import type { TableDeclarations } from '../tables.ts';
import type { Severity } from './finding.ts';

/** Options of {@link doctor}. */
export interface DoctorOptions {
  /** The role to check; by default who is connected, or `tenantry_app` for the owner of the library's schema. */
  readonly role?: string;
  /** The declarations that `createTenantry` has: shared tables are not reported, and own ones may name their column. */
  readonly tables?: TableDeclarations;
  /** Tables that all tenants read, beside those that `tables` declares: `countries`, or `geo.countries`. */
  readonly shared?: readonly string[];
  /** The column that holds the tenant; `tenant_id` when absent. */
  readonly tenantColumn?: string;
  /** The schemas to look at; by default all that the role may look into. */
  readonly schemas?: readonly string[];
  /** The setting that holds the tenant in a transaction; `tenantry.tenant_id` when absent. */
  readonly setting?: string;
  /** What not to report: a code, an object, or `code:object`. */
  readonly ignore?: readonly string[];
  /** True also tells what keeps the schema from Citus. */
  readonly citus?: boolean;
  /** The least severity that is reported; `warning` when absent. */
  readonly level?: Severity;
}
