import { found, refusal } from '../refusal.ts';
import type { BookingRules, Platform, PlatformTransaction } from './application.ts';

const days = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

/** Whether sessions may begin at a moment, by the rules of a voucher type; times are those of UTC. */
function mayBegin(rules: BookingRules, at: Date): boolean {
  const day = rules[days[at.getUTCDay()] ?? ''];
  const time = at.toISOString().slice(11, 16);
  // Without rules any time will do; with rules, a day that they do not name is closed.
  if (day === undefined) return Object.keys(rules).length === 0;
  return day.enabled && time >= (day.start_time ?? '00:00') && time < (day.end_time ?? '24:00');
}

/**
 * Books a session on a client's voucher: one unit of what the organization's vouchers granted, of those that end first. The
 * voucher, the session and the unit are written together or not at all.
 */
export async function book(
  platform: Platform,
  organization: string,
  booking: { readonly client: number; readonly voucher: number; readonly startsAt: Date },
  consume: (tx: { readonly db: PlatformTransaction }) => Promise<unknown>,
) {
  const { client, voucher: id, startsAt } = booking;
  return platform.tenancy.transaction(organization, async (tx) => {
    const voucher = found(
      await tx
        .selectFrom('vouchers')
        .leftJoin('voucher_types', 'voucher_types.id', 'vouchers.voucher_type_id')
        .where('vouchers.id', '=', id)
        .where('vouchers.client_id', '=', client)
        .select(['vouchers.status', 'vouchers.valid_until', 'vouchers.total_sessions', 'vouchers.therapist_id'])
        .select([
          'voucher_types.backup_sessions',
          'voucher_types.booking_rules',
          'voucher_types.session_duration_minutes',
        ])
        .executeTakeFirst(),
      'voucher',
    );
    const { valid_until: until, booking_rules: rules, session_duration_minutes: minutes } = voucher;
    if (!(startsAt > new Date())) throw refusal(400, 'starts_at must be a moment to come');
    if (voucher.status !== 'active') throw refusal(409, `the voucher is ${voucher.status}`);
    if (until !== null && startsAt > until) throw refusal(409, 'the voucher is not valid any more by then');
    if (!mayBegin(rules ?? {}, startsAt)) throw refusal(409, 'no session begins at that time');
    const most = voucher.total_sessions + (voucher.backup_sessions ?? 0);
    const used = await tx
      .updateTable('vouchers')
      .set((eb) => ({ used_sessions: eb('used_sessions', '+', 1) }))
      .where('id', '=', id)
      .where('used_sessions', '<', most)
      .returning('used_sessions')
      .executeTakeFirst();
    if (used === undefined) throw refusal(409, 'all sessions of the voucher are used');
    await consume({ db: tx });
    const session = await tx
      .insertInto('therapy_sessions')
      .values({
        organization_id: organization,
        voucher_id: id,
        therapist_id: voucher.therapist_id,
        starts_at: startsAt,
        duration_minutes: minutes ?? 60,
        notes: null,
      })
      .returning(['id', 'starts_at', 'status'])
      .executeTakeFirstOrThrow();
    return { ...session, left: most - used.used_sessions };
  });
}
