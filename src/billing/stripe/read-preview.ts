import type Stripe from 'stripe';
import type { ChangePreview } from '../provider/subscription.ts';
import { isProration, taxOf } from './read-invoice.ts';
import { timeOf } from './stripe-ids.ts';

/** What a change would cost, out of the invoice that Stripe would write. */
export function previewOf(invoice: Stripe.Invoice, prorationDate: Date): ChangePreview {
  const lines = invoice.lines.data.map((line) => ({
    description: line.description,
    amount: line.amount,
    proration: isProration(line),
    periodStart: timeOf(line.period.start),
    periodEnd: timeOf(line.period.end),
  }));
  const proration = lines.reduce((sum, line) => (line.proration ? sum + line.amount : sum), 0);
  return { currency: invoice.currency, total: invoice.total, proration, tax: taxOf(invoice), prorationDate, lines };
}
