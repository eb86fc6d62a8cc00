import type { DomainEvent } from '../core/index.ts';
import type { DocumentEvent } from './documents/events.ts';

/** What every event of a subscription tells. */
export interface SubscriptionFacts {
  readonly subscriptionId: string;
  readonly plan: string | null;
  readonly status: string;
}

/** What happens to subscriptions. */
export type SubscriptionEvent =
  | DomainEvent<'subscription.started', SubscriptionFacts & { readonly endsAt: Date | null }>
  | DomainEvent<
      'subscription.changed',
      SubscriptionFacts & {
        readonly previousPlan: string | null;
        readonly previousStatus: string;
        readonly seats: number | null;
        readonly previousSeats: number | null;
        readonly endsAt: Date | null;
        readonly previousEndsAt: Date | null;
        readonly paused: boolean;
        readonly previousPaused: boolean;
      }
    >
  | DomainEvent<'subscription.past_due', SubscriptionFacts & { readonly graceUntil: Date | null }>
  | DomainEvent<'subscription.recovered', SubscriptionFacts>
  | DomainEvent<'subscription.ended', SubscriptionFacts & { readonly endedAt: Date | null }>
  /** More than one goes on: somebody pays twice. */
  | DomainEvent<'subscription.duplicated', { readonly subscriptionId: string; readonly others: readonly string[] }>;

/** What happens to customers at the provider. */
export type CustomerEvent =
  | DomainEvent<'customer.created', { readonly customerId: string; readonly provider: string }>
  | DomainEvent<'customer.gone', { readonly customerId: string; readonly provider: string }>;

/** Everything that billing tells of. */
export type BillingEvent = SubscriptionEvent | CustomerEvent | DocumentEvent;
