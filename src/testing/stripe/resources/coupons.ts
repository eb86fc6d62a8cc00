import { day } from '../billing/periods.ts';
import type { WantedDiscount } from '../billing/redeem.ts';
import { atPath, named } from '../look-up.ts';
import { pageOf, pageParams } from '../paginate.ts';
import type { Params } from '../params.ts';
import { isRedeemable, isUsable } from '../present/catalogue.ts';
import { present } from '../present.ts';
import { invalid, missing } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { CouponRow, PromotionCodeRow } from '../rows.ts';
import type { World } from '../world.ts';

export const couponRoutes: Routes = {
  Coupons_create: {
    takes:
      'id amount_off applies_to currency currency_options duration duration_in_months max_redemptions metadata name percent_off redeem_by',
    run({ world, params }) {
      const percent = params.number('percent_off') ?? null;
      const amount = params.number('amount_off') ?? null;
      if ((percent === null) === (amount === null)) {
        throw invalid('You must pass exactly one of percent_off or amount_off.', { param: 'percent_off' });
      }
      if (amount !== null && !params.has('currency')) {
        throw invalid('You must pass currency when passing amount_off.', { param: 'currency' });
      }
      const duration = params.text('duration') ?? 'once';
      const months = params.number('duration_in_months') ?? null;
      if ((duration === 'repeating') !== (months !== null)) {
        throw invalid('duration_in_months goes with a repeating coupon.', { param: 'duration_in_months' });
      }
      const redeemBy = params.number('redeem_by') ?? null;
      if (redeemBy !== null && (redeemBy <= world.now || redeemBy > world.now + 5 * 366 * day)) {
        throw invalid('redeem_by must lie in the future, and not more than 5 years ahead.', { param: 'redeem_by' });
      }
      const id = params.text('id') ?? world.id('co').slice(3, 11);
      if (world.coupons.has(id)) {
        throw invalid('Coupon already exists.', { code: 'resource_already_exists', param: 'id' });
      }
      const row: CouponRow = {
        id,
        object: 'coupon',
        created: world.now,
        metadata: params.metadata(),
        amount_off: amount,
        applies_to: params.hash('applies_to')?.texts('products') ?? null,
        currency: params.text('currency') ?? null,
        amounts_off: amountsOff(params, amount),
        deleted: false,
        duration: duration === 'forever' || duration === 'repeating' ? duration : 'once',
        duration_in_months: months,
        max_redemptions: params.number('max_redemptions') ?? null,
        name: params.text('name') ?? null,
        percent_off: percent,
        redeem_by: redeemBy,
        times_redeemed: 0,
      };
      world.coupons.set(id, row);
      world.tell('coupon.created', row);
      return present(world, row);
    },
  },
  Coupons_retrieve: { takes: '', run: ({ world, id }) => present(world, couponAt(world, id())) },
  Coupons_update: {
    takes: 'metadata name',
    run({ world, params, id }) {
      const row = couponAt(world, id());
      world.change('coupon.updated', row, (kept) => {
        kept.metadata = params.metadata(kept.metadata);
        const name = params.textOrNull('name');
        if (name !== undefined) kept.name = name;
      });
      return present(world, row);
    },
  },
  Coupons_del: {
    takes: '',
    run({ world, id }) {
      const row = couponAt(world, id());
      row.deleted = true;
      world.tell('coupon.deleted', row);
      return { id: row.id, object: 'coupon', deleted: true };
    },
  },
  Coupons_list: {
    takes: `${pageParams} created`,
    run: ({ world, params }) =>
      pageOf(
        world,
        params,
        '/v1/coupons',
        [...world.coupons.values()].filter((row) => !row.deleted),
      ),
  },
  PromotionCodes_create: {
    takes: 'active code customer expires_at max_redemptions metadata promotion restrictions',
    run({ world, params }) {
      const coupon = params.hash('promotion')?.text('coupon') ?? '';
      couponNamed(world, coupon, 'promotion[coupon]');
      const code = params.text('code') ?? world.id('p').slice(2, 10).toUpperCase();
      for (const other of world.promotionCodes.values()) {
        if (isUsable(world, other) && other.code.toLowerCase() === code.toLowerCase()) {
          throw invalid(`An active promotion code with \`code: ${code}\` already exists.`, { param: 'code' });
        }
      }
      const customer = params.text('customer') ?? null;
      if (customer !== null) named(world.customers, customer, 'customer', 'customer');
      const row: PromotionCodeRow = {
        id: world.id('promo'),
        object: 'promotion_code',
        created: world.now,
        metadata: params.metadata(),
        active: params.flag('active') ?? true,
        code,
        coupon,
        customer,
        expires_at: params.number('expires_at') ?? null,
        first_time_transaction: params.hash('restrictions')?.flag('first_time_transaction') ?? false,
        max_redemptions: params.number('max_redemptions') ?? null,
        times_redeemed: 0,
      };
      world.promotionCodes.set(row.id, row);
      world.tell('promotion_code.created', row);
      return present(world, row);
    },
  },
  PromotionCodes_retrieve: {
    takes: '',
    run: ({ world, id }) => present(world, atPath(world.promotionCodes, id(), 'promotion code')),
  },
  PromotionCodes_update: {
    takes: 'active metadata',
    run({ world, params, id }) {
      const row = atPath(world.promotionCodes, id(), 'promotion code');
      world.change('promotion_code.updated', row, (kept) => {
        kept.active = params.flag('active') ?? kept.active;
        kept.metadata = params.metadata(kept.metadata);
      });
      return present(world, row);
    },
  },
  PromotionCodes_list: {
    takes: `${pageParams} active code coupon created customer`,
    run({ world, params }) {
      const active = params.flag('active');
      const [code, coupon, customer] = [params.text('code'), params.text('coupon'), params.text('customer')];
      const rows = [...world.promotionCodes.values()].filter(
        (row) =>
          (active === undefined || isUsable(world, row) === active) &&
          (code === undefined || row.code.toLowerCase() === code.toLowerCase()) &&
          (coupon === undefined || row.coupon === coupon) &&
          (customer === undefined || row.customer === customer),
      );
      return pageOf(world, params, '/v1/promotion_codes', rows);
    },
  },
};

