import { type Selectable, sql } from 'kysely';
import type { BillingCustomerTable } from '../database/billing-tables.ts';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { sqlstateOf } from '../database/install.ts';
import type { Standing } from './standing.ts';

/** What names a tenant at its provider, among all tenants. */
const customerLookup = 'provider_customer';

/** How a tenant stands with the provider, as it is stored. */
export type CustomerRow = Selectable<BillingCustomerTable>;

/** Reads how a tenant stands; undefined where nobody asked for it yet. */
export async function readCustomer(db: AnyDatabase, tenantId: string): Promise<CustomerRow | undefined> {
  return libraryOf(db)
    .selectFrom('tenantry.billing_customers')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .executeTakeFirst();
}

/**
 * Takes the lease of a tenant, in one statement: the row is made where there is none. False while somebody else has it.
 * Null: there is no such tenant.
 */
export async function takeLease(
  db: AnyDatabase,
  tenantId: string,
  lease: { readonly token: string; readonly until: Date; readonly now: Date },
  made: { readonly provider: string; readonly livemode: boolean },
): Promise<boolean | null> {
  const statement = sql<{ mine: boolean | null; there: boolean }>`
    with t as materialized (
      select t.tenant_id from tenantry.tenants t where t.tenant_id = ${tenantId}::uuid and (t.status <> 'moved'
        -- What a tenant that is no more still pays has to be ended in its name.
        or exists (select from tenantry.billing_customers b where b.tenant_id = t.tenant_id))
    ), taken as (
      insert into tenantry.billing_customers as c
        (tenant_id, provider, livemode, lease, lease_until, created_at, updated_at)
      select tenant_id, ${made.provider}, ${made.livemode}::boolean, ${lease.token}::uuid, ${lease.until}::timestamptz,
        ${lease.now}::timestamptz, ${lease.now}::timestamptz from t
      on conflict (tenant_id) do update set lease = excluded.lease, lease_until = excluded.lease_until
        where c.lease is null or c.lease_until <= ${lease.now}::timestamptz
      returning lease
    )
    select exists (select from t) as there, (select true from taken) as mine`;
  try {
    const { rows } = await statement.execute(libraryOf(db));
    const row = rows[0];
    return row?.there === true ? row.mine === true : null;
  } catch (error) {
    // It was purged while this waited.
    if (sqlstateOf(error) === '23503') return null;
    throw error;
  }
}

/**
 * Keeps everybody from taking or prolonging the lease until the transaction ends, and tells until when somebody has it;
 * `locked` where somebody writes to the row just now. It never waits: whoever writes may wait for what this transaction has.
 */
export async function lockCustomer(tx: AnyDatabase, tenantId: string): Promise<Date | null | 'locked'> {
  const { rows } = await sql<{ lease_until: Date | null }>`
    select case when lease is not null then lease_until end as lease_until
    from tenantry.billing_customers where tenant_id = ${tenantId}::uuid for update skip locked`.execute(libraryOf(tx));
  const [row] = rows;
  if (row !== undefined) return row.lease_until;
  return (await readCustomer(tx, tenantId)) === undefined ? null : 'locked';
}

/** Prolongs a lease and gives the version of the tenant; undefined where somebody else has it now. */
export async function renewLease(
  db: AnyDatabase,
  tenantId: string,
  token: string,
  until: Date,
): Promise<number | undefined> {
  const row = await libraryOf(db)
    .updateTable('tenantry.billing_customers')
    .set({ lease_until: until })
    .where('tenant_id', '=', tenantId)
    .where('lease', '=', token)
    .returning('version')
    .executeTakeFirst();
  return row === undefined ? undefined : Number(row.version);
}

/** Gives a lease back. */
export async function dropLease(db: AnyDatabase, tenantId: string, token: string): Promise<void> {
  await libraryOf(db)
    .updateTable('tenantry.billing_customers')
    .set({ lease: null, lease_until: null })
    .where('tenant_id', '=', tenantId)
    .where('lease', '=', token)
    .execute();
}

/** Counts the version up, so that the next wish is another one. False where somebody else has the lease now. */
export async function countVersion(db: AnyDatabase, tenantId: string, token: string): Promise<boolean> {
  const { rows } = await sql`
    update tenantry.billing_customers set version = version + 1
    where tenant_id = ${tenantId}::uuid and lease = ${token}::uuid returning 1`.execute(libraryOf(db));
  return rows.length > 0;
}

/** What a look at the provider found of the customer. */
export interface CustomerPatch {
  readonly providerId: string | null;
  readonly email: string | null;
  /** True where the one that there was is gone: another one may be made. */
  readonly gone: boolean;
  readonly balance: { readonly [currency: string]: number };
  /** Whether a subscription is another one than before. */
  readonly changed: boolean;
}

/**
 * Writes how a tenant stands, if the lease is still held: whoever was too slow writes nothing, since somebody else looked
 * later. False then.
 */
