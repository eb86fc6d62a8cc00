/** What a tenant has while it does not pay. */
export interface PastDueRule {
  /** For how many days after the invoice it keeps its plan; 14 when absent. */
  readonly graceDays?: number;
  /** What happens then: it falls to the plan without a subscription (`fall-back`, the default), or keeps its plan. */
  readonly afterGrace?: 'fall-back' | 'keep';
}

/** The rules by which a tenant's plan follows its subscription. */
export interface BillingRules {
  /** The plan of a tenant whose subscription ended. */
  readonly fallbackPlan: string;
  readonly pastDue: Required<PastDueRule>;
  /** What a tenant has while its subscription is paused. */
  readonly whilePaused: 'fall-back' | 'keep';
  /** Whether the periods of quotas are counted from where the subscription's are. */
  readonly anchor: 'follow' | 'stay';
}
