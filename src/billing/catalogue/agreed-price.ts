import { checkMinor } from '../money/money.ts';
import type { BookPrice } from '../price-book.ts';
import type { ProviderPrice } from '../provider/price.ts';
import type { BillingProvider } from '../provider.ts';
import type { PriceItem } from './price-definitions.ts';

/** What was agreed: whole minor units per interval. */
export interface AgreedAmount {
  readonly amount: number;
  readonly currency: string;
}

/**
 * The price at the provider for what was agreed with a customer; it is made where nobody agreed to that amount before. It
 * is sold as the price of the list, so that who has it has the plan.
 *
 * @throws TenantryError `amount_invalid`.
 */
export async function agreedPrice(
  { prices }: Pick<BillingProvider, 'prices'>,
  price: BookPrice & Partial<Pick<PriceItem, 'productId' | 'productName'>>,
  { amount, currency }: AgreedAmount,
): Promise<ProviderPrice> {
  checkMinor(amount);
  const { lookupKey: soldAs, productId = soldAs, productName, interval, intervalCount } = price;
  const lookupKey = `${soldAs}@${amount}${currency}`;
  const [found] = await prices.byLookupKeys([lookupKey]);
  if (found !== undefined) return found;
  const nickname = productName === undefined ? {} : { nickname: productName };
  const wanted = { productId, lookupKey, soldAs, interval, intervalCount, amounts: { [currency]: String(amount) } };
  const call = { idempotencyKey: `catalogue agreed ${lookupKey}` };
  return prices.create({ ...wanted, ...nickname, transferLookupKey: false }, call);
}
