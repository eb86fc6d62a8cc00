import type { CallOptions } from '../database/index.ts';
import type { PlanNames } from './plan-definitions.ts';

/** Units to be granted outside the plan: a prepaid pack, a voucher, a top-up. */
export interface GrantInput extends CallOptions {
  /** How many units. */
  readonly amount: number;
  /** Spare units, which are burnt after all others of their priority's pack. */
  readonly spare?: number;
  /** Among grants the lowest is burnt first; 0 when absent. */
  readonly priority?: number;
  /** From when on they can be used; at once when absent. */
  readonly startsAt?: Date;
  /** Until when they can be used; for ever when absent. */
  readonly expiresAt?: Date;
  /** The same in days from the start. */
  readonly validDays?: number;
  /**
   * What is left when a period of the quota begins is brought between `min` and `max`: `{ max: 50 }` carries over 50 units
   * at most, `{ min: 100, max: 100 }` fills up to 100. Without it, what is left stays.
   */
  readonly rollover?: { readonly min?: number; readonly max: number };
  /** The same grant, however often it is sent, is made once; another quota or amount under the same key is refused. */
  readonly idempotencyKey?: string;
  /** The application's own facts, such as the type of the voucher: 16 KiB at most, as JSON. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Units outside the plan. */
export interface Grant {
  readonly id: string;
  readonly quota: string;
  readonly amount: number;
  /** What is left, without what is held. */
  readonly left: number;
  /** Units in open reservations. */
  readonly held: number;
  readonly priority: number;
  readonly startsAt: Date;
  readonly expiresAt: Date | null;
  /** The same for the grants of a pack: its units and its spare ones. */
  readonly packId: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
}

/**
 * Grants of units outside the plan. What the plan gives in a period is used first, since it is lost when the period ends;
 * then grants, by priority, then by what expires first, then by age; then what may be used beyond the plan.
 */
export interface Grants<Names extends PlanNames = PlanNames> {
  /**
   * Grants units of a quota. With `spare`, a second grant is made that is burnt after the first.
   *
   * @throws TenantryError `tenant_not_found`, `meter_unknown` (also for a limit), `amount_invalid`, `name_invalid`,
   * `config_invalid` for times and metadata that cannot be.
   */
  add(tenantId: string, quota: Names['quota'], input: GrantInput): Promise<Grant>;

  /**
   * Lists grants of which something is left and whose time is not over, in the order in which they are burnt; with `all`,
   * those that are used up, over, or not begun, too.
   *
   * @throws TenantryError `tenant_not_found`, `meter_unknown`.
   */
  list(
    tenantId: string,
    quota: Names['quota'],
    options?: CallOptions & { readonly all?: boolean },
  ): Promise<readonly Grant[]>;

  /**
   * Takes away what is left of a grant; what was used stays used. Gives how many units were taken away, `null` when there
   * is no such grant.
   */
  revoke(tenantId: string, grantId: string, options?: CallOptions): Promise<number | null>;
}
