import { type Kysely, sql } from 'kysely';
import { loadDice, shareOf, wholeNumber } from '../dice.ts';
import { generatorStatements } from './generator.ts';
import { legacyTables, type TherapyDatabase } from './legacy-schema.ts';
import { createLegacyIndexes, createLegacyTables } from './legacy-tables.ts';

/** How large and how dirty the database is. */
export interface GenerateOptions {
  /** How many users; the other tables follow. 1,000 when absent, which make some 6,000 rows. */
  readonly users?: number;
  /** Another seed makes other rows. */
  readonly seed?: number;
  /** The share of rows with something wrong; a tenth when absent. */
  readonly dirt?: number;
}

/** How many rows each table got. */
export type RowCounts = Readonly<Record<keyof TherapyDatabase, number>>;

/**
 * Makes the legacy tables in an empty schema and fills them, dirty as real data is: roles in any spelling or none, the same
 * person under two addresses, names that are blank, vouchers of clients who are gone, paid ones without a date, used more
 * often than sold. The same options give the same rows on every machine. It runs in one transaction.
 *
 * @throws TypeError for a size that is none.
 *
 * @example
 * ```ts
 * const rows = await generateTherapy(db, { users: 500 });
 * console.log(rows.vouchers);
 * ```
 */
export async function generateTherapy(
  db: Kysely<TherapyDatabase>,
  { users = 1000, seed = 1, dirt = 0.1 }: GenerateOptions = {},
): Promise<RowCounts> {
  const statements = generatorStatements(wholeNumber('users', users, 10));
  await db.transaction().execute(async (tx) => {
    await createLegacyTables(tx);
    await loadDice(tx, { seed: wholeNumber('seed', seed, 0), dirt: shareOf('dirt', dirt) });
    for (const statement of statements) await sql.raw(statement).execute(tx);
    for (const table of ['users', 'vouchers', 'therapy_sessions'] as const) {
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
async function countRows(db: Kysely<TherapyDatabase>): Promise<RowCounts> {
  const counts = legacyTables.map((table) => `(select count(*)::integer from ${table}) as ${table}`);
  const { rows } = await sql<RowCounts>`select ${sql.raw(counts.join(', '))}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new TypeError('the database counted nothing');
  return row;
}
