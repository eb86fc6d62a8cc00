import type { DomainEvent } from '../core/index.ts';
import type { TenantKind } from '../database/tenant-row.ts';

/** A tenant was made, under whichever strategy. */
export type TenantCreated = DomainEvent<
  'tenant.created',
  { readonly kind: TenantKind; readonly name: string; readonly plan: string }
>;

/** What happens to tenants. */
export type TenancyEvent =
  | TenantCreated
  | DomainEvent<'tenant.suspended', Record<string, never>>
  | DomainEvent<'tenant.resumed', Record<string, never>>
  | DomainEvent<
      'tenant.plan_changed',
      {
        readonly plan: string;
        readonly previousPlan: string;
        readonly subscriptionStatus: string | null;
        readonly previousSubscriptionStatus: string | null;
      }
    >;
