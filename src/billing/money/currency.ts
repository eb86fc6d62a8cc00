import { TenantryError } from '../../core/index.ts';

/** How amounts of a currency are written. */
export interface CurrencyRule {
  /** How many digits of an amount in minor units stand behind the point: 2 for `usd`, 0 for `jpy`. */
  readonly digits: number;
  /** Amounts that are charged are multiples of it: 100 for `isk`, which has no smaller coin, 10 for `kwd`, 1 for most. */
  readonly step: number;
}

/*
 * Stripe's own table (docs.stripe.com/currencies), not that of Intl: Intl has no digits for HUF, which Stripe counts in
 * hundredths, and two for ones that Stripe counts whole.
 */
const whole = ['bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga', 'pyg', 'rwf', 'vnd', 'vuv', 'xaf', 'xof', 'xpf'];
/** Without coins by now, and still written in hundredths. */
const wholeInHundredths = ['isk', 'ugx'];
/** Thousandths, of which the last digit must be 0. */
const thousandths = ['bhd', 'jod', 'kwd', 'omr', 'tnd'];

const rules: ReadonlyMap<string, CurrencyRule> = new Map<string, CurrencyRule>([
  ...whole.map((currency) => [currency, { digits: 0, step: 1 }] as const),
  ...wholeInHundredths.map((currency) => [currency, { digits: 2, step: 100 }] as const),
  ...thousandths.map((currency) => [currency, { digits: 3, step: 10 }] as const),
]);

/**
 * Reads a currency: three letters of ISO 4217, in the lower case in which Stripe writes them.
 *
 * @throws TenantryError `config_invalid` with the path for what is none.
 */
export function readCurrency(path: string, currency: unknown): string {
  const text = typeof currency === 'string' ? currency.toLowerCase() : '';
  if (/^[a-z]{3}$/.test(text)) return text;
  throw new TenantryError('config_invalid', { path, problem: 'must be a currency of three letters, such as "usd"' });
}

/**
 * How amounts of a currency are written at Stripe: in hundredths, but for the ones in its table.
 *
 * @example
 * ```ts
 * import { currencyRule } from 'tenantry/billing';
 *
 * currencyRule('usd'); // { digits: 2, step: 1 }
 * currencyRule('JPY'); // { digits: 0, step: 1 }
 * currencyRule('huf'); // { digits: 2, step: 1 }
 * currencyRule('ugx'); // { digits: 2, step: 100 }
 * ```
 */
export function currencyRule(currency: string): CurrencyRule {
  return rules.get(currency.toLowerCase()) ?? { digits: 2, step: 1 };
}
