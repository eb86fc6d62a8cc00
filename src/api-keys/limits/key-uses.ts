import { type Per, periodOf } from '../../core/period-of.ts';
import { invalid } from '../key-input.ts';

/** How many times a key opens: once and for all, or in each period, counted from when the key was made. */
export interface KeyUses {
  /** A whole number from 0. */
  readonly amount: number;
  /** How often the balance is full again; `once`, never, when absent. */
  readonly per?: Per;
}

/** How a key stands with its uses. */
export interface UsesState {
  readonly amount: number;
  readonly per: Per;
  readonly used: number;
  readonly remaining: number;
  /** When the balance is full again; null when never. */
  readonly resetsAt: Date | null;
}

const periods: readonly string[] = ['hour', 'day', 'week', 'month', 'year', 'once'];

/**
 * Checks the uses of a key.
 *
 * @throws TenantryError `api_key_invalid`.
 */
export function readUses({ amount, per = 'once' }: KeyUses): Required<KeyUses> {
  if (!Number.isSafeInteger(amount) || amount < 0) throw invalid('uses.amount must be a whole number from 0');
  if (!periods.includes(per)) throw invalid(`uses.per must be one of ${periods.join(', ')}`);
  return { amount, per };
}

/** How a key stands with its uses at a moment, by what was counted in a period that began at `period`. */
export function usesStateOf(
  { amount, per }: Required<KeyUses>,
  counted: { readonly count: number; readonly period: Date | null },
  anchor: Date,
  now: Date,
): UsesState {
  const { start, end } = periodOf(anchor, per, now);
  const used = counted.period !== null && counted.period >= start ? counted.count : 0;
  return { amount, per, used, remaining: Math.max(0, amount - used), resetsAt: end };
}
