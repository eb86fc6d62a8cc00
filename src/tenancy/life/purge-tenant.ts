import { sql } from 'kysely';
import {
  type Clock,
  type EventSink,
  type Ids,
  platformId,
  systemClock,
  TenantryError,
  uuidv7,
} from '../../core/index.ts';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import { appRole, type CallOptions, inTransaction, purgeRole, serviceRole } from '../../database/index.ts';
import { sqlstateOf } from '../../database/install.ts';
import { checkedTenantId } from '../scope/tenant-id.ts';
import { applySetting, explainRefusal, readSetting, settingOf } from '../scope/tenant-setting.ts';
import type { TableDeclarations } from '../tables.ts';
import { orderTables } from './order-tables.ts';
import type { PlatformEvent } from './platform-event.ts';
import { type TenantTable, tenantTables, undeclaredTables } from './tenant-tables.ts';

/** Which tenant goes, and who is told. */
export interface PurgeTenantInput {
  readonly tenantId: string;
  /** Whose rows the application's tables hold; all with a column `tenant_id` of type uuid when absent. */
  readonly tables?: TableDeclarations;
  /** Receives `tenant.purged` within the transaction; `audit.sink` keeps it in the trail of the platform. */
  readonly events?: EventSink<PlatformEvent, AnyDatabase>;
  /** Looks, within the transaction, whether the tenant may go, and throws when not: it still pays. */
  readonly guard?: PurgeGuard;
  readonly clock?: Clock;
  readonly ids?: Ids;
}

/** Throws when a tenant may not go yet. */
export type PurgeGuard = (tenantId: string, options: { readonly db: AnyDatabase }) => Promise<void>;

/** What a purge deleted, and where it looked for what is left. */
export interface PurgeReceipt {
  readonly tenantId: string;
  readonly purgedAt: Date;
  /** How many rows were deleted, by table; tables that had none are left out. */
  readonly rows: Readonly<Record<string, number>>;
  /** The tables in which no row of the tenant was left. */
  readonly looked: readonly string[];
}

/**
 * Deletes a suspended tenant for ever: every row in the application's tables and the library's, the audit trail with
 * them, in one transaction. Then it looks through all tables of the database that have a column for tenants, those too
 * that were not declared, and deletes nothing unless none has a row left. The rows of the application go as the tenant,
 * under row-level security.
 *
 * The tenant itself goes as `tenantry_purge`, which only logins may act as that were granted it
 * (`installSchema(db, { grantPurgeTo: ['…'] })`).
 *
 * @throws TenantryError `tenant_not_found`; `tenant_not_suspended`; `tenant_purge_incomplete` with the tables that still
 * have rows, or that the login cannot read; `database_right_missing`; `config_invalid`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { purgeTenant } from 'tenantry/tenancy';
 *
 * async function forget(db: Kysely<Record<string, never>>, tenantId: string): Promise<void> {
 *   const { rows, looked } = await purgeTenant(db, { tenantId }); // it was suspended before
 *   console.log(rows, `nothing is left in ${looked.length} tables`);
 * }
 * ```
 */
export async function purgeTenant(
  db: AnyDatabase,
  { tenantId, tables: declared, events, guard, clock = systemClock, ids = uuidv7 }: PurgeTenantInput,
  { db: joined }: CallOptions = {},
): Promise<PurgeReceipt> {
  const checked = checkedTenantId(tenantId, 'purgeTenant');
  return inTransaction(libraryOf(db), joined && libraryOf(joined), async (tx) => {
    const before = await readSetting(tx);
    const as = async (role: string): Promise<void> => {
      try {
        await applySetting(tx, { ...settingOf(checked), role });
      } catch (error) {
        throw role === purgeRole ? purgeRefused(error) : await explainRefusal(tx, error);
      }
    };
    // Whoever writes for the tenant has ended after this, and whoever begins waits and finds no tenant.
    const { rows: found } = await sql<{ status: string }>`
      select status from tenantry.tenants where tenant_id = ${checked}::uuid for update`.execute(tx);
    const status = found[0]?.status;
    if (status === undefined) throw new TenantryError('tenant_not_found', { tenant: tenantId });
    if (status !== 'suspended') throw new TenantryError('tenant_not_suspended', { tenantId: checked, status });
    await guard?.(checked, { db: tx });

    const all = await tenantTables(tx, declared);
    const isLast = ({ name }: TenantTable): boolean =>
      name === 'tenantry.tenants' || name.startsWith('tenantry.audit_');
    const last = all.filter(isLast);
    const rows: Record<string, number> = {};
    for (const group of orderTables(all.filter((table) => !isLast(table))).toReversed()) {
      // What migrations remember of the tenant is under no policy, and out of reach of a tenant's transaction.
      await as(group.every(({ library, isolated }) => library && !isolated) ? serviceRole : appRole);
      Object.assign(rows, await deleteRows(tx, group, checked));
    }
    await as(appRole);
    for (const table of last) rows[table.name] = await countRows(tx, table, checked);
    await as(purgeRole);
    await deleteTenant(tx, checked);

    const looked = await look(tx, all, checked, as);
    const purgedAt = clock();
    const deleted = Object.fromEntries(Object.entries(rows).filter(([, count]) => count > 0));
    await applySetting(tx, before);
    const data = { tenant: { type: 'tenant', id: checked }, rows: deleted } as const;
    await events?.({ id: ids(), name: 'tenant.purged', tenantId: platformId, occurredAt: purgedAt, data }, tx);
    return { tenantId: checked, purgedAt, rows: deleted, looked };
  });
}

