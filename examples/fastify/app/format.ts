import { formatMoney } from 'tenantry/billing';

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
const minute = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });

/** A moment for people, in UTC. */
export function timeText(time: Date | null | undefined): string {
  return time == null ? '–' : `${minute.format(time)} UTC`;
}

/** A day for people, in UTC. */
export function dayText(time: Date | null | undefined): string {
  return time == null ? '–' : day.format(time);
}

/** An amount for people. */
export function moneyText(amount: number, currency = 'usd'): string {
  return formatMoney({ amount, currency });
}

/** How much may be used. */
export function amountText(amount: number | 'unlimited'): string {
  return amount === 'unlimited' ? 'unlimited' : amount.toLocaleString('en-US');
}

/** How long a call took. */
export function lengthText(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** A word with a capital. */
export function titleText(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).replaceAll('_', ' ');
}
