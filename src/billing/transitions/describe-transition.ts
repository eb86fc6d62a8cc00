import { formatMoney } from '../money/money.ts';
import type { TransitionPlan, TransitionStep } from './transition.ts';

const rest = {
  create: 'the rest of the period on the next invoice',
  invoice: 'the rest of the period at once',
  none: 'from the next period on',
} as const;

/**
 * Says in words what a plan asks of the provider, one line for each step in the order in which it is done: to be shown before
 * `billing.transitions.apply`.
 *
 * @example
 * ```ts
 * import { type Billing, describeTransition } from 'tenantry/billing';
 *
 * type Plan = Parameters<Billing['transitions']['apply']>[0];
 * const show = (plan: Plan): string => describeTransition(plan).join('\n');
 * ```
 */
export function describeTransition({ steps }: Pick<TransitionPlan, 'steps'>): readonly string[] {
  return steps.map(lineOf);
}

function lineOf(step: TransitionStep): string {
  const who = `tenant ${step.tenantId}`;
  switch (step.do) {
    case 'change':
      return `change subscription ${step.subscriptionId} of ${who} to ${step.plan} per ${step.interval}, ${rest[step.proration]}`;
    case 'subscribe': {
      const later = step.paidUntil === null ? '' : `, asking for nothing before ${step.paidUntil}`;
      const how = `to ${step.plan} per ${step.interval} in ${step.currency}, to be paid within ${step.daysUntilDue} days`;
      return `subscribe ${who} ${how}${later}`;
    }
    case 'end': {
      const when = step.when === 'now' ? 'at once' : 'when the time is over that is paid';
      return `end subscription ${step.subscriptionId} of ${who} ${when}`;
    }
    case 'refund':
      return `give ${formatMoney(step)} of payment ${step.paymentId} back to ${who}`;
  }
}
