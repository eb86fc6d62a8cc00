import { definePlans } from '../../src/plans/index.ts';

/** Plans of the tests that race processes against each other. */
export const quotaCatalogue = definePlans({
  standard: { quotas: { calls: { amount: 1000, per: 'once' } } },
  small: { quotas: { calls: { amount: 500, per: 'once' } } },
  large: { quotas: { calls: { amount: 1_000_000, per: 'once' } } },
});
