import type { Interval, Proration } from '../provider/subscription.ts';

/** What a tenant is to pay after a change of tenancy. */
export interface TransitionTenant<Plan extends string = string> {
  /** The tenant as it is now. */
  readonly tenantId: string;
  /** What it is to pay for; null: nothing, what it has ends with the time that is paid. */
  readonly plan: Plan | null;
  /** `month` when absent. */
  readonly interval?: Interval;
  /** The one that was paid in when absent, or the first in which the plan is sold. */
  readonly currency?: string;
  /** Within how many days the invoices of a subscription that is made are to be paid; 14 when absent. */
  readonly daysUntilDue?: number;
  /** The tenants whose subscriptions it takes the place of, those that are no more too. */
  readonly inPlaceOf?: readonly string[];
}

/** A change of tenancy, seen by who takes the money. */
export interface TransitionInput<Plan extends string = string> {
  /** Names it: what was planned under a name is gone on with. */
  readonly name: string;
  readonly tenants: readonly TransitionTenant<Plan>[];
}

/** What is asked of the provider. Amounts are minor units. */
export type TransitionStep =
  /** Another plan for a subscription that goes on. */
  | {
      readonly do: 'change';
      readonly id: string;
      readonly tenantId: string;
      readonly subscriptionId: string;
      readonly plan: string;
      readonly interval: string;
      readonly currency: string;
      readonly proration: Proration;
    }
  /** A subscription of its own; nothing is asked for before `paidUntil`. */
  | {
      readonly do: 'subscribe';
      readonly id: string;
      readonly tenantId: string;
      readonly plan: string;
      readonly interval: string;
      readonly currency: string;
      readonly daysUntilDue: number;
      readonly paidUntil: string | null;
    }
  /** The end of a subscription: at once, or when the time is over that is paid. */
  | {
      readonly do: 'end';
      readonly id: string;
      readonly tenantId: string;
      readonly subscriptionId: string;
      readonly when: 'now' | 'period-end';
    }
  /** What was paid for time that is not used any more is given back. */
  | {
      readonly do: 'refund';
      readonly id: string;
      readonly tenantId: string;
      readonly paymentId: string;
      readonly amount: number;
      readonly currency: string;
      /** How much of the payment had been given back before. */
      readonly before: number;
    };

/** What will be asked of the provider. Making it asks for nothing. */
export interface TransitionPlan {
  readonly name: string;
  /** In the order in which it is done: nothing ends before what takes its place is there. */
  readonly steps: readonly TransitionStep[];
  /** The tenants that pay afterwards: their seats are taken to the provider once it is done. */
  readonly paying: readonly string[];
}

/** What came of it. */
export interface TransitionResult {
  readonly name: string;
  readonly done: number;
  /** What is left: call it again. */
  readonly left: number;
  readonly failed: readonly { readonly id: string; readonly tenantId: string; readonly reason: string }[];
}
