import { sql } from 'kysely';
import type { AnyDatabase } from '../../database/index.ts';
import { quoteIdentifier } from '../../database/isolation-sql.ts';
import { ownName } from '../catalogue.ts';
import type { InspectedFunction, InspectedView, SchemaTable } from './inspection.ts';

/** What a migration adds is left out, so that the picture is the same while one runs. */
const made = ownName;

/** A table with what the role that inspects may see of it. */
export interface ReadTable extends SchemaTable {
  /** Whether a migration has given it a tenant column. */
  readonly converted: boolean;
  readonly readable: boolean;
  /** Whether row-level security hides rows of it from this role. */
  readonly hidden: boolean;
}

/** The role that inspects, and whether it may use the schema; the latter is null when there is no such schema. */
export interface Reader {
  readonly role: string;
  readonly usable: boolean | null;
  readonly bypass: boolean;
  readonly replica: boolean;
}

/** Reads who asks, and whether the schema is there. */
export async function readReader(tx: AnyDatabase, schema: string): Promise<Reader | undefined> {
  const found = await sql<Reader>`
    select quote_ident(current_user) as role, r.rolsuper or r.rolbypassrls as bypass,
      r.rolsuper or has_parameter_privilege('session_replication_role', 'set') as replica,
      (select has_schema_privilege(n.oid, 'usage') from pg_namespace n where n.nspname = ${schema}) as usable
    from pg_roles r where r.rolname = current_user`.execute(tx);
  return found.rows[0];
}

/** Reads the ordinary and partitioned tables of a schema; partitions are folded into their parents. */
export async function readTables(tx: AnyDatabase, schema: string): Promise<ReadTable[]> {
  const names = (list: string, relation: string) =>
    sql.raw(`(select json_agg(a.attname order by k.place)
    from unnest(${list}) with ordinality as k(attnum, place) join pg_attribute a on a.attrelid = ${relation} and a.attnum = k.attnum)`);
  const found = await sql<ReadTable>`
    select c.relname as "name", case c.relkind when 'p' then 'partitioned' else 'ordinary' end as "kind",
      s.partitions as "partitions", s.rows as "rows", false as "rowsExact", s.bytes as "bytes",
      coalesce((select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'base', format_type(b.oid, null), 'notNull', a.attnotnull or t.typnotnull,
          'labels', (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid in (b.oid, b.typelem))) order by a.attnum)
        from pg_attribute a join pg_type t on t.oid = a.atttypid join pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as "columns",
      coalesce((select ${names('p.conkey', 'p.conrelid')} from pg_constraint p where p.conrelid = c.oid and p.contype = 'p'), '[]') as "primaryKey",
      coalesce((select json_agg(json_build_object('name', f.conname, 'targetSchema', tn.nspname, 'target', t.relname, 'validated', f.convalidated,
          'columns', ${names('f.conkey', 'f.conrelid')}, 'targetColumns', ${names('f.confkey', 'f.confrelid')},
          'onDelete', case f.confdeltype when 'c' then 'cascade' when 'n' then 'change' when 'd' then 'change' else 'nothing' end) order by f.conname)
        from pg_constraint f join pg_class t on t.oid = f.confrelid join pg_namespace tn on tn.oid = t.relnamespace
        where f.conrelid = c.oid and f.contype = 'f' and f.conname !~ ${made} and f.conparentid = 0), '[]') as "foreignKeys",
      coalesce((select json_agg(json_build_object('name', x.relname, 'definition', pg_get_indexdef(i.indexrelid),
          'columns', coalesce(${names('i.indkey::smallint[]', 'i.indrelid')}, '[]'),
          'plain', i.indpred is null and i.indexprs is null and i.indisvalid) order by x.relname)
        from pg_index i join pg_class x on x.oid = i.indexrelid
        where i.indrelid = c.oid and i.indisunique and not i.indisprimary and x.relname !~ ${made}), '[]') as "uniques",
      coalesce((select json_agg(json_build_object('name', g.tgname, 'onUpdate', (g.tgtype & 16) <> 0 and g.tgenabled <> 'D') order by g.tgname)
        from pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal and g.tgname !~ ${made}), '[]') as "triggers",
      coalesce((select json_agg(json_build_object('name', y.polname, 'permissive', y.polpermissive) order by y.polname)
        from pg_policy y where y.polrelid = c.oid and y.polname !~ ${made}), '[]') as "policies",
      c.relrowsecurity and not s.isolated as "rowSecurity", pg_has_role(c.relowner, 'usage') as "owned",
      exists (select 1 from pg_trigger g where g.tgrelid = c.oid and g.tgname = '~tenantry_fill')
        or exists (select 1 from pg_constraint f where f.conrelid = c.oid and f.conname = 'tenantry_tenant_fk') as "converted",
      has_table_privilege(c.oid, 'select') as "readable", row_security_active(c.oid) and not (s.isolated and exists (
        select 1 from pg_roles r where r.rolname = 'tenantry_service' and pg_has_role(r.oid, 'usage'))) as "hidden"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      cross join lateral (
        select count(*) filter (where p.relkind <> 'p')::integer - (c.relkind <> 'p')::integer as partitions,
          coalesce(sum(p.reltuples) filter (where p.reltuples >= 0), 0)::float8 as rows,
          sum(pg_total_relation_size(p.oid))::float8 as bytes,
          exists (select 1 from pg_policy y where y.polrelid = c.oid and y.polname ~ ${made}) as isolated
        from pg_class p where p.oid = c.oid or (c.relkind = 'p' and p.oid in (select relid from pg_partition_tree(c.oid)))
      ) as s
    where n.nspname = ${schema} and c.relkind in ('r', 'p') and not c.relispartition
    order by c.relname`.execute(tx);
  return found.rows;
}

