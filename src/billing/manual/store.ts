import { sql } from 'kysely';
import { isUuid } from '../../core/index.ts';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import type { ManualKind } from './manual-ids.ts';
import { customerOfId, tenantOfCustomer } from './manual-ids.ts';

/** What is kept beside the objects: calls that were made, and usage that was told. */
export type StoredKind = Exclude<ManualKind, 'item'> | 'call' | 'usage';

/** The tenant whose object an id names; null for ids of others. */
export async function tenantOfId(db: AnyDatabase, id: string): Promise<string | null> {
  const customerId = customerOfId(id);
  const made = customerId === null ? null : tenantOfCustomer(customerId);
  if (customerId === null || !isUuid(made)) return null;
  // A customer that went to another tenant is named by its lookup.
  const { rows } = await sql<{ tenant_id: string }>`
    select coalesce(
      (select tenant_id from tenantry.tenant_lookups where kind = 'provider_customer' and value = ${customerId}),
      (select tenant_id from tenantry.tenants where tenant_id = ${made}::uuid)) as tenant_id`.execute(libraryOf(db));
  return rows[0]?.tenant_id ?? null;
}

/** Lets only one at a time change what a tenant has here. */
export async function lockTenant(tx: AnyDatabase, tenantId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`tenantry manual ${tenantId}`}, 0))`.execute(libraryOf(tx));
}

/** Reads one object. */
export async function readObject<Data>(
  db: AnyDatabase,
  tenantId: string,
  kind: StoredKind,
  id: string,
): Promise<Data | null> {
  const { rows } = await sql<{ data: unknown }>`
    select data from tenantry.billing_manual_objects
    where tenant_id = ${tenantId}::uuid and kind = ${kind} and id = ${id}`.execute(libraryOf(db));
  const [row] = rows;
  return row === undefined ? null : (revive(row.data) as Data);
}

/** Reads all objects of a kind, in the order in which they were made. */
export async function listObjects<Data>(db: AnyDatabase, tenantId: string, kind: StoredKind): Promise<Data[]> {
  const { rows } = await sql<{ data: unknown }>`
    select data from tenantry.billing_manual_objects
    where tenant_id = ${tenantId}::uuid and kind = ${kind} order by created_at, id`.execute(libraryOf(db));
  return rows.map(({ data }) => revive(data) as Data);
}

/** Writes an object, over the one there is. */
export async function putObject<Kept extends { readonly id: string }>(
  tx: AnyDatabase,
  tenantId: string,
  kind: StoredKind,
  object: Kept,
  now: Date,
): Promise<void> {
  await sql`
    insert into tenantry.billing_manual_objects (tenant_id, kind, id, data, created_at, updated_at)
    values (${tenantId}::uuid, ${kind}, ${object.id}, ${JSON.stringify(object)}::jsonb, ${now}::timestamptz, ${now}::timestamptz)
    on conflict (tenant_id, kind, id) do update set data = excluded.data, updated_at = excluded.updated_at`.execute(
    libraryOf(tx),
  );
}

/** Writes an object that must not be there yet; false where it is. */
export async function addObject<Kept extends { readonly id: string }>(
  tx: AnyDatabase,
  tenantId: string,
  kind: StoredKind,
  object: Kept,
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`
    insert into tenantry.billing_manual_objects (tenant_id, kind, id, data, created_at, updated_at)
    values (${tenantId}::uuid, ${kind}, ${object.id}, ${JSON.stringify(object)}::jsonb, ${now}::timestamptz, ${now}::timestamptz)
    on conflict (tenant_id, kind, id) do nothing returning id`.execute(libraryOf(tx));
  return rows.length > 0;
}

/**
 * Takes the next number of a series. It is taken in the transaction that writes what has it: where that is rolled back the
 * number is free again, so that there are no gaps.
 */
export async function nextNumber(tx: AnyDatabase, tenantId: string, series: string): Promise<number> {
  const { rows } = await sql<{ last: string | number }>`
    insert into tenantry.billing_invoice_numbers as n (tenant_id, series, last) values (${tenantId}::uuid, ${series}, 1)
    on conflict (tenant_id, series) do update set last = n.last + excluded.last returning last`.execute(libraryOf(tx));
  return Number(rows[0]?.last ?? 1);
}

const times: ReadonlySet<string> = new Set([
  'createdAt',
  'anchorAt',
  'periodStart',
  'periodEnd',
  'trialEndsAt',
  'endsAt',
  'endedAt',
  'pausedAt',
  'pausedUntil',
  'at',
  'until',
  'dueAt',
  'paidAt',
  'completedAt',
]);
/** What the application wrote is left as it is. */
const opaque: ReadonlySet<string> = new Set(['metadata', 'gatewayResponse']);

/** JSON with its times. */
function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => {
      if (opaque.has(name)) return [name, part];
      return [name, times.has(name) && typeof part === 'string' ? new Date(part) : revive(part)];
    }),
  );
}