export async function writeStanding(
  tx: AnyDatabase,
  tenantId: string,
  token: string,
  { providerId, email, gone, balance, changed }: CustomerPatch,
  standing: Standing,
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`
    update tenantry.billing_customers set provider_id = ${providerId}, email = coalesce(${email}, email),
      generation = generation + ${gone ? 1 : 0}::integer, version = version + ${changed || gone ? 1 : 0}::bigint,
      subscription_id = ${standing.subscriptionId}, status = ${standing.status}, plan = ${standing.plan},
      ends_at = ${standing.endsAt}::timestamptz, past_due_since = ${standing.pastDueSince}::timestamptz,
      grace_until = ${standing.graceUntil}::timestamptz, duplicates = ${standing.duplicates.length}::integer,
      balance = ${JSON.stringify(balance)}::jsonb, due_at = ${standing.dueAt}::timestamptz,
      synced_at = ${now}::timestamptz, updated_at = ${now}::timestamptz
    where tenant_id = ${tenantId}::uuid and lease = ${token}::uuid returning 1`.execute(libraryOf(tx));
  return rows.length > 0;
}

/** Reads the ids under which a tenant is known at the provider, in their order. */
export async function readCustomerIds(db: AnyDatabase, tenantId: string): Promise<readonly string[]> {
  const rows = await libraryOf(db)
    .selectFrom('tenantry.tenant_lookups')
    .select('value')
    .where('tenant_id', '=', tenantId)
    .where('kind', '=', customerLookup)
    .orderBy('value')
    .execute();
  return rows.map(({ value }) => value);
}

/** Reads which tenants have customers of these ids. */
export async function tenantsOfCustomers(
  db: AnyDatabase,
  customerIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (customerIds.length === 0) return new Map();
  const rows = await libraryOf(db)
    .selectFrom('tenantry.tenant_lookups')
    .select(['value', 'tenant_id'])
    .where('kind', '=', customerLookup)
    .where('value', 'in', [...customerIds])
    .execute();
  return new Map(rows.map(({ value, tenant_id }) => [value, tenant_id]));
}

/** Which of these tenants there are; one that went elsewhere is none. */
export async function tenantsThatAre(db: AnyDatabase, tenantIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (tenantIds.length === 0) return new Set();
  const rows = await libraryOf(db)
    .selectFrom('tenantry.tenants')
    .select('tenant_id')
    .where('tenant_id', 'in', [...tenantIds])
    .where('status', '<>', 'moved')
    .execute();
  return new Set(rows.map(({ tenant_id }) => tenant_id));
}

/** Makes a customer of the provider's lead to a tenant; false where it leads to another one. */
export async function addCustomerId(tx: AnyDatabase, tenantId: string, customerId: string): Promise<boolean> {
  const library = libraryOf(tx);
  await library
    .insertInto('tenantry.tenant_lookups')
    .values({ kind: customerLookup, value: customerId, tenant_id: tenantId })
    .onConflict((conflict) => conflict.columns(['kind', 'value']).doNothing())
    .execute();
  const row = await library
    .selectFrom('tenantry.tenant_lookups')
    .select('tenant_id')
    .where('kind', '=', customerLookup)
    .where('value', '=', customerId)
    .executeTakeFirst();
  return row?.tenant_id === tenantId;
}

/** Takes away the ids of customers that are no more. */
export async function removeCustomerIds(
  tx: AnyDatabase,
  tenantId: string,
  customerIds: readonly string[],
): Promise<void> {
  if (customerIds.length === 0) return;
  await libraryOf(tx)
    .deleteFrom('tenantry.tenant_lookups')
    .where('kind', '=', customerLookup)
    .where('tenant_id', '=', tenantId)
    .where('value', 'in', [...customerIds])
    .execute();
}

/** Writes the customer that was made, if the lease is still held and there was none; false otherwise. */
export async function writeCustomerId(
  tx: AnyDatabase,
  tenantId: string,
  token: string,
  customerId: string,
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`
    update tenantry.billing_customers set provider_id = ${customerId}, updated_at = ${now}::timestamptz
    where tenant_id = ${tenantId}::uuid and lease = ${token}::uuid and provider_id is null returning 1`.execute(
    libraryOf(tx),
  );
  return rows.length > 0;
}

/** Reads tenants at which to look again by now, those that nobody looks at. */
export async function dueCustomers(db: AnyDatabase, now: Date, limit: number): Promise<readonly string[]> {
  const { rows } = await sql<{ tenant_id: string }>`
    select tenant_id from tenantry.billing_customers
    where due_at <= ${now}::timestamptz and (lease is null or lease_until <= ${now}::timestamptz)
    order by due_at limit ${limit}`.execute(libraryOf(db));
  return rows.map(({ tenant_id }) => tenant_id);
}

/** Puts off looking at a tenant again. */
export async function putOff(db: AnyDatabase, tenantId: string, until: Date): Promise<void> {
  await libraryOf(db)
    .updateTable('tenantry.billing_customers')
    .set({ due_at: until })
    .where('tenant_id', '=', tenantId)
    .execute();
}

/** Tells whether a tenant is no more: it went elsewhere, and what is left here is what it paid. */
export async function hasMoved(db: AnyDatabase, tenantId: string): Promise<boolean> {
  const { rows } = await sql<{ moved: boolean }>`
    select status = 'moved' as moved from tenantry.tenants where tenant_id = ${tenantId}::uuid`.execute(libraryOf(db));
  return rows[0]?.moved === true;
}