/** Reads the views of any schema that read tables of this one, directly, through other views, or a partition. */
export async function readViews(tx: AnyDatabase, schema: string): Promise<InspectedView[]> {
  const found = await sql<InspectedView>`
    with recursive direct as (
      select distinct r.ev_class as view, coalesce(pg_partition_root(d.refobjid), d.refobjid) as relation
      from pg_depend d join pg_rewrite r on r.oid = d.objid join pg_class v on v.oid = r.ev_class and v.relkind in ('v', 'm')
      where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
    ), reads as (
      select view, relation from direct union select d.view, r.relation from direct d join reads r on r.view = d.relation
    )
    select case when n.nspname = ${schema} then v.relname else n.nspname || '.' || v.relname end as "name",
      case v.relkind when 'm' then 'materialized view' else 'view' end as "kind",
      json_agg(distinct t.relname order by t.relname) as "reads",
      coalesce(array_to_string(v.reloptions, ',') ~* 'security_invoker=(true|on|yes|1)', false) as "invoker"
    from reads r join pg_class v on v.oid = r.view join pg_namespace n on n.oid = v.relnamespace
      join pg_class t on t.oid = r.relation and t.relkind in ('r', 'p') join pg_namespace tn on tn.oid = t.relnamespace
    where tn.nspname = ${schema} group by v.oid, v.relname, v.relkind, v.reloptions, n.nspname order by 1`.execute(tx);
  return found.rows;
}

/** Reads the functions that run with their owner's rights and in whose text a table's name stands as a word. */
export async function readDefiners(tx: AnyDatabase, tables: readonly string[]): Promise<InspectedFunction[]> {
  const found = await sql<{ name: string; body: string }>`
    select p.oid::regprocedure::text as name, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.prosecdef and p.prorettype <> 'trigger'::regtype and n.nspname not in ('pg_catalog', 'information_schema', 'tenantry')
      and not exists (select 1 from pg_depend d where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e')
    order by 1`.execute(tx);
  return found.rows.flatMap(({ name, body }) => {
    const words = new Set(body.split(/[^\p{L}\d_$]+/u));
    const reads = tables.filter((table) => words.has(table) || body.includes(quoteIdentifier(table)));
    return reads.length === 0 ? [] : [{ name, reads }];
  });
}
