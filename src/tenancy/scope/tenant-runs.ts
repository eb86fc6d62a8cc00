import type { Transaction } from 'kysely';
import { TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { withOpening } from '../../database/openings.ts';
import { applySetting, explainRefusal, openingFor, readSetting, settingOf, withSavepoint } from './tenant-setting.ts';

// biome-ignore lint/suspicious/noExplicitAny: what is done in it is typed by the caller.
type AnyTransaction = Transaction<any>;

/** What is done as the tenant. */
// biome-ignore lint/suspicious/noExplicitAny: a transaction, or the connection of a single statement.
export type Work<Result> = (tx: any) => Promise<Result>;

/** Whether a handle is the caller's transaction. */
export function isTransaction(db: AnyDatabase): db is AnyTransaction {
  return db.isTransaction;
}

/** Runs work in a transaction of its own. */
export async function runAlone<Result>(db: AnyDatabase, tenantId: string, work: Work<Result>): Promise<Result> {
  const setting = settingOf(tenantId);
  const opening = openingFor(setting, false);
  try {
    return await withOpening(opening, () =>
      db.transaction().execute(async (tx: AnyTransaction) => {
        opening.offered = false;
        // Where the pool took the opening, it travels with the first statement of the work.
        if (!opening.taken) {
          await applySetting(tx, setting).catch((error: unknown) => {
            opening.refusal = error;
            throw error;
          });
        }
        return work(tx);
      }),
    );
  } catch (error) {
    throw opening.refusal !== undefined && error === opening.refusal ? await explainRefusal(db, error) : error;
  }
}

/**
 * Runs one statement under row-level security, in a transaction of its own: one message to PostgreSQL where the pool can
 * send it so, which then takes as long as the bare statement. Within the caller's transaction it runs as a part of that.
 */
export async function runStatement<Result>(db: AnyDatabase, tenantId: string, work: Work<Result>): Promise<Result> {
  if (isTransaction(db)) return runWithin(db, tenantId, work);
  const opening = openingFor(settingOf(tenantId), true);
  try {
    const sent = await withOpening(opening, () =>
      db.connection().execute(async (connection: AnyDatabase) => {
        opening.offered = false;
        return opening.taken ? { result: await work(connection) } : undefined;
      }),
    );
    if (sent !== undefined) return sent.result;
  } catch (error) {
    throw opening.refusal !== undefined && error === opening.refusal ? await explainRefusal(db, error) : error;
  }
  return runAlone(db, tenantId, work);
}

/**
 * Within the caller's transaction the role and the tenant are put back afterwards. When the work throws, a savepoint is
 * rolled back: it takes the work's changes and the setting with it, and revives a transaction that an error aborted, so
 * that the caller may go on.
 */
export async function runWithin<Result>(tx: AnyTransaction, tenantId: string, work: Work<Result>): Promise<Result> {
  const before = await readSetting(tx);
  const wanted = settingOf(tenantId);
  if (before.tenant !== '' && before.tenant !== wanted.tenant) {
    throw new TenantryError('tenant_mismatch', { expected: before.tenant, actual: wanted.tenant });
  }
  if (before.tenant === wanted.tenant && before.role === wanted.role) return work(tx);
  let refusal: unknown;
  try {
    return await withSavepoint(tx, async () => {
      try {
        await applySetting(tx, wanted);
      } catch (error) {
        refusal = error;
        throw error;
      }
      const result = await work(tx);
      await applySetting(tx, before);
      return result;
    });
  } catch (error) {
    throw refusal !== undefined && error === refusal ? await explainRefusal(tx, error) : error;
  }
}
