import { TenantryError } from '../../core/index.ts';
import { currencyRule } from './currency.ts';

/** An amount of money: a whole number of minor units, such as cents, and the currency in lower case. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

/**
 * Writes an amount of minor units as a decimal text, by Stripe's table of currencies. Nothing is rounded.
 *
 * @throws TenantryError `amount_invalid` for what is no whole number.
 *
 * @example
 * ```ts
 * import { decimalOf } from 'tenantry/billing';
 *
 * decimalOf({ amount: 39_999, currency: 'usd' }); // '399.99'
 * decimalOf({ amount: 500, currency: 'jpy' }); // '500'
 * ```
 */
export function decimalOf({ amount, currency }: Money): string {
  checkMinor(amount);
  const { digits } = currencyRule(currency);
  const text = String(Math.abs(amount)).padStart(digits + 1, '0');
  const sign = amount < 0 ? '-' : '';
  return digits === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/**
 * Reads a decimal text such as `'399.99'` as minor units. A text with more digits than the currency has is refused, and
 * so is an amount that cannot be charged in it; nothing is rounded.
 *
 * @throws TenantryError `amount_invalid`.
 *
 * @example
 * ```ts
 * import { moneyOf } from 'tenantry/billing';
 *
 * moneyOf('399.99', 'usd'); // { amount: 39999, currency: 'usd' }
 * moneyOf('1200', 'jpy'); // { amount: 1200, currency: 'jpy' }
 * ```
 */
export function moneyOf(decimal: string, currency: string): Money {
  const { digits, step } = currencyRule(currency);
  const found = /^(-?)(\d{1,15})(?:\.(\d+))?$/.exec(decimal);
  const rest = (found?.[3] ?? '').replace(/0+$/, '');
  if (found === null || rest.length > digits) {
    throw new TenantryError('amount_invalid', {
      amount: String(decimal).slice(0, 40),
      problem: `must be a number with at most ${digits} digits behind the point in ${currency}`,
    });
  }
  const size = Number(`${found[2]}${rest.padEnd(digits, '0')}`);
  const amount = found[1] === '-' && size !== 0 ? -size : size;
  checkMinor(amount);
  if (amount % step !== 0) {
    throw new TenantryError('amount_invalid', {
      amount: decimal,
      problem: `is no amount that ${currency} has coins for`,
    });
  }
  return { amount, currency: currency.toLowerCase() };
}

/**
 * Writes an amount for people, in their language.
 *
 * @throws TenantryError `amount_invalid` for what is no whole number.
 *
 * @example
 * ```ts
 * import { formatMoney } from 'tenantry/billing';
 *
 * formatMoney({ amount: 39_999, currency: 'usd' }); // '$399.99'
 * formatMoney({ amount: 500, currency: 'jpy' }); // '¥500'
 * ```
 */
export function formatMoney(money: Money, locale = 'en-US'): string {
  const { digits, step } = currencyRule(money.currency);
  const shown = step === 100 ? 0 : digits;
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: money.currency.toUpperCase(),
    minimumFractionDigits: shown,
    maximumFractionDigits: shown,
  });
  checkMinor(money.amount);
  return format.format(money.amount / 10 ** digits);
}

/** Refuses what is no whole number of minor units. */
export function checkMinor(amount: unknown): asserts amount is number {
  if (Number.isSafeInteger(amount)) return;
  throw new TenantryError('amount_invalid', {
    amount: String(amount).slice(0, 40),
    problem: 'must be a whole number of minor units, such as cents',
  });
}
