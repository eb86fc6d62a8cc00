import { TenantryError } from '../../core/index.ts';
import type { AddOnDefinitions, PlanCatalogue, PlanDefinitions } from '../../plans/index.ts';
import { readCurrency } from '../money/currency.ts';
import type { Interval } from '../provider/subscription.ts';
import type {
  Offer,
  OfferDefinition,
  PriceCatalogue,
  PriceDefinitions,
  PriceItem,
  SeatPriceDefinition,
} from './price-definitions.ts';
import { readAmounts } from './read-amounts.ts';
import { readCoupons } from './read-coupons.ts';

const intervals: readonly Interval[] = ['day', 'week', 'month', 'year'];

/**
 * Says what plans cost, and checks it. Each price gets a lookup key, such as `tenantry.team.seat.month`, under which a
 * provider has it in test and in live mode alike. Where a plan can be had in several currencies, each of its
 * parts needs an amount in each.
 *
 * @throws TenantryError `config_invalid` with the path of the first mistake, also for a plan, quota or add-on that there
 * is not, and for metered use of a quota whose plan does not say `overage: 'bill'`.
 *
 * @example
 * ```ts
 * import { definePrices } from 'tenantry/billing';
 * import { definePlans } from 'tenantry/plans';
 *
 * const plans = definePlans({
 *   free: { quotas: { calls: { amount: 50, per: 'month' } } },
 *   team: { quotas: { calls: { amount: 5_000, per: 'month', overage: 'bill' } } },
 * });
 * const prices = definePrices(plans, {
 *   plans: { team: { month: { base: 2_000, seat: 500, metered: { calls: '0.5' } } } },
 * });
 * prices.prices.map(({ lookupKey }) => lookupKey);
 * // ['tenantry.team.base.month', 'tenantry.team.seat.month', 'tenantry.team.metered.calls.month']
 * ```
 */
export function definePrices<const Definitions extends PlanDefinitions, const AddOns extends AddOnDefinitions>(
  plans: PlanCatalogue<Definitions, AddOns>,
  definitions: PriceDefinitions<Definitions>,
): PriceCatalogue {
  const currency = readCurrency('prices.currency', definitions.currency ?? 'usd');
  const prefix = definitions.prefix ?? 'tenantry';
  if (!/^[a-z][a-z0-9_-]{0,29}$/i.test(prefix)) refuse('prices.prefix', 'must be a short name of letters and digits');
  const place: Place = { plans, prefix, currency };
  const offers: Offer[] = [];
  for (const [plan, byInterval] of Object.entries(definitions.plans)) {
    const path = `prices.plans.${plan}`;
    if (!Object.hasOwn(plans.plans, plan)) refuse(path, `is no plan (known: ${Object.keys(plans.plans).join(', ')})`);
    for (const [interval, offer] of readIntervals<OfferDefinition>(path, byInterval)) {
      offers.push(offerOf(place, `${path}.${interval}`, { plan, interval, offer }));
    }
  }
  const prices = [...offers.flatMap((offer) => offer.prices), ...addOnItems(place, definitions.addOns ?? {})];
  const coupons = readCoupons(definitions.coupons ?? {}, currency);
  return Object.freeze({
    prefix,
    currency,
    currencies: Object.freeze([...new Set(prices.flatMap(({ amounts }) => Object.keys(amounts)))]),
    prices: Object.freeze(prices),
    offers: Object.freeze(offers),
    coupons,
    plans,
  });
}

interface Place {
  readonly plans: PlanCatalogue;
  readonly prefix: string;
  readonly currency: string;
}

