import { TenantryError } from '../core/index.ts';

/** The highest value a counter takes: beyond it, numbers of JavaScript are no longer exact. */
export const maxUsed = Number.MAX_SAFE_INTEGER;

/**
 * Checks an amount of units that somebody asks for.
 *
 * @throws TenantryError `amount_invalid` unless it is a whole number from 1 to 2^53 - 1.
 */
export function checkAmount(amount: unknown): void {
  if (typeof amount === 'number' && Number.isSafeInteger(amount) && amount > 0) return;
  const shown = typeof amount === 'number' ? String(amount) : typeof amount;
  throw new TenantryError('amount_invalid', { amount: shown, problem: `is not a whole number from 1 to ${maxUsed}` });
}
