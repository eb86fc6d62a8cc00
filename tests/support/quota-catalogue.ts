import { definePlans } from '../../src/plans/index.ts';

/** Plans of the tests that race processes against each other. */
export const quotaCatalogue = definePlans({
  standard: { quotas: { calls: { amount: 1000, per: 'once' } } },
  small: { quotas: { calls: { amount: 500, per: 'once' } } },
  // Named by what they give.
  ...Object.fromEntries(
    [1, 10, 100, 1000, 10_000, 100_000].map(
      (amount) => [`upTo${amount}`, { quotas: { calls: { amount, per: 'once' } } }] as const,
    ),
  ),
  large: { quotas: { calls: { amount: 1_000_000, per: 'once' } } },
});
