import type { StripeCalls } from './call-stripe.ts';
import { amountOf } from './read-subscription.ts';
import type { StripeClient } from './stripe-client.ts';

/** Tells what a price costs in a currency, in minor units; null where it has none. */
export type AmountIn = (priceId: string, currency: string) => Promise<string | null>;

/**
 * Makes what tells the amounts of prices in their other currencies. The items of a subscription show a price in its main
 * currency, whichever it is paid in, and lists go too deep for an expansion of the others. An amount never changes, so each
 * is asked for once.
 */
export function createAmountIn(stripe: StripeClient, calls: StripeCalls): AmountIn {
  const known = new Map<string, string>();
  return async (priceId, currency) => {
    const name = `${priceId} ${currency}`;
    const before = known.get(name);
    if (before !== undefined) return before;
    const price = await calls.maybe('prices.retrieve', 'price', () =>
      stripe.prices.retrieve(priceId, { expand: ['currency_options'] }),
    );
    const option = price?.currency_options?.[currency];
    const amount = option === undefined ? null : amountOf(option);
    if (amount !== null) known.set(name, amount);
    return amount;
  };
}
