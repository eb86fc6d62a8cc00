import { type Kysely, sql } from 'kysely';

/** A hash of each row of each table, over the columns that the tables had when it was made. */
export interface RowHashes {
  readonly columns: Readonly<Record<string, readonly string[]>>;
  readonly hashes: Readonly<Record<string, readonly string[]>>;
}

/**
 * Hashes every row of some tables, over all columns, or over those of an earlier picture: columns that a migration adds
 * or moves to another place make no difference.
 */
export async function rowHashes<DB>(
  db: Kysely<DB>,
  tables: readonly string[],
  { columns }: Partial<Pick<RowHashes, 'columns'>> = {},
): Promise<RowHashes> {
  const named: Record<string, readonly string[]> = {};
  const hashes: Record<string, readonly string[]> = {};
  for (const table of tables) {
    const names = columns?.[table] ?? (await columnsOf(db, table));
    named[table] = names;
    const list = sql.join(names.map((name) => sql.ref(name)));
    const { rows } = await sql<{ h: string }>`select md5(row(${list})::text) as h from ${sql.table(table)}`.execute(db);
    hashes[table] = rows.map(({ h }) => h);
  }
  return { columns: named, hashes };
}

/** How many rows of each table are gone or came, where there are any. A row that changed is one of each. */
export function rowChanges(before: RowHashes, after: RowHashes): Record<string, { gone: number; came: number }> {
  const changes: Record<string, { gone: number; came: number }> = {};
  for (const [table, hashes] of Object.entries(before.hashes)) {
    const left = new Map<string, number>();
    for (const hash of hashes) left.set(hash, (left.get(hash) ?? 0) + 1);
    let came = 0;
    for (const hash of after.hashes[table] ?? []) {
      const of = left.get(hash) ?? 0;
      if (of > 0) left.set(hash, of - 1);
      else came += 1;
    }
    const gone = [...left.values()].reduce((sum, of) => sum + of, 0);
    if (gone + came > 0) changes[table] = { gone, came };
  }
  return changes;
}

async function columnsOf<DB>(db: Kysely<DB>, table: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select column_name as name from information_schema.columns
    where table_schema = 'public' and table_name = ${table} order by ordinal_position`.execute(db);
  return rows.map(({ name }) => name);
}
