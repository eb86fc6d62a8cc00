import { type Kysely, sql } from 'kysely';

/** The number of rows and an order-free checksum over all columns of each table, by name. */
export async function tableChecksums<DB>(db: Kysely<DB>, tables: readonly string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const table of tables) {
    const { rows } = await sql<{ sum: string }>`
      select count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) as sum
      from ${sql.table(table)} as t`.execute(db);
    found[table] = rows[0]?.sum ?? 'none';
  }
  return found;
}
