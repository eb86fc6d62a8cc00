import { sql } from 'kysely';
import { isTenantryError } from '../core/index.ts';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { adopt } from './adopt.ts';
import { applyTruth, outcomeOf } from './apply-truth.ts';
import { checkedTenant } from './checked-tenant.ts';
import { findStrays, type Stray } from './find-strays.ts';
import type { Ground } from './ground.ts';
import { sameJson } from './same-json.ts';
import type { Standing } from './standing.ts';
import type { SubscriptionRecord } from './subscription-record.ts';
import { readSubscriptions } from './subscription-store.ts';
import { askForTruth, type Truth } from './truth.ts';

/** What is to be compared. */
export interface ReconcileInput {
  /** One tenant; all that the provider knows when absent. */
  readonly tenantId?: string;
  /** True takes over what the provider says; false, the default, only tells. */
  readonly mend?: boolean;
  /** Told after each tenant. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Ends it after the tenant that is under way. */
  readonly signal?: AbortSignal;
}

/** A place where our rows differ from what the provider has. */
export interface Drift {
  readonly tenantId: string;
  readonly what: 'customer' | 'subscription' | 'tenant' | 'invoice' | 'payment' | 'refund' | 'credit_note';
  readonly id: string;
  /** The field; `*` where one of the two has no such thing at all. */
  readonly field: string;
  readonly ours: unknown;
  readonly theirs: unknown;
}

/** What a reconciliation found. */
export interface ReconcileReport {
  /** How many tenants were compared. */
  readonly tenants: number;
  readonly drift: readonly Drift[];
  /** What the provider has for tenants and nothing here knew of. */
  readonly strays: readonly Stray[];
  /** How many tenants were mended. */
  readonly mended: number;
  /** Tenants that could not be compared, with the code of the error; null: strays could not be looked for. */
  readonly failed: readonly { readonly tenantId: string | null; readonly reason: string }[];
}

interface StrayWish {
  readonly tenantId: string | undefined;
  readonly mend: boolean;
  readonly signal: AbortSignal | undefined;
}

const pageSize = 500;

/** Makes what compares our rows with what the provider has. */
export function createReconcile(ground: Ground): (input?: ReconcileInput) => Promise<ReconcileReport> {
  const { alone, db, documents } = ground;

  async function one(tenantId: string, mend: boolean): Promise<readonly Drift[]> {
    return alone(tenantId, async (held) => {
      const truth = await askForTruth(ground, held.tenantId, 'all');
      const before = await readSubscriptions(db, held.tenantId);
      const outcome = outcomeOf(truth, before, ground);
      const drift = [
        ...customerDrift(truth, outcome.providerId, held.tenantId),
        ...outcome.changed.flatMap((change) => subscriptionDrift(held.tenantId, change.before, change.after)),
        ...(await tenantDrift(db, held.tenantId, truth, outcome.standing)),
        ...(await documents.compare(db, held.tenantId, truth.documents)).map((found) => ({
          tenantId: held.tenantId,
          ...found,
        })),
      ];
      if (mend) await ground.inTransaction(undefined, (tx) => applyTruth(ground, tx, held, truth));
      return drift;
    });
  }

  /** Customers of tenants that there are become known where told to; then their subscriptions are compared as well. */
  async function takeInStrays({ tenantId, mend, signal }: StrayWish): Promise<readonly Stray[]> {
    const strays: Stray[] = [];
    for await (const stray of findStrays(ground, tenantId)) {
      if (signal?.aborted === true) break;
      strays.push(stray);
      if (mend && stray.what === 'customer') await adopt(ground, stray.tenantId, stray.customerId);
    }
    return strays;
  }

  return async (input = {}) => {
    const { mend = false, onProgress, signal } = input;
    const tenantId = input.tenantId === undefined ? undefined : checkedTenant(input.tenantId);
    const drift: Drift[] = [];
    const failed: { tenantId: string | null; reason: string }[] = [];
    const strays = await takeInStrays({ tenantId, mend, signal }).catch((error: unknown) => {
      if (tenantId !== undefined) throw error;
      failed.push({ tenantId: null, reason: isTenantryError(error) ? error.code : 'unknown' });
      return [];
    });
    const total = tenantId === undefined ? await countTenants(db) : 1;
    let done = 0;
    let mended = 0;
    let after: string | null = null;
    for (;;) {
      const page: readonly string[] = tenantId === undefined ? await listTenants(db, after) : [tenantId];
      for (const one_ of page) {
        if (signal?.aborted === true) return { tenants: done, drift, strays, mended, failed };
        try {
          const found = await one(one_, mend);
          drift.push(...found);
          if (mend && found.length > 0) mended += 1;
        } catch (error) {
          // Of one tenant it is thrown; of many the others are still compared.
          if (tenantId !== undefined) throw error;
          failed.push({ tenantId: one_, reason: isTenantryError(error) ? error.code : 'unknown' });
        }
        done += 1;
        onProgress?.({ done, total });
      }
      after = page.at(-1) ?? null;
      if (tenantId !== undefined || page.length < pageSize) return { tenants: done, drift, strays, mended, failed };
    }
  };
}

