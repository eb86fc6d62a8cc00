import { type Clock, type EventSink, type Ids, platformId, systemClock, uuidv7 } from '../../core/index.ts';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import { type CallOptions, inTransaction } from '../../database/index.ts';
import { checkedTenantId } from '../scope/tenant-id.ts';
import { findTenant } from '../store.ts';
import type { TableDeclarations } from '../tables.ts';
import { exportTenant } from './export-tenant.ts';
import { type ImportedTenant, importTenant } from './import-tenant.ts';
import type { PlatformEvent } from './platform-event.ts';
import { type PurgeGuard, type PurgeReceipt, purgeTenant } from './purge-tenant.ts';

/** What becomes of a tenant's data as a whole. */
export interface TenantLife {
  /**
   * Writes out all rows of a tenant as lines of JSON, as they were at one moment. See `exportTenant`.
   *
   * @throws TenantryError `tenant_not_found`, `database_right_missing`.
   */
  exportTenant(tenantId: string, options?: CallOptions): AsyncIterable<string>;
  /**
   * Takes in a tenant that was written out elsewhere: all of it, or nothing. See `importTenant`.
   *
   * @throws TenantryError `tenant_import_conflict`, `tenant_import_invalid`, `database_right_missing`.
   */
  importTenant(lines: AsyncIterable<string> | Iterable<string>, options?: CallOptions): Promise<ImportedTenant>;
  /**
   * Deletes a suspended tenant for ever, and proves that nothing is left. See `purgeTenant`.
   *
   * @throws TenantryError `tenant_not_found`, `tenant_not_suspended`, `tenant_purge_incomplete`,
   * `database_right_missing`.
   */
  purge(tenantId: string, options?: CallOptions): Promise<PurgeReceipt>;
}

/** What {@link TenantLife} is made from. */
export interface TenantLifeDeps {
  readonly db: AnyDatabase;
  readonly tables?: TableDeclarations | undefined;
  /** Receives what happens to tenants as a whole, in the transaction in which it does. */
  readonly platformEvents?: EventSink<PlatformEvent, AnyDatabase> | undefined;
  /** Looks whether a tenant may be purged. */
  readonly guardPurge?: PurgeGuard | undefined;
  readonly clock?: Clock;
  readonly ids?: Ids;
}

/** Binds what becomes of tenants as a whole to a database, its tables and the platform's sink. */
export function createTenantLife({
  db,
  tables,
  platformEvents: events,
  guardPurge: guard,
  clock = systemClock,
  ids = uuidv7,
}: TenantLifeDeps): TenantLife {
  const declared = tables === undefined ? {} : { tables };
  const stamp = () => ({ id: ids(), tenantId: platformId, occurredAt: clock() });
  const tenantRef = (id: string) => ({ type: 'tenant', id }) as const;

  return {
    async *exportTenant(tenantId, options) {
      const checked = checkedTenantId(tenantId, 'exportTenant');
      const handle = options?.db ?? db;
      // Told before anything leaves, and only of a tenant that there is; it stays told when the reader stops.
      if (events !== undefined && (await findTenant(handle, checked)) !== null) {
        const data = { tenant: tenantRef(checked) };
        await events({ ...stamp(), name: 'tenant.exported', data }, libraryOf(handle));
      }
      yield* exportTenant(db, { tenantId, ...declared, clock }, options);
    },

    importTenant: (lines, options) =>
      inTransaction(libraryOf(db), options?.db && libraryOf(options.db), async (tx) => {
        const imported = await importTenant(tx, { lines, ...declared }, { db: tx });
        const data = { tenant: tenantRef(imported.tenantId), rows: imported.rows };
        await events?.({ ...stamp(), name: 'tenant.imported', data }, tx);
        return imported;
      }),

    purge: (tenantId, options) =>
      purgeTenant(
        db,
        {
          tenantId,
          ...declared,
          ...(events !== undefined && { events }),
          ...(guard !== undefined && { guard }),
          clock,
          ids,
        },
        options,
      ),
  };
}
