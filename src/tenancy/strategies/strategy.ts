import type { TenantKind, TenantLookup } from '../../database/tenant-row.ts';

/** The name of a strategy. */
export type StrategyName = 'none' | 'per-user' | 'per-org' | 'hybrid-seats';

/** How many users may act for a tenant, and who sets that number. */
export interface SeatRule {
  /**
   * `none`: seats are not counted; `one`: the user's own; `cap`: at most so many members at a flat price; `bought`: the
   * tenant pays for each seat, bought and taken are both known.
   */
  readonly rule: 'none' | 'one' | 'cap' | 'bought';
  /** The number that a new organization starts with; null: no cap. */
  readonly initial: number | null;
}

/**
 * Who the tenant is, and what follows from it. A strategy is data: the same program runs on each of them. Make one with
 * {@link none}, {@link perUser}, {@link perOrg} or {@link hybridSeats}.
 */
export interface Strategy<Name extends StrategyName = StrategyName, Plan extends string = string> {
  readonly name: Name;
  /** The plan that a new tenant starts on. */
  readonly plan: Plan;
  /** What a tenant stands for. */
  readonly tenantKind: TenantKind;
  /** When a tenant is made. */
  readonly made: 'at-install' | 'at-first-sight' | 'when-created';
  /** Who may act for a tenant. */
  readonly actors: 'everyone' | 'its-user' | 'its-members';
  /** The role of whoever acts without being a member; null where only members act. */
  readonly actingRole: string | null;
  readonly seats: SeatRule;
  /** What a bill of the tenant counts. */
  readonly bill: 'nothing' | 'licence' | 'user' | 'organization' | 'base+seats+usage';
  /** The name of a tenant that is made without one, where users alone say which tenant it is. */
  readonly tenantName: string | null;
  /** What names the one tenant that a user may act for; null where that takes a membership. */
  readonly lookupOf: (userId: string) => TenantLookup | null;
}
