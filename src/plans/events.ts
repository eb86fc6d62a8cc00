import type { DomainEvent } from '../core/index.ts';
import type { Amount } from './plan-definitions.ts';
import type { PlanTerms } from './plan-terms.ts';

/** What happens to what tenants may use. */
export type PlanEvent =
  | DomainEvent<'tenant.terms_changed', { readonly terms: PlanTerms | null; readonly previousTerms: PlanTerms | null }>
  | DomainEvent<'tenant.trial_started', { readonly plan: string; readonly endsAt: Date }>
  | DomainEvent<
      'usage.alert',
      {
        readonly meter: string;
        /** The percentage of the amount that was crossed. */
        readonly percentage: number;
        readonly direction: 'up' | 'down';
        readonly used: number;
        readonly limit: Amount;
        /** Since when it is counted. */
        readonly periodStart: Date;
      }
    >
  | DomainEvent<
      'grant.added',
      {
        readonly grantId: string;
        readonly meter: string;
        readonly amount: number;
        readonly spare: number;
        readonly expiresAt: Date | null;
      }
    >
  | DomainEvent<'grant.revoked', { readonly grantId: string; readonly meter: string; readonly left: number }>;
