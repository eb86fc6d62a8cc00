import { type Selectable, sql } from 'kysely';
import { TenantryError } from '../core/index.ts';
import type { BillingCheckoutTable } from '../database/billing-tables.ts';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import type { NewCheckout } from './provider/checkout.ts';
import type { NewSubscription } from './provider/subscription.ts';

/** A checkout as it is stored. */
export type CheckoutRow = Selectable<BillingCheckoutTable>;

/** Reads the checkout of a tenant that is not over; there is one at most. */
export async function openCheckout(db: AnyDatabase, tenantId: string): Promise<CheckoutRow | undefined> {
  return libraryOf(db)
    .selectFrom('tenantry.billing_checkouts')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('status', 'in', ['creating', 'open'])
    .executeTakeFirst();
}

/** A checkout to be asked for. */
export interface CheckoutWish {
  readonly id: string;
  /** A page on which one pays, or a subscription that is made without one. */
  readonly kind: CheckoutRow['kind'];
  readonly plan: string;
  /** As it will be sent, word for word. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly requestHash: string;
  readonly trialDays: number | null;
}

/** Writes down what is going to be asked for. @throws TenantryError `billing_busy` where the lease is not held any more. */
export async function insertCheckout(
  db: AnyDatabase,
  tenantId: string,
  lease: string,
  wish: CheckoutWish,
  now: Date,
): Promise<void> {
  const { rows } = await sql`
    insert into tenantry.billing_checkouts
      (tenant_id, id, kind, status, plan, request, request_hash, trial_days, created_at, updated_at)
    select c.tenant_id, ${wish.id}::uuid, ${wish.kind}, 'creating', ${wish.plan}, ${JSON.stringify(wish.request)}::jsonb,
      ${wish.requestHash}, ${wish.trialDays}::integer, ${now}::timestamptz, ${now}::timestamptz
    from tenantry.billing_customers c where c.tenant_id = ${tenantId}::uuid and c.lease = ${lease}::uuid
    on conflict do nothing returning 1`.execute(libraryOf(db));
  if (rows.length === 0) throw new TenantryError('billing_busy', { tenantId, retryAfter: 1 });
}

/** The request of a checkout, as it was sent; a row of a later version may hold more. */
export function requestOf<Request extends NewCheckout | NewSubscription>({
  request,
}: Pick<CheckoutRow, 'request'>): Request | undefined {
  return isRequest<Request>(request) ? request : undefined;
}

function isRequest<Request>(value: object): value is Request & object {
  return 'customerId' in value && 'tenantId' in value && 'items' in value && Array.isArray(value.items);
}

/** What became of a checkout. */
export interface CheckoutPatch {
  readonly status: CheckoutRow['status'];
  readonly sessionId?: string;
  readonly url?: string | null;
  readonly expiresAt?: Date | null;
}

/** Writes what became of a checkout that was not over. */
export async function updateCheckout(
  db: AnyDatabase,
  tenantId: string,
  id: string,
  { status, sessionId, url, expiresAt }: CheckoutPatch,
  now: Date,
): Promise<void> {
  await libraryOf(db)
    .updateTable('tenantry.billing_checkouts')
    .set({
      status,
      updated_at: now,
      ...(sessionId !== undefined && { session_id: sessionId }),
      ...(url !== undefined && { url }),
      ...(expiresAt !== undefined && { expires_at: expiresAt }),
    })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .where('status', 'in', ['creating', 'open'])
    .execute();
}
