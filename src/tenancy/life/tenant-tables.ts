import { sql } from 'kysely';
import { TenantryError } from '../../core/index.ts';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import { librarySchema } from '../../database/index.ts';
import { quoteIdentifier } from '../../database/isolation-sql.ts';
import type { TableDeclarations } from '../tables.ts';

/** A column of a table. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  /** The sequence that numbers it, quoted; null where none does. */
  readonly sequence: string | null;
}

/** A table with rows of tenants. */
export interface TenantTable {
  readonly oid: string;
  /** With its schema: `public.notes`. */
  readonly name: string;
  /** The same, quoted. */
  readonly sql: string;
  /** The column of the tenant. */
  readonly column: string;
  /** What is written of a row: not what the database computes from the rest. */
  readonly columns: readonly TableColumn[];
  /** The columns of the primary key; empty where there is none. */
  readonly key: readonly string[];
  /** Whether the table is the library's. */
  readonly library: boolean;
  /** Whether it is under row-level security. */
  readonly isolated: boolean;
  /** The tables that its foreign keys lead to. */
  readonly parents: readonly string[];
}

interface Row {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly isolated: boolean;
  readonly tenant_columns: readonly string[];
  readonly columns: readonly TableColumn[];
  readonly key: readonly string[];
  readonly parents: readonly string[];
}

/**
 * Reads from the catalogue which tables hold rows of tenants: those that are declared, or all with a column `tenant_id`
 * of type uuid where nothing is declared, and those of the library.
 *
 * @throws TenantryError `config_invalid` for a declared table that is not there.
 */
export async function tenantTables(db: AnyDatabase, declared: TableDeclarations | undefined): Promise<TenantTable[]> {
  const own = Object.entries(declared ?? {}).flatMap(([name, declaration]) =>
    declaration?.kind === 'own' ? [{ name, column: declaration.column }] : [],
  );
  const columns = [...new Set(['tenant_id', ...own.map(({ column }) => column)])];
  const rows = await readTables(db, columns);
  const found = await resolve(
    db,
    own.map(({ name }) => name),
  );
  const columnOf = new Map(own.map(({ name, column }) => [found.get(name), column]));
  const missing = own.find(({ name, column }) => {
    const oid = found.get(name);
    return !rows.some((row) => row.oid === oid && row.tenant_columns.includes(column));
  });
  if (missing !== undefined) {
    const problem = `the database has no such table with a column "${missing.column}" of type uuid`;
    throw new TenantryError('config_invalid', { path: `tables.${missing.name}`, problem });
  }
  return rows.flatMap((row) => {
    const library = row.schema === librarySchema;
    const column = library || declared === undefined ? 'tenant_id' : columnOf.get(row.oid);
    if (column === undefined || !row.tenant_columns.includes(column)) return [];
    if (library && row.name.startsWith('platform_')) return [];
    const { oid, isolated, columns: all, key, parents } = row;
    const name = `${row.schema}.${row.name}`;
    const quoted = `${quoteIdentifier(row.schema)}.${quoteIdentifier(row.name)}`;
    return [{ oid, name, sql: quoted, column, columns: all, key, library, isolated, parents }];
  });
}

/** Tables beyond those that were declared that have a column in which tenants are written elsewhere. */
export async function undeclaredTables(
  db: AnyDatabase,
  known: readonly TenantTable[],
): Promise<readonly { readonly name: string; readonly sql: string; readonly column: string }[]> {
  const rows = await readTables(db, [...new Set(['tenant_id', ...known.map(({ column }) => column)])]);
  return rows.flatMap((row) => {
    if (row.schema === librarySchema || known.some(({ oid }) => oid === row.oid)) return [];
    const name = `${row.schema}.${row.name}`;
    const quoted = `${quoteIdentifier(row.schema)}.${quoteIdentifier(row.name)}`;
    return row.tenant_columns.map((column) => ({ name, sql: quoted, column }));
  });
}

async function readTables(db: AnyDatabase, columns: readonly string[]): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`
    select c.oid::text as oid, n.nspname as schema, c.relname as name, c.relrowsecurity as isolated,
      array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and not a.attisdropped
        and a.atttypid = 'uuid'::regtype and a.attname = any (${sql.val([...columns])}::text[])) as tenant_columns,
      (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'sequence', (select format('%I.%I', sn.nspname, s.relname) from pg_depend d
            join pg_class s on s.oid = d.objid and s.relkind = 'S' join pg_namespace sn on sn.oid = s.relnamespace
            where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
              and d.refobjsubid = a.attnum and d.deptype in ('a', 'i') limit 1)) order by a.attnum)
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '')
        as columns,
      array(select a.attname::text from pg_index i cross join lateral unnest(i.indkey::smallint[]) with ordinality k (num, place)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.num
        where i.indrelid = c.oid and i.indisprimary order by k.place) as key,
      array(select distinct f.confrelid::text from pg_constraint f
        where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid) as parents
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
      and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
      and exists (select 1 from pg_attribute a where a.attrelid = c.oid and not a.attisdropped
        and a.atttypid = 'uuid'::regtype and a.attname = any (${sql.val([...columns])}::text[]))
    order by n.nspname, c.relname`.execute(libraryOf(db));
  return rows;
}

/** The tables that names lead to, on the search path of the connection. */
async function resolve(db: AnyDatabase, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const quoted = names.map((name) => name.split('.').map(quoteIdentifier).join('.'));
  const { rows } = await sql<{ place: string | number; oid: string | null }>`
    select n.place, to_regclass(n.name)::oid::text as oid
    from unnest(${sql.val(quoted)}::text[]) with ordinality as n (name, place)`.execute(libraryOf(db));
  return new Map(
    rows.flatMap(({ place, oid }) => (oid === null ? [] : [[names[Number(place) - 1] ?? '', oid] as const])),
  );
}
