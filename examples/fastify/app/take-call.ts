import type { Outcome } from './data.ts';
import type { Receptionist, ReceptionistAccess } from './receptionist.ts';
import { notFound } from './site.ts';

/** A call that a bot took. */
export interface NewCall {
  readonly botId: string;
  readonly caller: string;
  readonly seconds: number;
  readonly outcome: Outcome;
  readonly orderCents: number;
}

/**
 * Takes a call: counts it against the plan, stores it and tells the customer's webhooks, all or nothing.
 *
 * @throws TenantryError `quota_exceeded`; the answer 404 for a bot that is not there, or another's.
 */
export async function takeCall(
  { webhooks }: Pick<Receptionist, 'webhooks'>,
  access: ReceptionistAccess,
  call: NewCall,
): Promise<string> {
  const tenantId = access.tenant.id;
  const id = crypto.randomUUID();
  const { botId, caller, seconds, outcome, orderCents } = call;
  await access.transaction(async (tx) => {
    // The tenant is not said here: the transaction writes it, and sees no other's bots.
    const bot = await tx.selectFrom('bots').select('id').where('id', '=', botId).executeTakeFirst();
    if (bot === undefined) throw notFound();
    await access.consume('calls', 1, { db: tx });
    const row = { id, bot_id: botId, caller, seconds, outcome, order_cents: orderCents, started_at: new Date() };
    await tx.insertInto('calls').values(row).execute();
    const data = { callId: id, botId, caller, seconds, outcome };
    await webhooks.publish({ tenantId, type: 'call.completed', data }, { db: tx });
  });
  return id;
}
