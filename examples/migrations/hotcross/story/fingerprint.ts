import { type Kysely, sql } from 'kysely';
import { type LegacyDatabase, legacyTables } from '../legacy-schema.ts';

/** What a table was at one moment: its rows whatever their order, and its shape. */
export interface Fingerprint {
  readonly table: string;
  readonly rows: number;
  /** The sum of a hash of every row over all the columns that the table has. */
  readonly checksum: string;
  /** A hash over columns, constraints, indexes, triggers, policies and whether row-level security is on. */
  readonly shape: string;
}

/** Takes the fingerprints of the legacy tables, with SQL of its own. */
export async function fingerprint(db: Kysely<LegacyDatabase>): Promise<Fingerprint[]> {
  const prints: Fingerprint[] = [];
  for (const table of legacyTables) {
    const { rows } = await sql<{ rows: string; checksum: string; shape: string }>`
      select count(*) as rows, coalesce(sum(hashtextextended(t::text, 0)), 0)::text as checksum,
        ${shape(table)} as shape
      from ${sql.table(table)} as t`.execute(db);
    prints.push(...rows.map((row) => ({ table, rows: Number(row.rows), checksum: row.checksum, shape: row.shape })));
  }
  return prints;
}

function shape(table: string) {
  const oid = sql`${table}::regclass`;
  return sql<string>`(select md5(string_agg(part, E'\n' order by part)) from (
    select format('column %s %s %s %s %s', attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
      pg_get_expr(adbin, adrelid)) as part
    from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attrelid = ${oid} and attnum > 0 and not attisdropped
    union all select format('constraint %s %s %s', conname, pg_get_constraintdef(oid), convalidated)
    from pg_constraint where conrelid = ${oid}
    union all select format('index %s %s %s', pg_get_indexdef(indexrelid), indisvalid, indisreplident)
    from pg_index where indrelid = ${oid}
    union all select format('trigger %s %s', pg_get_triggerdef(oid), tgenabled)
    from pg_trigger where tgrelid = ${oid} and not tgisinternal
    union all select format('policy %s', polname) from pg_policy where polrelid = ${oid}
    union all select format('security %s %s', relrowsecurity, relforcerowsecurity) from pg_class where oid = ${oid}
  ) as parts)`;
}

/** Tells whether two fingerprints are the same, and of which tables they differ. */
export function differences(before: readonly Fingerprint[], after: readonly Fingerprint[]): string[] {
  return before.flatMap((one) => {
    const other = after.find(({ table }) => table === one.table);
    const same = one.rows === other?.rows && one.checksum === other.checksum && one.shape === other.shape;
    return same ? [] : [one.table];
  });
}
