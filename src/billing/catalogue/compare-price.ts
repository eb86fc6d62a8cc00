import type { BookPrice } from '../price-book.ts';
import type { ProviderMeter, ProviderPrice } from '../provider/price.ts';

/** What is wrong with a price, a coupon or a promotion code at the provider. */
export interface PriceProblem {
  /** The lookup key of a price, the id of a coupon, or the text of a promotion code. */
  readonly lookupKey: string;
  readonly problem:
    | 'missing'
    | 'inactive'
    | 'currency'
    | 'amount'
    | 'interval'
    | 'usage'
    | 'meter'
    | 'livemode'
    | 'coupon'
    | 'promotion-code';
  /** For people: what was expected, and what is there. */
  readonly detail: string;
}

/** Compares a price of the list with the one at the provider. Nothing is wrong where nothing is told. */
export function comparePrice(
  item: BookPrice,
  price: ProviderPrice | undefined,
  { livemode, meters }: { readonly livemode: boolean; readonly meters: readonly ProviderMeter[] },
): readonly PriceProblem[] {
  const { lookupKey, interval, intervalCount } = item;
  const metered = item.per === 'usage';
  const told = (problem: PriceProblem['problem'], detail: string): PriceProblem => ({ lookupKey, problem, detail });
  if (price === undefined) return [told('missing', `no price has the lookup key "${lookupKey}"`)];
  // What is in the wrong mode is another account's view altogether; the rest would only confuse.
  if (price.livemode !== livemode) {
    return [told('livemode', `expected ${modeOf(livemode)}, the price is in ${modeOf(price.livemode)}`)];
  }
  const problems: PriceProblem[] = [];
  if (!price.active) problems.push(told('inactive', 'the price was taken off sale'));
  if (price.metered !== metered) {
    problems.push(told('usage', `expected ${kindOf(metered)}, it is ${kindOf(price.metered)}`));
  }
  if (price.interval !== interval || price.intervalCount !== intervalCount) {
    problems.push(told('interval', `expected each ${interval}, it is each ${price.intervalCount} ${price.interval}`));
  }
  for (const [currency, wanted] of Object.entries(item.amounts)) {
    const found = price.amounts[currency];
    if (found === undefined) {
      problems.push(told('currency', `expected ${currency}, it has ${Object.keys(price.amounts).join(', ')}`));
    } else if (found === null || plainDecimal(found) !== plainDecimal(wanted)) {
      problems.push(told('amount', `expected ${wanted} ${currency}, it is ${found ?? 'in tiers'}`));
    }
  }
  if (metered && price.metered) {
    const meter = meters.find(({ id }) => id === price.meterId);
    if (meter === undefined || meter.eventName !== item.meter || !meter.active) {
      problems.push(told('meter', `expected an active meter "${item.meter}", it has ${meter?.eventName ?? 'another'}`));
    }
  }
  return problems;
}

/** A decimal text without zeros that say nothing. */
function plainDecimal(text: string): string {
  const [whole = '0', rest = ''] = text.split('.');
  const digits = rest.replace(/0+$/, '');
  return `${whole.replace(/^0+(?=\d)/, '')}${digits === '' ? '' : `.${digits}`}`;
}

function modeOf(livemode: boolean): string {
  return livemode ? 'live mode' : 'test mode';
}

function kindOf(metered: boolean): string {
  return metered ? 'metered' : 'licensed';
}
