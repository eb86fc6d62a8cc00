import { type AnyDatabase, inTransaction } from '../database/index.ts';
import { execute } from './sql-text.ts';

/** Runs something on one snapshot, gives what it gave, and takes back what it wrote. */
export async function rolledBack<Result>(db: AnyDatabase, work: (tx: AnyDatabase) => Promise<Result>): Promise<Result> {
  const undo = new Error('rolled back');
  let outcome: { readonly result: Result } | undefined;
  try {
    await inTransaction(db, undefined, async (tx) => {
      await execute(tx, 'set local transaction isolation level repeatable read');
      outcome = { result: await work(tx) };
      throw undo;
    });
  } catch (error) {
    if (error !== undo) throw error;
  }
  if (outcome === undefined) throw undo;
  return outcome.result;
}
