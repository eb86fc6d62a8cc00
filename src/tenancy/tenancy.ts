import type { Kysely } from 'kysely';
import type { EventSink } from '../core/index.ts';
import type { AnyDatabase, ModuleDeps } from '../database/index.ts';
import type { TenancyEvent } from './events.ts';
import { createForEachTenant, type ForEachTenant } from './for-each-tenant.ts';
import type { PlatformEvent } from './life/platform-event.ts';
import type { PurgeGuard } from './life/purge-tenant.ts';
import { createTenantLife, type TenantLife } from './life/tenant-life.ts';
import { createRequestTenants, type RequestTenants } from './request-tenants.ts';
import { createScope, type Scope } from './scope.ts';
import type { Strategy } from './strategies/strategy.ts';
import type { DeclarationsOf } from './tables.ts';
import type { TenantSource } from './tenant-sources.ts';
import { createTenants, type Tenants, type TenantsOptions } from './tenants.ts';
import { createTransaction, type RunTransaction } from './transaction.ts';
import type { DeclaredTables } from './types.ts';

/** What {@link createTenancy} is made from; `db` and `strategy` are required. */
export interface TenancyOptions<
  DB,
  Tables extends DeclarationsOf<DB> | undefined,
  Chosen extends Strategy,
  Plan extends string = string,
> extends Omit<ModuleDeps<TenancyEvent>, 'db'>,
    TenantsOptions<Chosen, Plan> {
  readonly db: Kysely<DB>;
  /** Whose rows the application's tables hold; without it each is taken for a tenant's own, with `tenant_id`. */
  readonly tables?: DeclaredTables<DB, Tables>;
  /** Receives what happens to tenants as a whole (exported, imported, purged); `audit.sink` keeps it for the platform. */
  readonly platformEvents?: EventSink<PlatformEvent, AnyDatabase>;
  /** Looks, within the transaction of a purge, whether the tenant may go, and throws when not: `billing.guardPurge`. */
  readonly guardPurge?: PurgeGuard;
  /** Where requests name their tenant, in the order in which it is looked for; nowhere when absent. */
  readonly resolution?: readonly TenantSource[];
}

/** Tenants under one strategy, and the ways to work on the data of one of them. */
export interface Tenancy<
  DB,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
  Chosen extends Strategy = Strategy,
  Plan extends string = string,
> extends Tenants<Chosen, Plan>,
    RequestTenants,
    TenantLife {
  /**
   * Gives queries that are kept to one tenant, each a single statement.
   *
   * @throws TenantryError `tenant_required`, `tenant_not_found` for an id that is no UUID.
   */
  readonly scope: Scope<DB, Tables>;
  /**
   * Runs work in a transaction of one tenant, under row-level security.
   *
   * @throws TenantryError `tenant_required`, `tenant_not_found` for an id that is no UUID, `tenant_mismatch` within a
   * transaction of another tenant.
   */
  readonly transaction: RunTransaction<DB, Tables>;
  /** Does work for every active tenant, and collects the errors. */
  readonly forEach: ForEachTenant;
}

/**
 * Makes the tenancy module. The strategy is the one line that says who the tenant is; the rest of a program stays.
 *
 * @throws TenantryError `config_invalid` for declarations of tables that cannot hold; `plan_unknown` when the strategy's
 * plan is none of `plans`.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { installSchema } from 'tenantry/database';
 * import { createTenancy, perUser } from 'tenantry/tenancy';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const tenancy = createTenancy({ db, strategy: perUser({ plan: 'free' }) });
 *
 * const { tenantId } = await tenancy.provision({ userId: 'ada', name: 'Ada' });
 * await tenancy.resolve({ userId: 'ada', tenantId }); // { ok: true, role: 'owner', memberId: null, … }
 * await tenancy.resolve({ userId: 'bob', tenantId }); // { ok: false, reason: 'tenant_not_found' }
 * ```
 */
export function createTenancy<
  DB,
  const Chosen extends Strategy,
  const Tables extends DeclarationsOf<DB> | undefined = undefined,
  Plan extends string = string,
>({
  tables,
  resolution = [],
  ...options
}: TenancyOptions<DB, Tables, Chosen, Plan>): Tenancy<DB, Tables, Chosen, Plan> {
  const bound = { db: options.db, ...(tables !== undefined && { tables }) };
  const tenants = createTenants(options);
  return {
    ...tenants,
    ...createRequestTenants(options.db, resolution, tenants.resolve),
    ...createTenantLife({ ...options, tables }),
    forEach: createForEachTenant(options.db),
    scope: createScope<DB, Tables>(bound),
    transaction: createTransaction<DB, Tables>(bound),
  };
}
