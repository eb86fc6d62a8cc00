import type { CallOptions } from '../database/index.ts';
import type { ConsumeDenial, MeterState } from './meter-state.ts';
import type { PlanNames } from './plan-definitions.ts';
import type { ConsumeOptions, PlansCallOptions } from './plans-interface.ts';

/** How units are held. */
export interface HoldOptions extends PlansCallOptions {
  /** For how long, in seconds; 900 when absent, and at most 30 days. */
  readonly seconds?: number;
  /**
   * What becomes of units that nobody settled in time: they are free again (`release`, the default), or taken for used
   * (`commit`), for work that may have been done.
   */
  readonly onExpiry?: 'release' | 'commit';
  /** Only from this pack of grants, as {@link ConsumeOptions.pack} says. */
  readonly pack?: string;
  /** The member who holds them: what is committed is kept as used by them. Ids of no member are left out. */
  readonly memberId?: string;
  /** The API key that holds them: what is committed is written down by the hour as used by it. */
  readonly keyId?: string;
}

/** What became of units that were to be held. */
export type HoldResult =
  | (MeterState & { readonly ok: true; readonly reservationId: string; readonly expiresAt: Date })
  | (MeterState & { readonly ok: false; readonly reason: ConsumeDenial; readonly requested: number });

/** What became of a reservation. */
export type SettleResult =
  | { readonly ok: true; readonly committed: number; readonly returned: number }
  | {
      readonly ok: false;
      /** `settled`: otherwise than it was asked for now. */
      readonly reason: 'reservation_not_found' | 'reservation_expired' | 'reservation_settled';
    };

/** Units that are held for a job whose cost is not known before it ends. Held units count as used. */
export interface Reservations<Names extends PlanNames = PlanNames> {
  /**
   * Holds units, all or none, from where `consume` would take them.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `meter_unknown`, `amount_invalid`, `database_unavailable`.
   */
  hold(tenantId: string, meter: Names['meter'], amount: number, options?: HoldOptions): Promise<HoldResult>;

  /**
   * Uses some of the held units, all when absent, and gives the others back where they came from. Sent again with the same
   * amount, it answers the same.
   *
   * @throws TenantryError `amount_invalid` for more than is held, `database_unavailable`.
   */
  commit(tenantId: string, reservationId: string, amount?: number, options?: CallOptions): Promise<SettleResult>;

  /** Gives all held units back. Sent again, it answers the same. */
  release(tenantId: string, reservationId: string, options?: CallOptions): Promise<SettleResult>;
}
