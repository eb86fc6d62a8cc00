import { type Kysely, sql } from 'kysely';
import { loadDice, setSequences, shareOf, wholeNumber } from '../dice.ts';
import { generatorStatements } from './generator.ts';
import { legacyTables, type SonicusDatabase } from './legacy-schema.ts';
import { createLegacyIndexes, createLegacyTables } from './legacy-tables.ts';

/** How large and how dirty the database is. */
export interface GenerateOptions {
  /** How many users; the other tables follow. 2,000 when absent, which make some 35,000 rows. */
  readonly users?: number;
  /** Another seed makes other rows. */
  readonly seed?: number;
  /** The share of rows with something wrong; a tenth when absent. */
  readonly dirt?: number;
}

/** How many rows each table got. */
export type RowCounts = Readonly<Record<keyof SonicusDatabase, number>>;

/**
 * Makes the legacy tables in an empty schema and fills them, dirty as real data is: organizations without users and users
 * without an organization, the same person twice, roles and states in any spelling, assignments made twice, endpoints
 * of which nobody is left, measurements and log entries of users who are gone. The same options give the same rows on
 * every machine. It runs in one transaction; 100,000 rows take seconds.
 *
 * @throws TypeError for a size that is none.
 *
 * @example
 * ```ts
 * const rows = await generateSonicus(db, { users: 500 });
 * console.log(rows.therapy_sessions);
 * ```
 */
export async function generateSonicus(
  db: Kysely<SonicusDatabase>,
  { users = 2000, seed = 1, dirt = 0.1 }: GenerateOptions = {},
): Promise<RowCounts> {
  const statements = generatorStatements(wholeNumber('users', users, 10));
  const dice = { seed: wholeNumber('seed', seed, 0), dirt: shareOf('dirt', dirt) };
  await db.transaction().execute(async (tx) => {
    await createLegacyTables(tx);
    await loadDice(tx, dice);
    for (const statement of statements) await sql.raw(statement).execute(tx);
    await setSequences(tx);
    await createLegacyIndexes(tx);
  });
  await sql.raw(`analyze ${legacyTables.join(', ')}`).execute(db);
  return countRows(db);
}

/** Counts the rows of every legacy table. */
async function countRows(db: Kysely<SonicusDatabase>): Promise<RowCounts> {
  const counts = legacyTables.map((table) => `(select count(*)::integer from ${table}) as ${table}`);
  const { rows } = await sql<RowCounts>`select ${sql.raw(counts.join(', '))}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new TypeError('the database counted nothing');
  return row;
}
