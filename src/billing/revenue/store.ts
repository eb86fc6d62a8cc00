import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import type { RevenueSpan } from './revenue-of.ts';

/** Reads what every tenant brought at two moments: what was noted until then adds up to it. */
export async function readSpans(
  tx: AnyDatabase,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<readonly RevenueSpan[]> {
  const { rows } = await sql<{
    tenantId: string;
    plan: string | null;
    currency: string;
    before: string;
    after: string;
  }>`
    select r.tenant_id as "tenantId", r.currency, (array_agg(r.plan order by r.changed_at desc, r.id desc))[1] as plan,
      coalesce(sum(r.monthly - r.previous_monthly) filter (where r.changed_at <= ${from}::timestamptz), 0) as before,
      sum(r.monthly - r.previous_monthly) as after
    from tenantry.billing_revenue r where r.changed_at <= ${to}::timestamptz
    group by r.tenant_id, r.currency order by r.tenant_id, r.currency`.execute(libraryOf(tx));
  return rows.map((row) => ({ ...row, before: Number(row.before), after: Number(row.after) }));
}

/** What came in, by currency: payments that succeeded and what was given back of them, by when that was. */
export async function readTakings(
  tx: AnyDatabase,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<readonly { readonly currency: string; readonly paid: number; readonly refunded: number }[]> {
  const { rows } = await sql<{ currency: string; paid: string; refunded: string }>`
    select currency, sum(paid) as paid, sum(refunded) as refunded from (
      select currency, amount as paid, 0 as refunded from tenantry.billing_payments
      where status = 'succeeded' and created_at > ${from}::timestamptz and created_at <= ${to}::timestamptz
      union all
      select currency, 0, amount from tenantry.billing_refunds
      where status = 'succeeded' and created_at > ${from}::timestamptz and created_at <= ${to}::timestamptz
    ) as money group by currency order by currency`.execute(libraryOf(tx));
  return rows.map(({ currency, paid, refunded }) => ({ currency, paid: Number(paid), refunded: Number(refunded) }));
}