function offerOf(
  { plans, prefix, currency }: Place,
  path: string,
  { plan, interval, offer }: { readonly plan: string; readonly interval: Interval; readonly offer: OfferDefinition },
): Offer {
  const { base, seat, metered = {} } = offer;
  const stem = `${prefix}.${plan}`;
  const shared = { ...plain, plan, interval };
  const drafts: Draft[] = [];
  const title = titleOf(plan);
  if (base !== undefined) {
    const agreed = base === 'agreed';
    const amounts = agreed ? {} : readAmounts(`${path}.base`, base, currency, false);
    drafts.push({ ...shared, per: 'tenant', lookupKey: `${stem}.base`, productName: title, amounts, agreed });
  }
  if (seat !== undefined) {
    const { amount, included = 0, counts = 'taken' } = readSeat(seat);
    if (!Number.isInteger(included) || included < 0) refuse(`${path}.seat.included`, 'must be a whole number from 0');
    if (counts !== 'taken' && counts !== 'bought') refuse(`${path}.seat.counts`, "must be 'taken' or 'bought'");
    const amounts = readAmounts(`${path}.seat`, amount, currency, false);
    const own = { included, counts, lookupKey: `${stem}.seat`, productName: `${title}: seats`, amounts };
    drafts.push({ ...shared, per: 'seat', ...own });
  }
  for (const [quota, price] of Object.entries(metered)) {
    if (price === undefined) continue;
    const at = `${path}.metered.${quota}`;
    checkBilled(at, plans, plan, quota);
    const amounts = readAmounts(at, price, currency, true);
    const names = { quota, meter: `${prefix}_${quota}`.replaceAll(/[^a-z0-9_]/gi, '_') };
    const own = { ...names, lookupKey: `${stem}.metered.${quota}`, productName: `${title}: ${quota}`, amounts };
    drafts.push({ ...shared, per: 'usage', ...own });
  }
  const [first] = drafts;
  if (first === undefined) refuse(path, 'must have a base, a seat or metered use');
  // What is agreed with each customer is agreed in whatever currency the rest has.
  const priced = drafts.filter(({ agreed }) => !agreed);
  const main = priced[0] ?? first;
  const currencies = Object.keys(main.amounts);
  for (const { amounts, per } of priced) {
    for (const name of currencies)
      if (amounts[name] === undefined) refuse(path, `${wordOf[per]} has no price in ${name}`);
    for (const name of Object.keys(amounts)) {
      if (main.amounts[name] === undefined) refuse(path, `${wordOf[main.per]} has no price in ${name}`);
    }
  }
  const trialDays = plans.plans[plan]?.trialDays ?? 0;
  return { plan, interval, currencies, trialDays, prices: drafts.map(finish) };
}

function addOnItems({ plans, prefix, currency }: Place, addOns: NonNullable<PriceDefinitions['addOns']>): PriceItem[] {
  return Object.entries(addOns).flatMap(([name, byInterval]) => {
    const path = `prices.addOns.${name}`;
    if (!Object.hasOwn(plans.addOns, name)) refuse(path, 'is no add-on of the plans');
    return readIntervals(path, byInterval).map(([interval, amount]) => {
      const names = { lookupKey: `${prefix}.add-on.${name}`, productName: titleOf(name), addOn: name };
      const amounts = readAmounts(`${path}.${interval}`, amount, currency, false);
      return finish({ ...plain, ...names, per: 'tenant', interval, amounts });
    });
  });
}

/** What all prices are but for what is said of them. */
const plain = {
  plan: null,
  addOn: null,
  quota: null,
  meter: null,
  intervalCount: 1,
  included: 0,
  counts: 'taken',
  agreed: false,
} as const;

const wordOf = { tenant: 'base', seat: 'seat', usage: 'metered' } as const;

type Draft = Omit<PriceItem, 'productId'>;

function finish(draft: Draft): PriceItem {
  const productId = draft.lookupKey.replaceAll(/[^a-z0-9_-]/gi, '_');
  return Object.freeze({ ...draft, productId, lookupKey: `${draft.lookupKey}.${draft.interval}` });
}

function readSeat(seat: NonNullable<OfferDefinition['seat']>): SeatPriceDefinition {
  return typeof seat === 'object' && isSeat(seat) ? seat : { amount: seat };
}

function isSeat(seat: object): seat is SeatPriceDefinition {
  return 'amount' in seat;
}

/** What a plan bills beyond must be billed by the plan, or its price would never be asked for. */
function checkBilled(path: string, { plans, meters }: PlanCatalogue, plan: string, quota: string): void {
  if (meters[quota] !== 'quota') refuse(path, 'is no quota of the plans');
  const definition = plans[plan]?.quotas?.[quota];
  if (definition?.overage === 'bill') return;
  refuse(path, `plan "${plan}" does not bill it: say overage: 'bill' there`);
}

function readIntervals<Value>(path: string, value: Partial<Record<Interval, Value>> | undefined): [Interval, Value][] {
  const given = Object.keys(value ?? {});
  const unknown = given.find((name) => !intervals.some((interval) => interval === name));
  if (unknown !== undefined) refuse(`${path}.${unknown}`, `is no interval (${intervals.join(', ')})`);
  const found = intervals.flatMap((interval): [Interval, Value][] => {
    const one = value?.[interval];
    return one === undefined ? [] : [[interval, one]];
  });
  if (found.length === 0) refuse(path, `must say what it costs per ${intervals.join(', ')}`);
  return found;
}

function titleOf(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

function refuse(path: string, problem: string): never {
  throw new TenantryError('config_invalid', { path, problem });
}
