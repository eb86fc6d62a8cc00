import { type Kysely, sql } from 'kysely';
import type { AnyDatabase } from '../../database/index.ts';
import { type Finding, findingOf } from './finding.ts';

/**
 * Looks whether connections are handed on between transactions: two that are held at once must have two servers' processes
 * behind them, and one must keep its own. Nothing is set and nothing is locked. A pool that gives out one connection only
 * is asked for what can be seen on that.
 */
export async function checkPooler(db: AnyDatabase, patience = 500): Promise<Finding[]> {
  let second: Promise<number | undefined> = Promise.resolve(undefined);
  const shared = await db.connection().execute(async (first) => {
    const before = await backendOf(first);
    second = db
      .connection()
      .execute(backendOf)
      .catch(() => undefined);
    const other = await Promise.race([second, after(patience)]);
    return other === before || (await backendOf(first)) !== before;
  });
  await second;
  if (!shared) return [];
  const what = 'Two connections that are open at once share a process of the server: a pooler stands before it.';
  return [findingOf('pooler_transaction_mode', 'connection', what, [])];
}

async function backendOf(db: Kysely<unknown>): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  return rows[0]?.pid ?? 0;
}

function after(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, undefined).unref());
}
