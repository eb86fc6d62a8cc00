import type { CurrencyOption, PriceRow, Tier } from './rows.ts';

/** What a quantity of a price costs in a currency, in minor units. */
export function lineAmount(price: PriceRow, currency: string, quantity: number): number {
  const option = price.currency_options[currency];
  if (option === undefined) return 0;
  if (option.tiers !== null) return Math.round(tiered(option.tiers, price.tiers_mode ?? 'graduated', quantity));
  return Math.round(unitOf(option) * packs(price, quantity));
}

function packs({ transform_quantity: packing }: PriceRow, quantity: number): number {
  if (packing === null) return quantity;
  const exact = quantity / packing.divide_by;
  return packing.round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}

function unitOf(option: CurrencyOption | Tier): number {
  if (option.unit_amount_decimal !== null) return Number(option.unit_amount_decimal);
  return option.unit_amount ?? 0;
}

function tiered(tiers: readonly Tier[], mode: string, quantity: number): number {
  if (mode === 'volume') {
    const tier = tiers.find(({ up_to: last }) => last === null || quantity <= last);
    return tier === undefined ? 0 : unitOf(tier) * quantity + flatOf(tier);
  }
  let amount = 0;
  let before = 0;
  for (const tier of tiers) {
    if (quantity <= before && before > 0) break;
    const last = tier.up_to ?? Number.POSITIVE_INFINITY;
    const inside = Math.min(quantity, last) - before;
    if (inside > 0) amount += unitOf(tier) * inside;
    if (inside > 0 || before === 0) amount += flatOf(tier);
    before = last;
  }
  return amount;
}

function flatOf(tier: Tier): number {
  return tier.flat_amount_decimal !== null ? Number(tier.flat_amount_decimal) : (tier.flat_amount ?? 0);
}
