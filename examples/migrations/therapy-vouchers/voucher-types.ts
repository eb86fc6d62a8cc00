import { TenantryError } from 'tenantry';
import { found, refusal } from '../refusal.ts';
import { bodyOf, oneOf, text, whole } from '../service.ts';
import type { BookingRules, PlatformTransaction } from './application.ts';
import type { Therapy } from './login.ts';

/** A voucher type as an owner writes it. */
export interface VoucherType {
  readonly name: string;
  readonly session_name: string;
  readonly description?: string;
  readonly total_sessions: number;
  readonly backup_sessions?: number;
  readonly session_duration_minutes: number;
  readonly max_clients_per_session?: number;
  readonly frequency: string;
  /** An amount of money, as text. */
  readonly price: string;
  readonly validity_days?: number;
  readonly booking_rules?: BookingRules;
}

const time = { type: 'string', pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' } as const;
const day = {
  type: 'object',
  additionalProperties: false,
  required: ['enabled'],
  properties: { enabled: { type: 'boolean' }, start_time: time, end_time: time },
} as const;
const week = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

const needed = {
  name: text(200),
  session_name: text(200),
  total_sessions: whole(1, 1000),
  session_duration_minutes: whole(1, 1440),
  frequency: oneOf('daily', 'weekly', 'biweekly', 'custom'),
  price: { type: 'string', pattern: '^\\d{1,7}\\.\\d{2}$' },
};
const others = {
  description: text(2000),
  backup_sessions: whole(0, 1000),
  max_clients_per_session: whole(1, 100),
  validity_days: whole(1, 3650),
  booking_rules: {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(week.map((name) => [name, day])),
  },
};

/** What is sent to make a voucher type, and to change one. */
export const voucherTypeBodies = {
  new: bodyOf(needed, others),
  change: bodyOf({}, { ...needed, ...others, is_active: { type: 'boolean' } }),
};

type Visitor = Awaited<ReturnType<Therapy['access']['authenticate']>>;

const rowOf = <Given extends Partial<VoucherType>>({ booking_rules: rules, ...given }: Given) => ({
  ...given,
  ...(rules !== undefined && { booking_rules: JSON.stringify(rules) }),
});

/** The voucher types of an organization, held to its plan. */
export function createVoucherTypes({ plans }: Therapy) {
  /** Several clients in a session are for plans that have group sessions. */
  async function checkGroups(access: Visitor, { max_clients_per_session: clients = 1 }: Partial<VoucherType>) {
    if (clients > 1) await access.requireFeature('group-sessions');
  }

  /** A type that is sold has a place on the plan. */
  async function takePlace(access: Visitor, id: number, tx: PlatformTransaction): Promise<void> {
    const counted = await plans.resources.occupy(access.tenant.id, 'voucherTypes', String(id), { db: tx });
    if (counted.ok) return;
    const { limit, used, requested } = counted;
    throw new TenantryError('limit_reached', { meter: 'voucherTypes', limit: Number(limit), used, requested });
  }

  const givePlace = (access: Visitor, id: number, tx: PlatformTransaction) =>
    plans.resources.vacate(access.tenant.id, 'voucherTypes', String(id), { db: tx });

  return {
    list: (access: Visitor) => access.db.selectFrom('voucher_types').selectAll().orderBy('id').execute(),

    async add(access: Visitor, type: VoucherType) {
      await checkGroups(access, type);
      return access.transaction(async (tx) => {
        const made = await tx
          .insertInto('voucher_types')
          .values({ description: null, deactivated_at: null, ...rowOf(type) })
          .onConflict((conflict) => conflict.columns(['organization_id', 'name']).doNothing())
          .returningAll()
          .executeTakeFirst();
        if (made === undefined) throw refusal(409, 'there is a voucher type of that name');
        await takePlace(access, made.id, tx);
        return made;
      });
    },

    async change(access: Visitor, id: number, change: Partial<VoucherType> & { readonly is_active?: boolean }) {
      await checkGroups(access, change);
      const ended = change.is_active === undefined ? {} : { deactivated_at: change.is_active ? null : new Date() };
      return access.transaction(async (tx) => {
        const rows = tx
          .updateTable('voucher_types')
          .set({ ...rowOf(change), ...ended })
          .where('id', '=', id);
        const type = found(await rows.returningAll().executeTakeFirst(), 'voucher type');
        if (change.is_active === true) await takePlace(access, id, tx);
        if (change.is_active === false) await givePlace(access, id, tx);
        return type;
      });
    },

    /** Deletes a voucher type; one of which vouchers were sold is taken off the list instead. */
    remove: (access: Visitor, id: number) =>
      access.transaction(async (tx) => {
        const type = tx.selectFrom('voucher_types').select('id').where('id', '=', id);
        found(await type.executeTakeFirst(), 'voucher type');
        const sold = await tx.selectFrom('vouchers').select('id').where('voucher_type_id', '=', id).executeTakeFirst();
        if (sold === undefined) await tx.deleteFrom('voucher_types').where('id', '=', id).execute();
        else
          await tx
            .updateTable('voucher_types')
            .set({ is_active: false, deactivated_at: new Date() })
            .where('id', '=', id)
            .execute();
        await givePlace(access, id, tx);
      }),
  };
}