/** Deletes the rows of tables that lead to each other, in one statement. */
async function deleteRows(
  tx: AnyDatabase,
  group: readonly TenantTable[],
  tenantId: string,
): Promise<Readonly<Record<string, number>>> {
  const deletes = group.map(
    ({ sql: table, column }, index) => sql`${sql.id(`gone_${index}`)} as (
      delete from ${sql.raw(table)} where ${sql.id(column)} = ${tenantId}::uuid returning 1)`,
  );
  const counted = group.map(({ name }, index) => {
    return sql`select ${name}::text as name, count(*)::integer as n from ${sql.id(`gone_${index}`)}`;
  });
  try {
    const { rows } = await sql<{ name: string; n: number }>`
      with ${sql.join(deletes)} ${sql.join(counted, sql` union all `)}`.execute(tx);
    return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
  } catch (error) {
    const state = sqlstateOf(error);
    if (state !== '23503' && state !== '42501') throw error;
    const tables = group.map(({ name }) => name);
    throw new TenantryError('tenant_purge_incomplete', { tenantId, tables }, { cause: error });
  }
}

/** Deletes the tenant, and with it what the library keeps of it that nobody may delete by itself. */
async function deleteTenant(tx: AnyDatabase, tenantId: string): Promise<void> {
  try {
    await sql`delete from tenantry.tenants where tenant_id = ${tenantId}::uuid`.execute(tx);
  } catch (error) {
    if (sqlstateOf(error) !== '23503' || typeof error !== 'object' || error === null) throw error;
    const tables = [`${Reflect.get(error, 'schema')}.${Reflect.get(error, 'table')}`];
    throw new TenantryError('tenant_purge_incomplete', { tenantId, tables }, { cause: error });
  }
}

async function countRows(
  tx: AnyDatabase,
  { sql: table, column }: Pick<TenantTable, 'sql' | 'column'>,
  tenantId: string,
): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::integer as n from ${sql.raw(table)} where ${sql.id(column)} = ${tenantId}::uuid`.execute(tx);
  return rows[0]?.n ?? 0;
}

/** Looks for what is left in every table that has a column for tenants. */
async function look(
  tx: AnyDatabase,
  all: readonly TenantTable[],
  tenantId: string,
  as: (role: string) => Promise<void>,
): Promise<string[]> {
  const left = new Set<string>();
  const places = [
    ...all,
    ...(await undeclaredTables(tx, all)).map((one) => ({ ...one, library: false, isolated: true })),
  ];
  for (const place of places) {
    await as(place.library ? serviceRole : appRole);
    try {
      await sql`savepoint tenantry_look`.execute(tx);
      if ((await countRows(tx, place, tenantId)) > 0) left.add(place.name);
    } catch (error) {
      if (sqlstateOf(error) !== '42501') throw error;
      await sql`rollback to savepoint tenantry_look`.execute(tx);
      left.add(place.name);
    }
  }
  if (left.size > 0) throw new TenantryError('tenant_purge_incomplete', { tenantId, tables: [...left] });
  return [...new Set(places.map(({ name }) => name))];
}

function purgeRefused(error: unknown): unknown {
  if (sqlstateOf(error) !== '42501') return error;
  const details = {
    right: `membership of the role ${purgeRole}`,
    remedy: `Grant it to the login that purges: installSchema(db, { grantPurgeTo: ['the_login'] }).`,
  };
  return new TenantryError('database_right_missing', details, { cause: error });
}
