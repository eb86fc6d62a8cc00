import { createHash } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import type { AnyDatabase } from '../database/index.ts';

/** A column as the database has it. */
export interface CatalogueColumn {
  readonly name: string;
  /** The type with its modifiers, such as `character varying(80)`. */
  readonly type: string;
  readonly notNull: boolean;
  /** True when the database computes the value itself. */
  readonly generated: boolean;
}

/** A foreign key as the database has it. */
export interface CatalogueForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  /** The table it leads to, with its schema. */
  readonly target: string;
  readonly targetColumns: readonly string[];
  /** What becomes of a row when the one goes that it refers to. */
  readonly onDelete: 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';
  /** The columns that `set null` and `set default` write. */
  readonly onDeleteColumns: readonly string[];
  /** Whether a new key of the row that it refers to is written into it. */
  readonly followsUpdates: boolean;
  readonly deferrable: boolean;
  readonly deferred: boolean;
}

/** A table as the database has it. */
export interface CatalogueTable {
  readonly name: string;
  readonly partitioned: boolean;
  readonly columns: readonly CatalogueColumn[];
  readonly primaryKey: readonly string[];
  /** Other unique keys whose columns are never NULL, those of few columns first. */
  readonly uniqueKeys: readonly (readonly string[])[];
  readonly foreignKeys: readonly CatalogueForeignKey[];
  /** Definitions of the constraints and indexes, sorted; only compared. */
  readonly definitions: readonly string[];
  /** Triggers and rules of the application that an update of a row meets. */
  readonly updateTriggers: readonly string[];
  /** Those that a deletion of a row meets. */
  readonly deleteTriggers: readonly string[];
  /** Those of both that cannot be kept from firing, each as `trigger touch` or `rule keep`. */
  readonly alwaysTriggers: readonly string[];
  readonly rowSecurity: boolean;
  readonly forcedRowSecurity: boolean;
  /** Whether a publication sends its updates, and has nothing by which it could name the rows. */
  readonly publishedWithoutIdentity: boolean;
  /** Permissive policies of the application that hold for the role of tenants. */
  readonly policies: readonly string[];
  /** Unique constraints and indexes beside the primary key. */
  readonly uniques: readonly string[];
  /** True when there is a column of the tenant column's name already. */
  readonly tenantColumn: boolean;
  /** True when the role that reads the catalogue may alter the table. */
  readonly owned: boolean;
  /** Roles other than the owner and superusers that may read the table and have no sight of all tenants. */
  readonly readers: readonly string[];
}

/**
 * How what a migration itself adds is named; it is left out when two states of a table are compared. PostgreSQL fires
 * triggers in the order of their names: `A0_` stands before those of the application, `~` behind them.
 */
export const ownName = '^(A0_|~)?tenantry_';
const own = ownName;

/** The check that stands for a NOT NULL which the switch relaxed: a column that it names still counts as one with it. */
export const relaxedCheck = 'tenantry_relaxed';

/**
 * Reads the ordinary and partitioned tables of a schema. Columns named `tenantColumn` and objects made by a migration
 * are left out, so that the picture is the same before and while a migration runs.
 */
export async function readCatalogue(db: AnyDatabase, schema: string, tenantColumn: string): Promise<CatalogueTable[]> {
  return (await catalogueQuery(schema, tenantColumn).execute(db)).rows;
}

