import { type Kysely, sql } from 'kysely';

/** What is not the application's or a tenant's own: records of migrations, and of the platform. */
const records = /^(?:migrations$|migration_|retenant_|platform_)/;

/** All tables of the library that hold rows of tenants, as the database has them: one that is added later is among them. */
export async function libraryTables<DB>(db: Kysely<DB>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select c.relname as name from pg_class c
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'tenantry'
    where c.relkind in ('r', 'p') and not c.relispartition and exists (
      select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) order by 1`.execute(
    db,
  );
  return [
    'tenant_moves',
    ...rows.map(({ name }) => name).filter((name) => name !== 'tenant_moves' && !records.test(name)),
  ];
}

/** What counts on by itself (a tenant's facts tell its revision), and the hour that stands with a counter until it is brought to the others. */
const leftOf = (table: string): string[] => [
  'entitlement_revision',
  'hour',
  'hour_units',
  ...(table === 'tenants' ? ['facts'] : []),
];

/** Every row of all of them as a set, but what counts on by itself. */
export async function everyLibraryRow<DB>(db: Kysely<DB>): Promise<{ readonly name: string; readonly row: object }[]> {
  const found: { readonly name: string; readonly row: object }[] = [];
  for (const table of await libraryTables(db)) {
    const from = table === 'usage_hours' ? hours : sql`(select to_jsonb(x) as row from ${sql.id('tenantry', table)} x)`;
    const { rows } = await sql<{ name: string; row: object }>`select ${table}::text as name,
      case when ${table}::text = 'usage_hours' then row else row - ${leftOf(table)}::text[] end as row from ${from} as y order by 2`.execute(
      db,
    );
    found.push(...rows);
  }
  return found;
}

const hours = sql`(select to_jsonb(x) as row from (
  select tenant_id, meter, subject, hour, sum(units) as units from (
    select tenant_id, meter, subject, hour, units from tenantry.usage_hours
    union all select tenant_id, meter, '', hour, hour_units from tenantry.usage_counters where hour_units > 0) as h group by 1, 2, 3, 4) as x)`;
