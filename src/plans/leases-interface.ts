import type { ConsumeDenial, MeterState } from './meter-state.ts';
import type { PlanNames } from './plan-definitions.ts';

/** How units are taken ahead. */
export interface LeaseOptions {
  /** How many units are taken at once. */
  readonly block: number;
  /** How long they may be used before what is left is given back, in seconds; 60 when absent, and at most 3,600. */
  readonly seconds?: number;
}

/** What became of units that were asked of a lease. */
export type LeaseResult =
  | {
      readonly ok: true;
      /** What is left of the block in this process. */
      readonly left: number;
    }
  | (MeterState & { readonly ok: false; readonly reason: ConsumeDenial; readonly requested: number });

/** Units of one quota that this process took ahead, and hands out without asking the database. */
export interface Lease {
  /** What is left of the block. */
  readonly left: number;

  /**
   * Uses units (1 when absent), all or none: at once where the block has them, after one call of the database where another
   * block is needed. Calls that wait for a block share it. A block that no longer fits is as small as what fits.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `amount_invalid`, `database_unavailable`.
   */
  consume(amount?: number): Promise<LeaseResult>;

  /**
   * Gives back what is left. When it fails it can be called again; the next `consume` takes another block.
   *
   * @throws TenantryError `database_unavailable`.
   */
  settle(): Promise<void>;
}

/**
 * Blocks of units that are taken ahead, for calls that are too many for a round trip each. Never is more granted than the
 * plan allows. The prices: of a process that ends without `settle`, what is left of its block counts as used, which is at
 * most `block` for each lease, or what its waiting calls asked for where that is more; other processes are refused what
 * lies in a block for `seconds` at most; a plan that is taken away, and a tenant that is suspended, are noticed with the
 * next block. What members and keys used is not kept, and the history has the units when their block is settled.
 */
export interface Leases<Names extends PlanNames = PlanNames> {
  /**
   * Makes a lease; the first block is taken by its first `consume`. Keep it for as long as the process uses the quota.
   *
   * @throws TenantryError `tenant_not_found`, `meter_unknown` (also for a limit), `amount_invalid`, `config_invalid`.
   */
  open(tenantId: string, quota: Names['quota'], options: LeaseOptions): Lease;

  /** Gives back what is left in all leases, before the process ends. */
  settle(): Promise<void>;
}
