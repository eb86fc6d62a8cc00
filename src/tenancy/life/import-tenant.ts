import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { isUuid, TenantryError } from '../../core/index.ts';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import { appRole, type CallOptions, inTransaction, serviceRole } from '../../database/index.ts';
import { sqlstateOf } from '../../database/install.ts';
import { applySetting, explainRefusal, readSetting, settingOf } from '../scope/tenant-setting.ts';
import type { TableDeclarations } from '../tables.ts';
import { type ExportHeader, readHeader, readRowLine, readTrailer } from './export-format.ts';
import { linesOf } from './lines-of.ts';
import { orderTables } from './order-tables.ts';
import { type TenantTable, tenantTables } from './tenant-tables.ts';

/** How a tenant is taken in. */
export interface ImportTenantInput {
  /** What {@link exportTenant} gave, in lines or in any other pieces. */
  readonly lines: AsyncIterable<string> | Iterable<string>;
  /** Whose rows the application's tables hold; all with a column `tenant_id` of type uuid when absent. */
  readonly tables?: TableDeclarations;
}

/** What was taken in. */
export interface ImportedTenant {
  readonly tenantId: string;
  /** How many rows of each table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Sequences that may give out numbers that are taken now, since the login may not set them. */
  readonly sequencesBehind: readonly string[];
}

const rowsAtOnce = 500;
/** Whose entries keep their places in the chain, which a tenant's own transaction may not give. */
const chained: ReadonlySet<string> = new Set(
  ['audit_entries', 'audit_personal', 'audit_heads'].map((n) => `tenantry.${n}`),
);

function invalid(line: number, problem: string): TenantryError {
  return new TenantryError('tenant_import_invalid', { line, problem });
}

/**
 * Takes a tenant in that was written out elsewhere, with all ids as they were, in one transaction: all of it or nothing.
 * The rows are written as the tenant, under row-level security, so that a file that was tampered with cannot write into
 * another. Counts and checksum must be right. What an older database wrote fits a newer one; not the other way round.
 *
 * @throws TenantryError `tenant_import_conflict` when the tenant, or something that is unique over all tenants such as a
 * slug, is there already; `tenant_import_invalid` for a file that is none, is incomplete, was changed, or has no place
 * here; `config_invalid`, `database_right_missing`.
 *
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs';
 * import { createInterface } from 'node:readline';
 * import type { Kysely } from 'kysely';
 * import { importTenant } from 'tenantry/tenancy';
 *
 * async function load(db: Kysely<Record<string, never>>, file: string): Promise<void> {
 *   const { tenantId, rows } = await importTenant(db, { lines: createInterface(createReadStream(file)) });
 *   console.log(tenantId, rows);
 * }
 * ```
 */
export async function importTenant(
  db: AnyDatabase,
  { lines, tables: declared }: ImportTenantInput,
  { db: joined }: CallOptions = {},
): Promise<ImportedTenant> {
  return inTransaction(libraryOf(db), joined && libraryOf(joined), async (tx) => {
    const before = await readSetting(tx);
    const iterator = linesOf(lines)[Symbol.asyncIterator]();
    try {
      const first = await iterator.next();
      const header = first.done === true ? undefined : readHeader(first.value);
      if (first.done === true || header === undefined) throw invalid(1, 'is no header of an export');
      const groups = await fittingTables(tx, header, declared);
      await sql`create temporary table tenantry_import (place bigint, name text, nulls text[], data text) on commit drop`.execute(
        tx,
      );
      await sql`grant select on pg_temp.tenantry_import to ${sql.id(appRole)}, ${sql.id(serviceRole)}`.execute(tx);
      const counts = await stage(tx, header, first.value, iterator);
      await sql`select set_config('datestyle', 'ISO', true), set_config('intervalstyle', 'postgres', true),
        set_config('timezone', 'UTC', true)`.execute(tx);
      const rows: Record<string, number> = {};
      for (const group of groups) Object.assign(rows, await write(tx, header, group));
      for (const [name, count] of Object.entries(counts)) {
        if (count !== (rows[name] ?? 0)) throw invalid(1, `"${name}" has rows of another tenant`);
      }
      await applySetting(tx, before);
      const sequencesBehind = await raiseSequences(tx, groups.flat());
      await sql`drop table pg_temp.tenantry_import`.execute(tx);
      return { tenantId: header.tenantId, rows, sequencesBehind };
    } finally {
      await iterator.return?.();
    }
  });
}

/** The tables of the file as they are here, in the order in which they are written. */
async function fittingTables(
  tx: AnyDatabase,
  { tables, schema, tenantId }: ExportHeader,
  declared: TableDeclarations | undefined,
): Promise<readonly (readonly TenantTable[])[]> {
  if (!isUuid(tenantId)) throw invalid(1, 'names no tenant');
  const { rows } = await sql<{ schema: number }>`select max(version) as schema from tenantry.schema_versions`.execute(
    tx,
  );
  const installed = Number(rows[0]?.schema ?? 0);
  if (schema > installed) throw invalid(1, `was written with version ${schema} of the schema; here is ${installed}`);
  const here = (await tenantTables(tx, declared)).filter(({ library, isolated }) => !library || isolated);
  const known = new Map(here.map((table) => [table.name, table]));
  const wanted = tables.map(({ name, columns }) => {
    const table = known.get(name);
    if (table === undefined) throw invalid(1, `has the table "${name}", which is none of the tenants' here`);
    const byName = new Map(table.columns.map((column) => [column.name, column]));
    const written = columns.map((column) => {
      const found = byName.get(column);
      if (found === undefined) throw invalid(1, `"${name}" has no column "${column}" here`);
      return found;
    });
    return { ...table, columns: written };
  });
  return orderTables(wanted);
}

