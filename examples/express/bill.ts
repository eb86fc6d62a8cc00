import type { HotCross } from './hotcross.ts';

/** What a month costs an organization, in cents, and what its developers used. */
export interface Bill {
  readonly model: string;
  readonly base: number;
  readonly seats: { readonly bought: number | null; readonly taken: number; readonly price: number };
  readonly total: number;
  /** Calls of this month, by developer: the meter of the third way of paying. */
  readonly calls: readonly { readonly developer: string; readonly used: number }[];
}

/** Computes the bill of the running month. */
export async function billOf({ plans, organizations }: HotCross, tenantId: string, model: string): Promise<Bill> {
  const base = Number(await plans.value(tenantId, 'basePrice'));
  const price = Number(await plans.value(tenantId, 'seatPrice'));
  const { bought, taken } = await organizations.seats(tenantId);
  const { items } = await plans.usageByMember(tenantId, 'calls');
  const members = await organizations.members.list({ tenantId, limit: 1000 });
  const emailOf = new Map(members.items.map(({ id, email, userId }) => [id, email ?? userId]));
  return {
    model,
    base,
    seats: { bought, taken, price },
    total: base + price * (bought ?? taken),
    calls: items.map(({ memberId, used }) => ({ developer: emailOf.get(memberId) ?? memberId, used })),
  };
}
