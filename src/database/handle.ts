import type { Kysely, Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { EventSink } from '../core/events.ts';
import type { Ids } from '../core/ids.ts';
import type { LibraryDatabase } from './tables.ts';

/** A Kysely instance or transaction of any application. */
// biome-ignore lint/suspicious/noExplicitAny: the application's tables are of no concern to the library's own statements.
export type AnyDatabase = Kysely<any>;

/** A handle for statements on the library's own tables. */
export type Library = Kysely<LibraryDatabase>;

/** What a module is made from; only `db` is required. */
export interface ModuleDeps<Event = never> {
  readonly db: AnyDatabase;
  readonly clock?: Clock;
  readonly ids?: Ids;
  readonly events?: EventSink<Event, AnyDatabase>;
}

/** Options that every method takes. */
export interface CallOptions {
  /** The caller's transaction to join; the method then opens none of its own. */
  readonly db?: AnyDatabase;
}

/** Every statement asks for one, and to make it is not free. One of a transaction is soon of no use, and is not kept. */
const libraries = new WeakMap<AnyDatabase, Library>();

/** The library's view of an application's database handle, free of the application's plugins. */
export function libraryOf(db: AnyDatabase): Library {
  if (db.isTransaction) return db.withoutPlugins();
  let library = libraries.get(db);
  if (library === undefined) {
    library = db.withoutPlugins();
    libraries.set(db, library);
  }
  return library;
}

/**
 * Runs `work` in the caller's transaction where there is one, in a new one otherwise. PGlite has one session, so a new
 * root transaction inside another would wait for ever; hand the outer one in.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { inTransaction } from 'tenantry/database';
 *
 * // Takes part in the caller's transaction, or has one of its own.
 * function rename(db: Kysely<{ notes: { id: string; text: string } }>, { db: tx }: { db?: typeof db } = {}) {
 *   return inTransaction(db, tx, async () => 'all of it, or nothing');
 * }
 * ```
 */
export async function inTransaction<Result>(
  db: AnyDatabase,
  joined: AnyDatabase | undefined,
  work: (tx: AnyDatabase) => Promise<Result>,
): Promise<Result> {
  if (joined !== undefined) return work(joined);
  if (db.isTransaction) return work(db);
  return db.transaction().execute((tx: Transaction<unknown>) => work(tx));
}
