import type { StoredStep } from './store.ts';
import type { TransitionPlan, TransitionStep } from './transition.ts';

/**
 * Tells whether a plan goes on with what stands under its name: with the same plan, or with one that was made anew after a
 * part of it was done, in which ends and refunds may be others. What is not done yet must be in it: nothing is asked for
 * that it does not show.
 */
export function goesOn(
  stored: readonly StoredStep[],
  { steps, paying }: Pick<TransitionPlan, 'steps' | 'paying'>,
  /** Subscriptions that are over: a plan that was made anew has nothing to say of them. */
  over: ReadonlySet<string>,
): boolean {
  const known = steps.every((step) => stored.some(({ step: there }) => isOf(there, step)));
  return known && stored.every(({ step, done }) => done || isShown(step));

  function isShown(step: TransitionStep): boolean {
    if (steps.some(({ id }) => id === step.id)) return true;
    if (step.do === 'end') return over.has(step.subscriptionId);
    // Who has the plan by now is among those who pay.
    if (step.do !== 'refund') return paying.includes(step.tenantId);
    const ends = stored.map((one) => one.step).filter((one) => one.do === 'end' && one.tenantId === step.tenantId);
    return ends.every(
      (one) => steps.some(({ id }) => id === one.id) || (one.do === 'end' && over.has(one.subscriptionId)),
    );
  }
}

/** Whether a step may stand for one that was planned before. */
function isOf(there: TransitionStep, step: TransitionStep): boolean {
  if (step.do === 'refund') return there.tenantId === step.tenantId;
  if (there.id !== step.id) return false;
  if (step.do === 'end') return there.do === 'end';
  if (there.do !== 'change' && there.do !== 'subscribe') return false;
  return there.plan === step.plan && there.interval === step.interval && there.currency === step.currency;
}
