import { sql } from 'kysely';
import type { SecretBox } from '../core/secrets.ts';
import { type AnyDatabase, libraryOf } from './handle.ts';

/** Which column is sealed anew, and how its rows are told apart. */
export interface ReencryptInput {
  readonly secrets: SecretBox;
  /** With its schema where it is not on the search path: `tenantry.webhook_endpoints`. */
  readonly table: string;
  /** The column that holds sealed texts; NULLs stay. */
  readonly column: string;
  /** The column of the tenant; `tenant_id` when absent. Null for a table of no tenant. */
  readonly tenantColumn?: string | null;
  /** The column that identifies a row within the tenant; `id` when absent. It gives the `rowId` of the place. */
  readonly idColumn?: string;
  /** The `column` of the place, as the rows were sealed; table and column without their schema when absent. */
  readonly place?: string;
  /** How many rows at a time; 500 when absent. */
  readonly batch?: number;
}

/** What {@link reencrypt} did. */
export interface ReencryptResult {
  /** How many rows were sealed under another key. */
  readonly found: number;
  /** How many of them are sealed under the first key now. */
  readonly sealed: number;
  /** How many somebody else changed meanwhile; run it again for them. */
  readonly skipped: number;
}

/**
 * Seals a column anew under the first key, a batch at a time, while the application goes on. No lock is held between
 * reading and writing: a row that changed meanwhile keeps what it has now. It can be stopped and run again at any time,
 * and the old key may go once it finds nothing more.
 *
 * @throws TenantryError `secret_unreadable` for a row that none of the keys opens; rows before it are done.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import type { SecretBox } from 'tenantry/core';
 * import { reencrypt } from 'tenantry/database';
 *
 * // After a new key was put in front of the old one.
 * async function renewSecrets(db: Kysely<Record<string, never>>, secrets: SecretBox): Promise<boolean> {
 *   const { found } = await reencrypt(db, { secrets, table: 'telephones', column: 'pin' });
 *   return found === 0; // then the old key may go
 * }
 * ```
 */
export async function reencrypt(db: AnyDatabase, input: ReencryptInput): Promise<ReencryptResult> {
  const { secrets, table, column, tenantColumn = 'tenant_id', idColumn = 'id', batch = 500 } = input;
  const place = input.place ?? `${table.split('.').at(-1)}.${column}`;
  const from = sql.table(table);
  const own = (name: string) => sql.ref(`${table}.${name}`);
  const keys = keysOf(tenantColumn, idColumn).map(own);
  const tenant = tenantColumn === null ? sql`null` : sql`${sql.ref(tenantColumn)}::text`;
  const result = { found: 0, sealed: 0, skipped: 0 };
  let behind = sql``;
  for (;;) {
    const { rows } = await sql<{ tenant: string | null; id: string; sealed: string }>`
      select ${tenant} as tenant, ${sql.ref(idColumn)}::text as id, ${sql.ref(column)} as sealed from ${from}
      where ${sql.ref(column)} is not null and not starts_with(${sql.ref(column)}, ${secrets.currentPrefix}) ${behind}
      order by ${sql.join(keys)} limit ${batch}`.execute(libraryOf(db));
    const last = rows.at(-1);
    if (last === undefined) return result;
    // The types of the keys are the table's; their texts are read as these.
    behind = sql`and (${sql.join(keys)}) > (${sql.join(tenantColumn === null ? [last.id] : [last.tenant, last.id])})`;
    const anew = rows.map((row) => {
      const where = { tenantId: row.tenant, column: place, rowId: row.id };
      const key = tenantColumn === null ? {} : { [tenantColumn]: row.tenant };
      const tenantry_anew = secrets.seal(secrets.open(row.sealed, where), where);
      return { ...key, [idColumn]: row.id, [column]: row.sealed, tenantry_anew };
    });
    const values = JSON.stringify(anew);
    const same = [...keysOf(tenantColumn, idColumn), column].map((name) => sql`${own(name)} = ${sql.ref(`w.${name}`)}`);
    const written = await sql`
      update ${from} set ${sql.id(column)} = w.tenantry_anew
      from rows from (json_populate_recordset(null::${from}, ${values}::json),
        json_to_recordset(${values}::json) as (tenantry_anew text)) as w
      where ${sql.join(same, sql` and `)}
      returning 1`.execute(libraryOf(db));
    result.found += rows.length;
    result.sealed += written.rows.length;
    result.skipped += rows.length - written.rows.length;
  }
}

function keysOf(tenantColumn: string | null, idColumn: string): string[] {
  return tenantColumn === null ? [idColumn] : [tenantColumn, idColumn];
}
