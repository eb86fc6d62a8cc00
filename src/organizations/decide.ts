import { type RawBuilder, sql } from 'kysely';
import { type AnyDatabase, inTransaction, libraryOf } from '../database/handle.ts';
import { sqlstateOf } from '../database/install.ts';

/*
 * Changes of an organization are exact under any concurrency because each is one statement that first locks the row of
 * the organization, then the rows that it judges, and only then decides and writes. A row that is locked is read in its
 * newest version, so a caller that waited decides on what the one before it left behind.
 *
 * What a waiting statement cannot see, since its snapshot is older, are rows that another caller made meanwhile. It may
 * then take a member to add for a new one, and either find no seat for them or meet their unique key (23505, which undoes
 * the whole statement and the counted seat with it); or it may take an owner for the last one when another has come; or
 * find that whoever acts is no longer what was read of them. These outcomes are therefore decided again, in a transaction
 * that holds the lock before its statement begins. In a caller's transaction, which an error would end, it is always done
 * so.
 */

/** A common table expression's body: the row of the organization, locked first of all. Foreign keys are not kept waiting. */
export function lockedOrganization(tenantId: string): RawBuilder<unknown> {
  return sql`
  select tenant_id, seats_bought, seats_taken, seats_held, seats_exceeded_at from tenantry.organizations
  where tenant_id = ${tenantId}::uuid for no key update`;
}

/**
 * The row of the tenant, for what changes it too: it is locked before the organization, so that a transaction that sets
 * the plan and then the seats meets no deadlock.
 */
export function lockedTenant(tenantId: string): RawBuilder<unknown> {
  return sql`select tenant_id from tenantry.tenants where tenant_id = ${tenantId}::uuid for no key update`;
}

/** Runs a deciding statement once, and once more behind the lock when its snapshot may have misled it. */
export async function decide<Row>(
  db: AnyDatabase,
  tenantId: string,
  statement: (db: AnyDatabase) => Promise<Row | undefined>,
  mayBeMistaken: (row: Row) => boolean,
  lock: (tenantId: string) => RawBuilder<unknown> = lockedOrganization,
): Promise<Row | undefined> {
  if (db.isTransaction) return behindLock(db, tenantId, statement, lock);
  try {
    const row = await statement(db);
    if (row === undefined || !mayBeMistaken(row)) return row;
  } catch (error) {
    if (sqlstateOf(error) !== '23505') throw error;
  }
  return inTransaction(db, undefined, (tx) => behindLock(tx, tenantId, statement, lock));
}

/** Locks the organization and goes on: for what takes several statements. */
export async function behindLock<Result>(
  tx: AnyDatabase,
  tenantId: string,
  work: (tx: AnyDatabase) => Promise<Result>,
  lock: (tenantId: string) => RawBuilder<unknown> = lockedOrganization,
): Promise<Result> {
  await lock(tenantId).execute(libraryOf(tx));
  return work(tx);
}
