import type { Invoice } from '../books/documents-interface.ts';

/**
 * What of an invoice was paid beforehand for time that is not over, in whole minor units, rounded down: of what was paid the
 * part that its lines have of the time to come. So reductions and taxes come back in the same part, and what is paid by use
 * does not, since it is paid afterwards. Below zero for an invoice that gave something back for that time.
 */
export function unusedOf(
  { lines, amountPaid, total }: Pick<Invoice, 'lines' | 'amountPaid' | 'total'>,
  now: Date,
): number {
  const all = lines.reduce((sum, { amount }) => sum + amount, 0);
  if (all === 0) return 0;
  const left = lines.reduce((sum, line) => sum + line.amount * leftOf(line, now), 0);
  const part = Math.min(1, Math.max(0, left / all));
  // Less than a millionth is missing because of how numbers are kept.
  return Math.floor((total < 0 ? total : amountPaid) * part + 1e-6);
}

function leftOf({ periodStart, periodEnd }: Invoice['lines'][number], now: Date): number {
  const length = periodEnd.getTime() - periodStart.getTime();
  if (length <= 0) return 0;
  return Math.min(1, Math.max(0, (periodEnd.getTime() - now.getTime()) / length));
}
