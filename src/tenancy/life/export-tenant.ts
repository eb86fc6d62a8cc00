import { createHash } from 'node:crypto';
import { type ControlledTransaction, sql } from 'kysely';
import { type Clock, systemClock, TenantryError } from '../../core/index.ts';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import type { CallOptions } from '../../database/index.ts';
import type { LibraryDatabase } from '../../database/tables.ts';
import { checkedTenantId } from '../scope/tenant-id.ts';
import { applySetting, explainRefusal, readSetting, settingOf } from '../scope/tenant-setting.ts';
import type { TableDeclarations } from '../tables.ts';
import { type ExportHeader, type ExportTrailer, rowLine } from './export-format.ts';
import { orderTables } from './order-tables.ts';
import { type TenantTable, tenantTables } from './tenant-tables.ts';

/** What is written out, and of whom. */
export interface ExportTenantInput {
  readonly tenantId: string;
  /** Whose rows the application's tables hold; all with a column `tenant_id` of type uuid when absent. */
  readonly tables?: TableDeclarations;
  readonly clock?: Clock;
}

const rowsAtOnce = 500;

/**
 * Writes out all rows of a tenant as lines of JSON, as they were at one moment: a line that names the tables, a line for
 * each row in the order of the foreign keys, and a line with counts and a SHA-256. The library's own rows are among
 * them: members, keys by their digests, usage, the audit trail. Rows are read as the tenant, under row-level security,
 * so nobody else's can get in. It holds a few hundred rows in memory.
 *
 * Each item is one line with its line break.
 *
 * @throws TenantryError `tenant_not_found`; `config_invalid` for a declared table that is not there;
 * `database_right_missing`.
 *
 * @example
 * ```ts
 * import { createWriteStream } from 'node:fs';
 * import { Readable } from 'node:stream';
 * import { pipeline } from 'node:stream/promises';
 * import type { Kysely } from 'kysely';
 * import { exportTenant } from 'tenantry/tenancy';
 *
 * async function save(db: Kysely<Record<string, never>>, tenantId: string): Promise<void> {
 *   await pipeline(Readable.from(exportTenant(db, { tenantId })), createWriteStream(`${tenantId}.jsonl`));
 * }
 * ```
 */
export async function* exportTenant(
  db: AnyDatabase,
  { tenantId, tables: declared, clock = systemClock }: ExportTenantInput,
  { db: joined }: CallOptions = {},
): AsyncGenerator<string, void> {
  const checked = checkedTenantId(tenantId, 'exportTenant');
  const handle = libraryOf(joined ?? db);
  if (handle.isTransaction) {
    const before = await readSetting(handle);
    try {
      yield* write(handle, checked, declared, clock);
    } finally {
      await applySetting(handle, before);
    }
    return;
  }
  const tx: ControlledTransaction<LibraryDatabase> = await handle
    .startTransaction()
    .setIsolationLevel('repeatable read')
    .execute();
  try {
    yield* write(tx, checked, declared, clock);
  } finally {
    await tx.rollback().execute();
  }
}

async function* write(
  tx: AnyDatabase,
  tenantId: string,
  declared: TableDeclarations | undefined,
  clock: Clock,
): AsyncGenerator<string, void> {
  const all = await tenantTables(tx, declared);
  const tables = orderTables(all.filter(({ library, isolated }) => !library || isolated)).flat();
  const { rows: versions } = await sql<{ schema: number }>`
    select max(version) as schema from tenantry.schema_versions`.execute(tx);
  // The texts of values must not depend on how the server or the login is set up.
  await sql`select set_config('datestyle', 'ISO', true), set_config('intervalstyle', 'postgres', true),
    set_config('timezone', 'UTC', true), set_config('extra_float_digits', '1', true),
    set_config('bytea_output', 'hex', true)`.execute(tx);
  try {
    await applySetting(tx, settingOf(tenantId));
  } catch (error) {
    throw await explainRefusal(tx, error);
  }
  const { rows: found } = await sql`select 1 from tenantry.tenants where tenant_id = ${tenantId}::uuid`.execute(tx);
  if (found.length === 0) throw new TenantryError('tenant_not_found', { tenant: tenantId });

  const hash = createHash('sha256');
  const counts: Record<string, number> = {};
  const lined = (text: string): string => {
    hash.update(`${text}\n`, 'utf8');
    return `${text}\n`;
  };
  const header: ExportHeader = {
    tenantry: 'tenant-export',
    version: 1,
    tenantId,
    exportedAt: clock().toISOString(),
    schema: Number(versions[0]?.schema ?? 0),
    tables: tables.map(({ name, columns }) => ({ name, columns: columns.map((column) => column.name) })),
  };
  yield lined(JSON.stringify(header));
  for (const table of tables) {
    counts[table.name] = 0;
    for await (const row of readRows(tx, table, tenantId)) {
      counts[table.name] = (counts[table.name] ?? 0) + 1;
      // A line break stands between two parts of JSON, never within a text.
      yield lined(rowLine({ table: table.name, nulls: row.nulls, row: row.text.replaceAll(/[\r\n]/g, ' ') }));
    }
  }
  const trailer: ExportTrailer = { end: true, rows: counts, sha256: hash.digest('hex') };
  yield `${JSON.stringify(trailer)}\n`;
}

async function* readRows(tx: AnyDatabase, table: TenantTable, tenantId: string) {
  const columns = sql.join(table.columns.map(({ name }) => sql.id('t', name)));
  const isJson = table.columns.filter(({ type }) => type === 'json' || type === 'jsonb');
  const nulls = isJson.map(
    ({ name }) => sql`case when json_typeof(x.${sql.id(name)}::json) = 'null' then ${sql.lit(name)} end`,
  );
  const marked = nulls.length === 0 ? sql`'{}'::text[]` : sql`array_remove(array[${sql.join(nulls)}], null)`;
  const order = table.key.length === 0 ? sql`` : sql`order by ${sql.join(table.key.map((name) => sql.id('t', name)))}`;
  await sql`declare tenantry_export no scroll cursor for
    select row_to_json(x)::text as text, ${marked} as nulls
    from (select ${columns} from ${sql.raw(table.sql)} t
      where ${sql.id('t', table.column)} = ${sql.lit(tenantId)}::uuid ${order}) x`.execute(tx);
  for (;;) {
    const { rows } = await sql<{ text: string; nulls: readonly string[] }>`
      fetch ${sql.lit(rowsAtOnce)} from tenantry_export`.execute(tx);
    yield* rows;
    if (rows.length < rowsAtOnce) break;
  }
  await sql`close tenantry_export`.execute(tx);
}
