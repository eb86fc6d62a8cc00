import type { StoredStep } from './store.ts';
import type { TransitionStep } from './transition.ts';

/**
 * Tells whether a plan goes on with what stands under its name: with the same plan, or with one that was made anew after a
 * part of it was done, in which ends and refunds may be others.
 */
export function goesOn(stored: readonly StoredStep[], steps: readonly TransitionStep[]): boolean {
  return steps.every((step) =>
    stored.some(({ step: there }) => {
      if (step.do === 'refund') return there.tenantId === step.tenantId;
      if (there.id !== step.id) return false;
      if (step.do === 'end') return there.do === 'end';
      if (there.do !== 'change' && there.do !== 'subscribe') return false;
      return there.plan === step.plan && there.interval === step.interval && there.currency === step.currency;
    }),
  );
}