function customerDrift({ row }: Truth, providerId: string | null, tenantId: string): Drift[] {
  if (row.provider_id === providerId) return [];
  const id = row.provider_id ?? providerId ?? tenantId;
  return [{ tenantId, what: 'customer', id, field: 'id', ours: row.provider_id, theirs: providerId }];
}

function subscriptionDrift(
  tenantId: string,
  before: SubscriptionRecord | undefined,
  after: SubscriptionRecord,
): Drift[] {
  const place = { tenantId, what: 'subscription', id: after.id } as const;
  if (before === undefined) return [{ ...place, field: '*', ours: null, theirs: after.status }];
  if (after.goneAt !== null) return [{ ...place, field: '*', ours: before.status, theirs: null }];
  const old = new Map<string, unknown>(Object.entries(before));
  return Object.entries(after).flatMap(([field, theirs]) => {
    if (field === 'changesAt') return [];
    const ours = old.get(field);
    return sameJson(ours, theirs) ? [] : [{ ...place, field, ours, theirs }];
  });
}

/** Whether enforcement goes by something else than what the subscription says. */
async function tenantDrift(
  db: AnyDatabase,
  tenantId: string,
  { row }: Truth,
  standing: Standing,
): Promise<readonly Drift[]> {
  if (standing.plan === null) return [];
  const tenant = await libraryOf(db)
    .selectFrom('tenantry.tenants')
    .select(['plan', 'subscription_status'])
    .where('tenant_id', '=', tenantId)
    .executeTakeFirst();
  const pairs = [
    ['plan', tenant?.plan ?? null, standing.plan],
    ['subscriptionStatus', tenant?.subscription_status ?? null, standing.status],
    ['subscription', row.subscription_id, standing.subscriptionId],
  ] as const;
  return pairs
    .filter(([, ours, theirs]) => ours !== theirs)
    .map(([field, ours, theirs]) => ({ tenantId, what: 'tenant', id: tenantId, field, ours, theirs }));
}

/** Tenants that the provider knows, or that we took for known. */
const known = sql`
  select tenant_id from tenantry.billing_customers
  union select tenant_id from tenantry.tenant_lookups where kind = 'provider_customer'`;

async function countTenants(db: AnyDatabase): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::integer as n from (${known}) k join tenantry.tenants t using (tenant_id)
    where t.status <> 'moved'`.execute(libraryOf(db));
  return rows[0]?.n ?? 0;
}

async function listTenants(db: AnyDatabase, after: string | null): Promise<readonly string[]> {
  const { rows } = await sql<{ tenant_id: string }>`
    select t.tenant_id from (${known}) k join tenantry.tenants t using (tenant_id)
    where t.status <> 'moved' and (${after}::uuid is null or t.tenant_id > ${after}::uuid)
    order by t.tenant_id limit ${pageSize}`.execute(libraryOf(db));
  return rows.map(({ tenant_id }) => tenant_id);
}
