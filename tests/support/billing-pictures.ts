import { sql } from 'kysely';
import type { Story } from './billing-story.ts';

/** What is compared. */
export interface Pictured {
  readonly subscriptions: readonly unknown[];
  readonly invoices: readonly unknown[];
  readonly tenant: unknown;
}

/** Fields of which nothing is known. */
type Plain = Readonly<Record<string, unknown>>;
export const fieldsOf = (value: unknown): Plain =>
  typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
export const listOf = (value: unknown): readonly Plain[] => (Array.isArray(value) ? value.map(fieldsOf) : []);
const secondsOf = (time: Date | null): number | null => (time === null ? null : time.getTime() / 1000);
const byId = (one: { id: unknown }, other: { id: unknown }): number => (String(one.id) < String(other.id) ? -1 : 1);

/** What the fake has, said without anything of the library. */
export function truth({ world: { fake } }: Story): Pictured {
  const own = fake.list('subscription').map(fieldsOf);
  const plans = own.map((row) => {
    const keys = listOf(fieldsOf(row.items).data).map((item) => String(fieldsOf(item.price).lookup_key));
    return keys[0]?.split('.')[1] ?? '';
  });
  const order = own
    .map((row, index) => ({ row, plan: plans[index] ?? '' }))
    .toSorted(
      (a, b) => Number(a.row.created) - Number(b.row.created) || (String(a.row.id) < String(b.row.id) ? -1 : 1),
    );
  const over = (row: Plain): boolean => row.status === 'canceled' || row.status === 'incomplete_expired';
  const now = fake.clock().getTime() / 1000;
  const gives = (row: Plain): boolean => {
    if (over(row) || row.status === 'incomplete') return false;
    if (row.status === 'paused' || row.pause_collection !== null) return false;
    if (row.status === 'active' || row.status === 'trialing') return true;
    const invoice = fieldsOf(fake.get(String(row.latest_invoice)));
    const since = Number(invoice.due_date ?? fieldsOf(invoice.status_transitions).finalized_at ?? invoice.created);
    return since + 14 * 86_400 > now;
  };
  const counting =
    order.find(({ row }) => gives(row)) ??
    order.find(({ row }) => !over(row) && row.status !== 'incomplete') ??
    order.find(({ row }) => !over(row)) ??
    order.at(-1);
  return {
    subscriptions: own
      .map((row) => ({
        id: row.id,
        status: row.status,
        endsAt: row.ended_at ?? row.cancel_at ?? null,
        paused: row.status === 'paused' || row.pause_collection !== null,
        items: listOf(fieldsOf(row.items).data)
          .map((item) => ({
            id: item.id,
            price: fieldsOf(item.price).id,
            quantity: fieldsOf(fieldsOf(item.price).recurring).usage_type === 'metered' ? null : item.quantity,
            end: item.current_period_end,
          }))
          .toSorted(byId),
      }))
      .toSorted(byId),
    invoices: fake
      .list('invoice')
      .map(fieldsOf)
      .map(({ id, status, total, amount_paid, amount_remaining }) => ({
        id,
        status,
        total,
        paid: amount_paid,
        remaining: amount_remaining,
      }))
      .toSorted(byId),
    tenant:
      counting === undefined
        ? { plan: 'free', status: null }
        : { plan: gives(counting.row) ? counting.plan : 'free', status: counting.row.status },
  };
}

/** What our rows say. */
export async function ours({ database, tenantId }: Story): Promise<Pictured> {
  const run = async <Row>(query: ReturnType<typeof sql<Row>>): Promise<readonly Row[]> =>
    (await query.execute(database.app)).rows;
  const items = await run(
    sql<{
      subscription_id: string;
      id: string;
      price_id: string;
      quantity: number | null;
      period_end: Date | null;
    }>`select * from tenantry.billing_subscription_items where tenant_id = ${tenantId}::uuid`,
  );
  const subscriptions = await run(sql<{ id: string; status: string; ends_at: Date | null; paused: boolean }>`
    select * from tenantry.billing_subscriptions where tenant_id = ${tenantId}::uuid and gone_at is null`);
  const invoices = await run(sql<{ id: string; status: string; total: string; paid: string; remaining: string }>`
    select id, status, total, amount_paid as paid, amount_remaining as remaining from tenantry.billing_invoices
    where tenant_id = ${tenantId}::uuid`);
  const [tenant] = await run(sql<{ plan: string; status: string | null }>`
    select plan, subscription_status as status from tenantry.tenants where tenant_id = ${tenantId}::uuid`);
  return {
    subscriptions: subscriptions
      .map(({ id, status, ends_at, paused }) => ({
        id,
        status,
        endsAt: secondsOf(ends_at),
        paused,
        items: items
          .filter((item) => item.subscription_id === id)
          .map((item) => ({
            id: item.id,
            price: item.price_id,
            quantity: item.quantity,
            end: secondsOf(item.period_end),
          }))
          .toSorted(byId),
      }))
      .toSorted(byId),
    invoices: invoices
      .map(({ id, status, total, paid, remaining }) => ({
        id,
        status,
        total: Number(total),
        paid: Number(paid),
        remaining: Number(remaining),
      }))
      .toSorted(byId),
    tenant,
  };
}
