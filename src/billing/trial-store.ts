import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import type { Ground } from './ground.ts';

/** Notes that a tenant asks for a trial; false where it may have none. */
export async function takeTrial(
  { db, inTransaction }: Pick<Ground, 'db' | 'inTransaction'>,
  tenantId: string,
  fingerprints: readonly string[],
): Promise<boolean> {
  if (!(await mayTry(db, tenantId, fingerprints))) return false;
  return inTransaction(undefined, (tx) => noteFingerprints(tx, tenantId, fingerprints));
}

/**
 * Tells whether a tenant may have a trial: it had none, neither here nor of a plan, and nobody of the same fingerprints
 * had one.
 */
async function mayTry(db: AnyDatabase, tenantId: string, fingerprints: readonly string[]): Promise<boolean> {
  const { rows } = await sql<{ had: boolean }>`
    select exists (select from tenantry.billing_trials where tenant_id = ${tenantId}::uuid)
      or exists (select from tenantry.plan_trials where tenant_id = ${tenantId}::uuid)
      or exists (select from tenantry.billing_trial_fingerprints
        where fingerprint = any(${sql.val([...fingerprints])}::text[]) and tenant_id <> ${tenantId}::uuid)
      or exists (select from tenantry.plan_trial_fingerprints
        where fingerprint = any(${sql.val([...fingerprints])}::text[]) and tenant_id <> ${tenantId}::uuid) as had`.execute(
    libraryOf(db),
  );
  return rows[0]?.had !== true;
}

/** Notes who asks for a trial; false when somebody else of the same fingerprints did at the same moment. */
async function noteFingerprints(tx: AnyDatabase, tenantId: string, fingerprints: readonly string[]): Promise<boolean> {
  if (fingerprints.length === 0) return true;
  const library = libraryOf(tx);
  await library
    .insertInto('tenantry.billing_trial_fingerprints')
    .values([...fingerprints].toSorted().map((fingerprint) => ({ fingerprint, tenant_id: tenantId })))
    .onConflict((conflict) => conflict.column('fingerprint').doNothing())
    .execute();
  const rows = await library
    .selectFrom('tenantry.billing_trial_fingerprints')
    .select('tenant_id')
    .where('fingerprint', 'in', [...fingerprints])
    .execute();
  return rows.every((row) => row.tenant_id === tenantId);
}

/** Notes the one trial of a tenant, as soon as a subscription has one. */
export async function noteTrial(
  tx: AnyDatabase,
  tenantId: string,
  trial: {
    readonly plan: string;
    readonly subscriptionId: string;
    readonly startedAt: Date;
    readonly endsAt: Date;
  },
): Promise<void> {
  await libraryOf(tx)
    .insertInto('tenantry.billing_trials')
    .values({
      tenant_id: tenantId,
      plan: trial.plan,
      subscription_id: trial.subscriptionId,
      started_at: trial.startedAt,
      ends_at: trial.endsAt,
    })
    .onConflict((conflict) => conflict.column('tenant_id').doNothing())
    .execute();
}
