import { sql } from 'kysely';
import { TenantryError } from '../core/index.ts';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { sqlstateOf } from '../database/install.ts';

/** What must be taken to the provider. */
export type FlagKind = 'seats' | 'usage';

/** Says, in the transaction that changed something, that it must be taken to the provider. */
export async function raiseFlag(tx: AnyDatabase, kind: FlagKind, tenantId: string, now: Date): Promise<void> {
  await sql`
    insert into tenantry.billing_flags as f (tenant_id, kind, raised, settled, attempts, due_at, updated_at)
    values (${tenantId}::uuid, ${kind}, 1, 0, 0, ${now}::timestamptz, ${now}::timestamptz)
    on conflict (tenant_id, kind) do update set raised = f.raised + 1, due_at = least(f.due_at, excluded.due_at),
      updated_at = excluded.updated_at`
    .execute(libraryOf(tx))
    .catch((error: unknown) => {
      if (sqlstateOf(error) === '23503')
        throw new TenantryError('tenant_not_found', { tenant: tenantId }, { cause: error });
      throw error;
    });
}

/** The tenants whose flag waits and whose time has come, the longest waiting first. */
export async function dueFlags(
  db: AnyDatabase,
  kind: FlagKind,
  { now, limit }: { readonly now: Date; readonly limit: number },
): Promise<readonly string[]> {
  const { rows } = await sql<{ tenant_id: string }>`
    select tenant_id from tenantry.billing_flags
    where kind = ${kind} and raised > settled and due_at <= ${now}::timestamptz
    order by due_at, tenant_id limit ${limit}`.execute(libraryOf(db));
  return rows.map(({ tenant_id }) => tenant_id);
}

/** How often the flag was raised, and how often its last try failed; null where it never was raised. */
export async function readFlag(
  db: AnyDatabase,
  kind: FlagKind,
  tenantId: string,
): Promise<{ readonly raised: number; readonly attempts: number; readonly updatedAt: Date } | null> {
  const { rows } = await sql<{ raised: string | number; attempts: number; updated_at: Date }>`
    select raised, attempts, updated_at from tenantry.billing_flags
    where tenant_id = ${tenantId}::uuid and kind = ${kind}`.execute(libraryOf(db));
  const [row] = rows;
  return row === undefined ? null : { raised: Number(row.raised), attempts: row.attempts, updatedAt: row.updated_at };
}

/** Notes that everything was taken to the provider that the flag was raised for, up to a number of times. */
export async function settleFlag(
  db: AnyDatabase,
  kind: FlagKind,
  tenantId: string,
  { upTo, now }: { readonly upTo: number; readonly now: Date },
): Promise<void> {
  await sql`
    update tenantry.billing_flags set settled = ${upTo}::bigint, attempts = 0, error = null, updated_at = ${now}::timestamptz
    where tenant_id = ${tenantId}::uuid and kind = ${kind} and settled < ${upTo}::bigint`.execute(libraryOf(db));
}

/** Puts off what could not be done, each time for longer, or what is to be done again. */
export async function putOffFlag(
  db: AnyDatabase,
  kind: FlagKind,
  tenantId: string,
  { until, now, error }: { readonly until: Date; readonly now: Date; readonly error: string | null },
): Promise<void> {
  await sql`
    update tenantry.billing_flags set due_at = ${until}::timestamptz, error = ${error}, updated_at = ${now}::timestamptz,
      attempts = case when ${error}::text is null then 0 else attempts + 1 end
    where tenant_id = ${tenantId}::uuid and kind = ${kind}`.execute(libraryOf(db));
}

/** How long a try is put off that failed so many times before: a second, doubled up to ten minutes. */
export function waitAfter(attempts: number): number {
  return Math.min(600_000, 1000 * 2 ** Math.min(attempts, 12));
}
