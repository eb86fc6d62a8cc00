import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import type { RowColumn } from './table.ts';

/** A unique index as the database has it. */
export interface FoundUnique {
  readonly name: string;
  readonly primary: boolean;
  /** For each part the column's name, or null where it is an expression. */
  readonly columns: readonly (string | null)[];
  /** SQL of each part. */
  readonly parts: readonly string[];
  readonly condition: string | null;
  readonly nullsEqual: boolean;
}

/** A foreign key as the database has it, with the tenant's column where it is in it. */
export interface FoundForeignKey {
  readonly columns: readonly string[];
  /** The table it leads to, without its schema, or `tenantry.` and a table of the library; null where it leads elsewhere. */
  readonly target: string | null;
  readonly targetColumns: readonly string[];
}

/** A table as the database has it. */
export interface FoundTable {
  readonly name: string;
  readonly columns: readonly RowColumn[];
  readonly uniques: readonly FoundUnique[];
  readonly foreignKeys: readonly FoundForeignKey[];
  readonly triggers: readonly string[];
  /** Whether the role sees and may change all rows in spite of row-level security. */
  readonly sighted: boolean;
  readonly owned: boolean;
}

/** Reads the tables of a schema. What a migration or a re-tenanting keeps there for itself is left out of the triggers. */
export async function readRowCatalogue(db: AnyDatabase, schema: string): Promise<FoundTable[]> {
  const found = await execute<{ tables: FoundTable[] }>(db, catalogueText, [schema]);
  return found.rows[0]?.tables ?? [];
}

const columnsOf = (keys: string, relation: string): string => `(select json_agg(a.attname order by k.place)
      from unnest(${keys}) with ordinality as k (number, place)
      join pg_attribute a on a.attrelid = ${relation} and a.attnum = k.number)`;

const catalogueText = `select coalesce(json_agg(json_build_object(
  'name', c.relname,
  'owned', pg_has_role(c.relowner, 'usage'),
  'sighted', not c.relrowsecurity or (pg_has_role(c.relowner, 'usage') and not c.relforcerowsecurity)
    or (select r.rolsuper or r.rolbypassrls from pg_roles r where r.rolname = current_user)
    or (exists (select from pg_policy p where p.polrelid = c.oid and p.polpermissive and p.polcmd = '*'
          and pg_get_expr(p.polqual, p.polrelid) = 'true' and coalesce(pg_get_expr(p.polwithcheck, p.polrelid), 'true') = 'true'
          and exists (select from unnest(p.polroles) as r (oid) where r.oid = 0 or pg_has_role(r.oid, 'usage')))
      and not exists (select from pg_policy p where p.polrelid = c.oid and not p.polpermissive)),
  'columns', (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
      'notNull', a.attnotnull, 'generated', a.attgenerated <> '',
      'fresh', case when a.attidentity <> '' then format('nextval(%L::regclass)', pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname))
        when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end) order by a.attnum)
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
  'uniques', coalesce((select json_agg(json_build_object('name', x.relname, 'primary', i.indisprimary,
      'columns', (select json_agg(a.attname order by k.place) from unnest(i.indkey::int2[]) with ordinality as k (number, place)
        left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number and k.number > 0 where k.place <= i.indnkeyatts),
      'parts', (select json_agg(pg_get_indexdef(i.indexrelid, g, true) order by g) from generate_series(1, i.indnkeyatts) as g),
      'condition', pg_get_expr(i.indpred, i.indrelid), 'nullsEqual', i.indnullsnotdistinct) order by i.indisprimary desc, x.relname)
    from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid and i.indisunique and i.indisvalid), '[]'),
  'foreignKeys', coalesce((select json_agg(json_build_object('columns', ${columnsOf('f.conkey', 'f.conrelid')},
      'target', case when t.relnamespace = c.relnamespace then t.relname
        when t.relnamespace = to_regnamespace('tenantry') then 'tenantry.' || t.relname end,
      'targetColumns', ${columnsOf('f.confkey', 'f.confrelid')}) order by f.conname)
    from pg_constraint f join pg_class t on t.oid = f.confrelid where f.conrelid = c.oid and f.contype = 'f'), '[]'),
  'triggers', coalesce((select json_agg(g.tgname order by g.tgname) from pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal
    and g.tgenabled <> 'D' and g.tgname !~ '^(A0_|~)?tenantry_'), '[]')
) order by c.relname), '[]') as tables
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition`;