/** For whom and for what a discount is asked. */
interface DiscountUse {
  readonly customer: string | null;
  /** What is paid in; null where nothing is paid. */
  readonly currency: string | null;
}

/** Reads and checks the discounts of a request: coupons by id, promotion codes by id. */
export function readDiscounts(
  world: World,
  list: readonly Params[] | undefined,
  { customer, currency }: DiscountUse,
): readonly WantedDiscount[] {
  return (list ?? []).flatMap((entry, index): WantedDiscount[] => {
    const kept = entry.text('discount');
    if (kept !== undefined) {
      const discount = named(world.discounts, kept, 'discount', `discounts[${index}][discount]`);
      return [{ coupon: discount.coupon, promotion: discount.promotion_code, kept }];
    }
    const promotion = entry.text('promotion_code');
    if (promotion !== undefined) {
      const code = named(world.promotionCodes, promotion, 'promotion code', `discounts[${index}][promotion_code]`);
      if (!isUsable(world, code) || (code.customer !== null && code.customer !== customer)) {
        throw invalid('This promotion code cannot be redeemed.', {
          code: 'promotion_code_expired',
          param: `discounts[${index}][promotion_code]`,
        });
      }
      checkCurrency(world, code.coupon, currency, `discounts[${index}][promotion_code]`);
      return [{ coupon: code.coupon, promotion }];
    }
    const coupon = entry.text('coupon');
    if (coupon === undefined) return [];
    couponNamed(world, coupon, `discounts[${index}][coupon]`);
    checkCurrency(world, coupon, currency, `discounts[${index}][coupon]`);
    return [{ coupon, promotion: null }];
  });
}

/** What is taken off in one currency comes off nothing in another. */
function checkCurrency(world: World, id: string, currency: string | null, param: string): void {
  const { amount_off: amount, amounts_off: amounts } = couponAt(world, id);
  if (amount === null || currency === null || Object.hasOwn(amounts, currency)) return;
  throw invalid(`The coupon ${id} takes nothing off in ${currency}: it is of ${Object.keys(amounts).join(', ')}.`, {
    param,
  });
}

/** What a coupon takes off, by currency. */
function amountsOff(params: Params, amount: number | null): Record<string, number> {
  const options = params.hash('currency_options');
  const others = (options?.names ?? []).map((name) => [name, options?.hash(name)?.number('amount_off') ?? 0] as const);
  if (amount === null && others.length > 0) {
    throw invalid('You may only specify currency_options with amount_off.', { param: 'currency_options' });
  }
  return { ...Object.fromEntries(others), ...(amount !== null && { [params.need('currency')]: amount }) };
}

function couponAt(world: World, id: string): CouponRow {
  const row = atPath(world.coupons, id, 'coupon', 'coupon');
  if (row.deleted) throw missing('coupon', id, 'coupon');
  return row;
}

function couponNamed(world: World, id: string, param: string): CouponRow {
  const row = named(world.coupons, id, 'coupon', param);
  if (row.deleted) throw invalid(`No such coupon: '${id}'`, { code: 'resource_missing', param });
  if (!isRedeemable(world, row)) throw invalid(`Coupon expired: ${id}`, { code: 'coupon_expired', param });
  return row;
}
