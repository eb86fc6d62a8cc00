import { setTimeout as wait } from 'node:timers/promises';
import { isTenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { failureOf, keepFailure, type Place } from '../failure.ts';
import { stepFailure } from './step-failure.ts';

/**
 * Runs work on one connection. When it fails under the lease, why is kept for whoever asks for the status: by that
 * connection or, when it is dead, by a fresh one once it was given back. A database that cannot be reached any more keeps
 * nothing; the error itself is thrown all the same.
 *
 * @param work - Says where it stands in `at.place`, from the moment in which it holds the lease.
 */
export async function onConnection<Result>(
  db: AnyDatabase,
  migration: string,
  work: (connection: AnyDatabase, at: { place?: Place }) => Promise<Result>,
): Promise<Result> {
  let unkept: ReturnType<typeof failureOf> | undefined;
  try {
    return await db.connection().execute(async (connection: AnyDatabase) => {
      const at: { place?: Place } = {};
      try {
        return await work(connection, at);
      } catch (thrown) {
        if (at.place === undefined) {
          throw await stepFailure(connection, migration, { id: 'plan', table: null, sql: [] }, thrown);
        }
        const step = { id: at.place.step ?? at.place.stage, table: null, sql: [] };
        const error = await stepFailure(connection, migration, step, thrown);
        // Who lost the lease says nothing any more: another runner is at work.
        if (isTenantryError(error) && error.code === 'migration_lease_lost') throw error;
        const failure = failureOf(error, at.place);
        if (!(await kept(connection, migration, failure))) unkept = failure;
        throw error;
      }
    });
  } catch (error) {
    if (unkept !== undefined) await keptByAnother(db, migration, unkept);
    throw error;
  }
}

async function kept(db: AnyDatabase, migration: string, failure: ReturnType<typeof failureOf>): Promise<boolean> {
  return keepFailure(db, migration, failure).then(
    () => true,
    () => false,
  );
}

/** A server that is starting again takes a moment. */
async function keptByAnother(db: AnyDatabase, migration: string, failure: ReturnType<typeof failureOf>): Promise<void> {
  for (let tries = 0; tries < 5; tries += 1) {
    if (await kept(db, migration, failure)) return;
    await wait(200);
  }
}