/** Puts the rows aside until all of them have come and the checksum is right. */
async function stage(
  tx: AnyDatabase,
  header: ExportHeader,
  first: string,
  iterator: AsyncIterator<string>,
): Promise<Readonly<Record<string, number>>> {
  const hash = createHash('sha256').update(`${first}\n`, 'utf8');
  const names = new Set(header.tables.map(({ name }) => name));
  const counts: Record<string, number> = {};
  let waiting: { place: number; name: string; nulls: readonly string[]; data: string }[] = [];
  const flush = async (): Promise<void> => {
    await sql`insert into pg_temp.tenantry_import (place, name, nulls, data)
      select r.place, r.name, array(select json_array_elements_text(r.nulls)), r.data
      from json_to_recordset(${JSON.stringify(waiting)}::json) as r (place bigint, name text, nulls json, data text)`.execute(
      tx,
    );
    waiting = [];
  };
  for (let number = 2; ; number += 1) {
    const { done, value: line } = await iterator.next();
    if (done === true) throw invalid(number, 'is missing: the file has no end');
    const trailer = readTrailer(line);
    if (trailer !== undefined) {
      if (waiting.length > 0) await flush();
      if (trailer.sha256 !== hash.digest('hex')) throw invalid(number, 'has another checksum than the lines before');
      if ((await iterator.next()).done !== true) throw invalid(number + 1, 'stands behind the end');
      for (const name of names) {
        if ((trailer.rows[name] ?? 0) !== (counts[name] ?? 0)) throw invalid(number, `counts other rows of "${name}"`);
      }
      return counts;
    }
    hash.update(`${line}\n`, 'utf8');
    const row = readRowLine(line);
    if (row === undefined || !names.has(row.table)) throw invalid(number, 'is no row of a table of the header');
    counts[row.table] = (counts[row.table] ?? 0) + 1;
    waiting.push({ place: number, name: row.table, nulls: row.nulls, data: row.row });
    if (waiting.length === rowsAtOnce) await flush();
  }
}

/** Writes the rows of tables that lead to each other, in one statement. Gives how many of each. */
async function write(
  tx: AnyDatabase,
  { tenantId }: ExportHeader,
  group: readonly TenantTable[],
): Promise<Readonly<Record<string, number>>> {
  const role = group.some(({ name }) => chained.has(name)) ? serviceRole : appRole;
  const inserts = group.map((table, index) => {
    const columns = table.columns.map(({ name }) => sql.id(name));
    const values = table.columns.map(({ name, type }) => {
      const value = sql`(r.v).${sql.id(name)}`;
      if (type !== 'json' && type !== 'jsonb') return value;
      return sql`case when ${sql.lit(name)} = any (r.nulls) then 'null'::${sql.raw(type)} else ${value} end`;
    });
    return sql`${sql.id(`made_${index}`)} as (
      insert into ${sql.raw(table.sql)} (${sql.join(columns)}) overriding system value
      select ${sql.join(values)} from (
        select s.nulls, json_populate_record(null::${sql.raw(table.sql)}, s.data::json) as v
        from pg_temp.tenantry_import s where s.name = ${table.name} order by s.place offset 0
      ) r where (r.v).${sql.id(table.column)} = ${tenantId}::uuid
      returning 1
    )`;
  });
  const counted = group.map((table, index) => {
    return sql`select ${table.name}::text as name, count(*)::integer as n from ${sql.id(`made_${index}`)}`;
  });
  try {
    await applySetting(tx, { ...settingOf(tenantId), role });
  } catch (error) {
    throw await explainRefusal(tx, error);
  }
  try {
    const { rows } = await sql<{ name: string; n: number }>`
      with ${sql.join(inserts)} ${sql.join(counted, sql` union all `)}`.execute(tx);
    return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
  } catch (error) {
    throw typed(error, group.map(({ name }) => name).join(', '));
  }
}

/** Errors that the file causes, as ours; any other is given back. */
function typed(error: unknown, tables: string): unknown {
  const state = sqlstateOf(error);
  const named = (property: string): string => {
    const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, property) : undefined;
    return typeof value === 'string' ? value : '';
  };
  if (state === '23505') {
    const table = named('table') === '' ? tables : `${named('schema')}.${named('table')}`;
    return new TenantryError('tenant_import_conflict', { table, constraint: named('constraint') }, { cause: error });
  }
  if (!/^(22|23)/.test(state)) return error;
  const why = state === '23503' ? `leads to a row that is not here (${named('constraint')})` : `SQLSTATE ${state}`;
  return new TenantryError('tenant_import_invalid', { line: 0, problem: `"${tables}" ${why}` }, { cause: error });
}

/** Puts sequences behind the numbers that were taken in, as far as the login may. Gives those that it may not. */
async function raiseSequences(tx: AnyDatabase, tables: readonly TenantTable[]): Promise<string[]> {
  const behind: string[] = [];
  for (const table of tables) {
    for (const { name, sequence } of table.columns) {
      if (sequence === null) continue;
      const { rows } = await sql<{ may: boolean }>`
        select has_sequence_privilege(${sequence}, 'UPDATE') as may`.execute(tx);
      if (rows[0]?.may !== true) {
        behind.push(sequence);
        continue;
      }
      await sql`select setval(${sequence}::regclass, m.most) from (
          select max((json_populate_record(null::${sql.raw(table.sql)}, s.data::json)).${sql.id(name)})::bigint as most
          from pg_temp.tenantry_import s where s.name = ${table.name}
        ) m where m.most > coalesce((select last_value from pg_sequences q
          where format('%I.%I', q.schemaname, q.sequencename) = ${sequence}), 0)`.execute(tx);
    }
  }
  return behind;
}
