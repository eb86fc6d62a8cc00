import { CompiledQuery } from 'kysely';
import { type AnyDatabase, libraryOf } from './handle.ts';

/**
 * Sends a statement of the library's own with its parameters. A text is neither built nor compiled anew for each call, as a
 * hot statement must not be.
 */
export async function run<Row>(db: AnyDatabase, text: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
  const { rows } = await libraryOf(db).executeQuery<Row>(CompiledQuery.raw(text, [...parameters]));
  return rows;
}
