import { type Kysely, sql } from 'kysely';
import { loadDice, shareOf, wholeNumber } from '../dice.ts';
import { generatorStatements } from './generator.ts';
import { legacyTables, type ReceptionistDatabase } from './legacy-schema.ts';
import { createLegacyIndexes, createLegacyTables } from './legacy-tables.ts';

/** How large and how dirty the database is. */
export interface GenerateOptions {
  /** How many businesses; the other tables follow. 300 when absent, which make some 10,000 rows. */
  readonly businesses?: number;
  /** Another seed makes other rows. */
  readonly seed?: number;
  /** The share of rows with something wrong; a tenth when absent. */
  readonly dirt?: number;
}

/** How many rows each table got. */
export type RowCounts = Readonly<Record<keyof ReceptionistDatabase, number>>;

/**
 * Makes the legacy tables in an empty schema and fills them, dirty as real data is: one owner under several spellings,
 * businesses of nobody, calls of businesses that are gone, orders whose business was never written. The same options give
 * the same rows on every machine. It runs in one transaction.
 *
 * @throws TypeError for a size that is none.
 *
 * @example
 * ```ts
 * const rows = await generateReceptionist(db, { businesses: 100 });
 * console.log(rows.calls);
 * ```
 */
export async function generateReceptionist(
  db: Kysely<ReceptionistDatabase>,
  { businesses = 300, seed = 1, dirt = 0.1 }: GenerateOptions = {},
): Promise<RowCounts> {
  const statements = generatorStatements(wholeNumber('businesses', businesses, 10));
  await db.transaction().execute(async (tx) => {
    await createLegacyTables(tx);
    await loadDice(tx, { seed: wholeNumber('seed', seed, 0), dirt: shareOf('dirt', dirt) });
    for (const statement of statements) await sql.raw(statement).execute(tx);
    for (const table of ['businesses', 'calls', 'orders'] as const) {
      await sql`select setval(pg_get_serial_sequence(${table}, 'id'), (select max(id) from ${sql.table(table)}))`.execute(
        tx,
      );
    }
    await createLegacyIndexes(tx);
  });
  await sql.raw(`analyze ${legacyTables.join(', ')}`).execute(db);
  return countRows(db);
}

/** Counts the rows of every legacy table. */
async function countRows(db: Kysely<ReceptionistDatabase>): Promise<RowCounts> {
  const counts = legacyTables.map((table) => `(select count(*)::integer from ${table}) as ${table}`);
  const { rows } = await sql<RowCounts>`select ${sql.raw(counts.join(', '))}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new TypeError('the database counted nothing');
  return row;
}
