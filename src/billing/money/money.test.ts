import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTenantryError } from '../../core/index.ts';
import { currencyRule } from './currency.ts';
import { decimalOf, formatMoney, moneyOf } from './money.ts';

const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return isTenantryError(error) ? error.code : error;
  }
};

describe('money', () => {
  it('is written by the table of Stripe, which is not that of Intl', () => {
    const digits = (currency: string) => currencyRule(currency).digits;
    expect(['usd', 'EUR', 'jpy', 'huf', 'twd', 'isk', 'ugx', 'kwd', 'clp', 'mga'].map(digits)).toEqual([
      2, 2, 0, 2, 2, 2, 2, 3, 0, 0,
    ]);
    expect(decimalOf({ amount: 39_999, currency: 'usd' })).toBe('399.99');
    expect(decimalOf({ amount: -5, currency: 'usd' })).toBe('-0.05');
    expect(decimalOf({ amount: 500, currency: 'jpy' })).toBe('500');
    expect(decimalOf({ amount: 5_120, currency: 'kwd' })).toBe('5.120');
    expect(formatMoney({ amount: 39_999, currency: 'usd' })).toBe('$399.99');
    expect(formatMoney({ amount: 500, currency: 'jpy' })).toBe('¥500');
    // Intl alone would write 1,000 hundredths of a forint as 10 without them, and krona with two digits.
    expect(formatMoney({ amount: 1_050, currency: 'huf' }).replace('\u00a0', ' ')).toBe('HUF 10.50');
    expect(formatMoney({ amount: 500, currency: 'isk' }).replace('\u00a0', ' ')).toBe('ISK 5');
  });

  it('is read without rounding, and refused where there are no such coins', () => {
    expect(moneyOf('399.99', 'USD')).toEqual({ amount: 39_999, currency: 'usd' });
    expect(moneyOf('399.9900', 'usd').amount).toBe(39_999);
    expect(moneyOf('500', 'jpy').amount).toBe(500);
    expect(moneyOf('-0', 'usd').amount).toBe(0);
    for (const [text, currency] of [
      ['399.999', 'usd'],
      ['500.5', 'jpy'],
      ['5.5', 'ugx'],
      ['5.124', 'kwd'],
      ['1e5', 'usd'],
      ['', 'usd'],
      ['9999999999999999', 'usd'],
      ['NaN', 'usd'],
    ] as const) {
      expect(codeOf(() => moneyOf(text, currency))).toBe('amount_invalid');
    }
    expect(codeOf(() => decimalOf({ amount: 0.5, currency: 'usd' }))).toBe('amount_invalid');
  });

  it('comes back as it was from the text that it was written as', () => {
    const currency = fc.constantFrom('usd', 'jpy', 'kwd', 'huf', 'isk', 'twd');
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), currency, (units, name) => {
        const amount = units * currencyRule(name).step;
        expect(moneyOf(decimalOf({ amount, currency: name }), name)).toEqual({
          amount: amount === 0 ? 0 : amount,
          currency: name,
        });
      }),
    );
  });
});
