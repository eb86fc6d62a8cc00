import type { Kysely } from 'kysely';
import { type Platform, platformDatabase } from './application.ts';
import type { TherapyDatabase } from './legacy-schema.ts';

/**
 * Grants what is left on the vouchers that the practice sold, and counts the voucher types that are on sale against the
 * limit of the plan. What was taken in stays as it is, so it can be run again. Gives how many vouchers there are.
 */
export async function takeVouchersIn({ plans }: Platform, db: Kysely<TherapyDatabase>): Promise<number> {
  const after = platformDatabase(db);
  const vouchers = await after
    .selectFrom('vouchers')
    .select(['id', 'organization_id', 'client_id', 'total_sessions', 'used_sessions', 'valid_until'])
    .where('status', '=', 'active')
    .whereRef('used_sessions', '<', 'total_sessions')
    .where((eb) => eb.or([eb('valid_until', 'is', null), eb('valid_until', '>', new Date())]))
    .orderBy('id')
    .execute();
  for (const { id, organization_id: organization, ...voucher } of vouchers) {
    await plans.grants.add(organization, 'sessions', {
      amount: voucher.total_sessions - voucher.used_sessions,
      ...(voucher.valid_until !== null && { expiresAt: voucher.valid_until }),
      idempotencyKey: `voucher ${id}`,
      metadata: { voucherId: id, clientId: voucher.client_id },
    });
  }
  const onSale = after.selectFrom('voucher_types').select(['id', 'organization_id']).where('is_active', '=', true);
  for (const { id, organization_id: organization } of await onSale.orderBy('id').execute()) {
    await plans.resources.occupy(organization, 'voucherTypes', String(id));
  }
  return vouchers.length;
}