/** The query of {@link readCatalogue}, which exported SQL runs too. */
export function catalogueQuery(schema: string, tenantColumn: string): RawBuilder<CatalogueTable> {
  return sql<CatalogueTable>`
    select c.relname as "name", c.relkind = 'p' as "partitioned", c.relrowsecurity and not exists (select 1 from pg_policy p
        where p.polrelid = c.oid and p.polname ~ ${own}) as "rowSecurity",
      c.relforcerowsecurity and not exists (select 1 from pg_policy p
        where p.polrelid = c.oid and p.polname ~ ${own}) as "forcedRowSecurity",
      (c.relreplident = 'n' or c.relreplident = 'd' and not exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary))
        and exists (select 1 from pg_publication_tables l join pg_publication b on b.pubname = l.pubname
          where l.schemaname = n.nspname and l.tablename = c.relname and b.pubupdate) as "publishedWithoutIdentity",
      pg_has_role(c.relowner, 'usage') as "owned",
      exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = ${tenantColumn} and not a.attisdropped)
        as "tenantColumn",
      coalesce((select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'notNull', a.attnotnull or exists (select 1 from pg_constraint r
            where r.conrelid = c.oid and r.conname = ${relaxedCheck} and a.attnum = any (r.conkey)), 'generated', a.attgenerated <> '') order by a.attnum)
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          and a.attname <> ${tenantColumn}), '[]') as "columns",
      coalesce((select json_agg(a.attname order by k.place)
        from pg_constraint p, unnest(p.conkey) with ordinality as k(attnum, place), pg_attribute a
        where p.conrelid = c.oid and p.contype = 'p' and a.attrelid = c.oid and a.attnum = k.attnum), '[]') as "primaryKey",
      coalesce((select json_agg(u.columns order by json_array_length(u.columns), u.name) from (
          select x.relname as name, json_agg(a.attname order by k.place) as columns
          from pg_index i join pg_class x on x.oid = i.indexrelid
            cross join lateral unnest(i.indkey::smallint[]) with ordinality as k(attnum, place)
            join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
          where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate and not i.indisprimary
            and i.indpred is null and i.indexprs is null and k.place <= i.indnkeyatts and x.relname !~ ${own}
          group by x.relname having bool_and(a.attnotnull)
        ) as u), '[]') as "uniqueKeys",
      coalesce((select json_agg(json_build_object('name', f.conname, 'target', tn.nspname || '.' || t.relname,
          'columns', (select json_agg(a.attname order by k.place) from unnest(f.conkey) with ordinality as k(attnum, place)
            join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.attnum),
          'targetColumns', (select json_agg(a.attname order by k.place) from unnest(f.confkey) with ordinality as k(attnum, place)
            join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.attnum),
          'onDelete', case f.confdeltype when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null'
            when 'd' then 'set default' else 'no action' end,
          'onDeleteColumns', (select json_agg(a.attname order by k.place) from unnest(coalesce(f.confdelsetcols, f.conkey)) with ordinality as k(attnum, place)
            join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.attnum),
          'followsUpdates', f.confupdtype in ('c', 'n', 'd'), 'deferrable', f.condeferrable, 'deferred', f.condeferred) order by f.conname)
        from pg_constraint f join pg_class t on t.oid = f.confrelid join pg_namespace tn on tn.oid = t.relnamespace
        where f.conrelid = c.oid and f.contype = 'f' and f.conname !~ ${own}), '[]') as "foreignKeys",
      coalesce((select json_agg(d.definition order by d.definition) from (
          select p.conname || ' ' || pg_get_constraintdef(p.oid) as definition from pg_constraint p
          where p.conrelid = c.oid and p.conname !~ ${own} and p.contype <> 'n'
          union all
          select pg_get_indexdef(i.indexrelid) from pg_index i join pg_class x on x.oid = i.indexrelid
          where i.indrelid = c.oid and x.relname !~ ${own}
        ) as d), '[]') as "definitions",
      coalesce((select json_agg(p.polname order by p.polname) from pg_policy p where p.polrelid = c.oid and p.polpermissive
        and p.polname !~ ${own} and (0 = any (p.polroles) or exists (select 1 from pg_roles r where r.oid = any (p.polroles)
          and r.rolname = 'tenantry_app'))), '[]') as "policies",
      coalesce((select json_agg(x.relname order by x.relname) from pg_index i join pg_class x on x.oid = i.indexrelid
        where i.indrelid = c.oid and i.indisunique and not i.indisprimary and x.relname !~ ${own}), '[]') as "uniques",
      ${firedBy(sql`g.name`, sql`g.enabled <> 'D' and 'update' = any (g.events)`)} as "updateTriggers",
      ${firedBy(sql`g.name`, sql`g.enabled <> 'D' and 'delete' = any (g.events)`)} as "deleteTriggers",
      ${firedBy(sql`g.kind || ' ' || quote_ident(g.name)`, sql`g.enabled in ('A', 'R')`)} as "alwaysTriggers",
      coalesce((select json_agg(distinct r.rolname) from aclexplode(c.relacl) as acl join pg_roles r on r.oid = acl.grantee
        where acl.privilege_type = 'SELECT' and acl.grantee <> c.relowner and not r.rolsuper and not r.rolbypassrls
          and r.rolname not in ('tenantry_app', 'tenantry_service')
          and not exists (select 1 from pg_roles as service where service.rolname = 'tenantry_service'
            and pg_has_role(r.oid, service.oid, 'usage'))), '[]') as "readers"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relkind in ('r', 'p') and not c.relispartition
    order by c.relname`;
}

/** What names each of the triggers and rules on updates and deletes of table `c` that a condition picks. */
function firedBy(told: RawBuilder<unknown>, condition: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`coalesce((select json_agg(${told} order by g.name) from (
        select 'trigger' as kind, t.tgname as name, t.tgenabled as enabled,
          array_remove(array[case when (t.tgtype & 16) <> 0 then 'update' end, case when (t.tgtype & 8) <> 0 then 'delete' end], null) as events
        from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal
        union all
        select 'rule', r.rulename, r.ev_enabled, case r.ev_type when '2' then array['update'] when '4' then array['delete'] else '{}' end
        from pg_rewrite r where r.ev_class = c.oid
      ) as g where ${condition} and cardinality(g.events) > 0 and g.name !~ ${own}), '[]')`;
}

/** A fingerprint of each table's columns, keys and indexes, to notice that the database changed since a plan. */
export function fingerprints(tables: readonly CatalogueTable[]): Record<string, string> {
  return Object.fromEntries(
    tables.map((table) => {
      const shape = JSON.stringify([table.columns, table.primaryKey, table.foreignKeys, table.definitions]);
      return [table.name, createHash('sha256').update(shape).digest('hex')];
    }),
  );
}

/** The names of the tables whose fingerprints differ, or that only one side has. */
export function driftBetween(
  planned: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): string[] {
  const names = new Set([...Object.keys(planned), ...Object.keys(found)]);
  return [...names].filter((name) => planned[name] !== found[name]).sort();
}
