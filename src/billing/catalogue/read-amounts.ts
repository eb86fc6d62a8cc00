import { TenantryError } from '../../core/index.ts';
import { currencyRule, readCurrency } from '../money/currency.ts';
import type { UnitPrice } from './price-definitions.ts';

/**
 * Reads a price as decimal texts of minor units, by currency.
 *
 * @param parts Whether parts of a minor unit are allowed.
 * @throws TenantryError `config_invalid` with the path.
 */
export function readAmounts(
  path: string,
  price: UnitPrice,
  currency: string,
  parts: boolean,
): Readonly<Record<string, string>> {
  const given = typeof price === 'object' && price !== null ? Object.entries(price) : [[currency, price] as const];
  if (given.length === 0) refuse(path, 'must have an amount');
  const amounts = given.map(([name, value]) => {
    const at = given.length > 1 ? `${path}.${name}` : path;
    const inCurrency = readCurrency(at, name);
    return [inCurrency, readAmount(at, value, inCurrency, parts)] as const;
  });
  // The list's own currency is the main one of the price.
  const own = amounts.filter(([name]) => name === currency);
  return Object.fromEntries([...own, ...amounts.filter(([name]) => name !== currency)]);
}

function readAmount(path: string, value: unknown, currency: string, parts: boolean): string {
  const { step } = currencyRule(currency);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) {
    if (parts || value % step === 0) return String(value);
    refuse(path, `must be a multiple of ${step} in ${currency}`);
  }
  // Twelve digits behind the point are what Stripe takes.
  if (parts && typeof value === 'string' && /^\d{1,12}(\.\d{1,12})?$/.test(value)) {
    return value
      .replace(/^0+(?=\d)/, '')
      .replace(/(\.\d*?)0+$/, '$1')
      .replace(/\.$/, '');
  }
  refuse(path, parts ? "must be minor units, such as 2 or '0.25'" : 'must be whole minor units from 0, such as 2900');
}

function refuse(path: string, problem: string): never {
  throw new TenantryError('config_invalid', { path, problem });
}
