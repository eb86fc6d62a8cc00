import { sql } from 'kysely';
import type { Clock, Ids } from '../../core/index.ts';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import { bringsRevenue, type MonthlyItem, monthlyOf } from './monthly-of.ts';

interface Row {
  readonly id: string;
  readonly plan: string | null;
  readonly status: string;
  readonly currency: string;
  readonly paused: boolean;
  readonly createdAt: Date;
  readonly trialEndsAt: Date | null;
  readonly endedAt: Date | null;
  readonly goneAt: Date | null;
  readonly items: readonly MonthlyItem[];
  /** What was noted last; null: nothing was. */
  readonly noted: { readonly monthly: number; readonly plan: string | null } | null;
}

/**
 * Notes what the subscriptions of a tenant bring per month, where that is another amount than before, or of another plan.
 * Called within the transaction that wrote the subscriptions. What is noted is never changed.
 */
export async function noteRevenue(
  { clock, ids }: { readonly clock: Clock; readonly ids: Ids },
  tx: AnyDatabase,
  tenantId: string,
): Promise<void> {
  const { rows } = await sql<Row>`
    select s.id, s.plan, s.status, s.currency, s.paused, s.created_at as "createdAt",
      s.trial_ends_at as "trialEndsAt", s.ended_at as "endedAt",
      s.gone_at as "goneAt",
      (select coalesce(jsonb_agg(jsonb_build_object('kind', i.kind, 'quantity', i.quantity,
          'unitAmount', i.unit_amount::text, 'interval', i.billing_interval, 'intervalCount', i.interval_count)), '[]')
        from tenantry.billing_subscription_items i
        where i.tenant_id = s.tenant_id and i.subscription_id = s.id) as items,
      (select jsonb_build_object('monthly', r.monthly, 'plan', r.plan) from tenantry.billing_revenue r
        where r.tenant_id = s.tenant_id and r.subscription_id = s.id order by r.id desc limit 1) as noted
    from tenantry.billing_subscriptions s where s.tenant_id = ${tenantId}::uuid order by s.id`.execute(libraryOf(tx));
  for (const row of rows) {
    const { id, plan, currency, paused, status, endedAt, goneAt, items, noted } = row;
    const brings = goneAt === null && !paused && bringsRevenue(status);
    const monthly = brings ? monthlyOf(items) : 0;
    const previous = noted?.monthly ?? 0;
    if (monthly === previous && (monthly === 0 || plan === noted?.plan)) continue;
    // What happened while nobody looked belongs to when it happened.
    const changedAt = monthly === 0 ? (endedAt ?? goneAt ?? clock()) : noted === null ? beganAt(row, clock()) : clock();
    await libraryOf(tx)
      .insertInto('tenantry.billing_revenue')
      .values({
        tenant_id: tenantId,
        id: ids(),
        subscription_id: id,
        plan: monthly === 0 ? (noted?.plan ?? plan) : plan,
        currency,
        monthly,
        previous_monthly: previous,
        changed_at: changedAt,
      })
      .execute();
  }
}

/** When a subscription began to bring something: with its trial over, where it had one. */
function beganAt({ createdAt, trialEndsAt }: Row, now: Date): Date {
  return trialEndsAt !== null && trialEndsAt > createdAt && trialEndsAt <= now ? trialEndsAt : createdAt;
}
