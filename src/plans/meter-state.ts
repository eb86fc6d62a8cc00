import type { Entitlement } from './evaluate-entitlement.ts';
import type { Amount } from './plan-definitions.ts';

/** How a tenant stands with one limit or quota. */
export interface MeterState {
  /** Units used in the current period; for a limit, how many exist. */
  readonly used: number;
  /** How much the tenant is entitled to. */
  readonly limit: Amount;
  /** What is left of the limit; 0 when it is used up or overdrawn. */
  readonly remaining: Amount;
  /** Units of this period beyond the limit: billed ones, or those left over from a larger plan. */
  readonly overage: number;
  /** What is left in grants, and counted in `remaining`; absent where there are none. */
  readonly granted?: number;
  /** When the period ends; `null` for limits and for what is given once. */
  readonly resetsAt: Date | null;
}

/** The state that an entitlement and a count make. */
export function meterState({ amount }: Entitlement, used: number, resetsAt: Date | null): MeterState {
  if (amount === 'unlimited') return { used, limit: amount, remaining: amount, overage: 0, resetsAt };
  return {
    used,
    limit: amount,
    remaining: Math.max(0, amount - used),
    overage: Math.max(0, used - amount),
    resetsAt,
  };
}

/** Why units were refused. */
export type ConsumeDenial = 'quota_exceeded' | 'limit_reached' | TenantClosed;

/** Why a tenant uses nothing: it is suspended, or in maintenance for a moment while its rows are moved. */
export type TenantClosed = 'tenant_suspended' | 'tenant_in_maintenance';

/**
 * What became of units that were asked for, and how the tenant stands after it. Of calls that were served together each
 * gets the state as if it had been served alone, in the order of arrival.
 */
export type ConsumeResult =
  | (MeterState & {
      readonly ok: true;
      /** The units were used before, under the same idempotency key; nothing was added now. */
      readonly replayed?: true;
    })
  | (MeterState & {
      readonly ok: false;
      readonly reason: ConsumeDenial;
      /** How many units were asked for. */
      readonly requested: number;
    });
