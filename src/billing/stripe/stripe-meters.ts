import type { ProviderCall } from '../provider/call.ts';
import type { MeterEvent, MeterQuery } from '../provider/document.ts';
import type { StripeCalls } from './call-stripe.ts';
import type { StripeClient } from './stripe-client.ts';
import { secondsOf } from './stripe-ids.ts';

/** Tells Stripe of usage. Its answer has no id: what names it is the identifier. */
export async function meterAtStripe(
  stripe: StripeClient,
  calls: StripeCalls,
  { identifier, customerId, eventName, units, at }: MeterEvent,
  { idempotencyKey }: ProviderCall,
): Promise<void> {
  await calls.one('billing.meterEvents.create', 'billing.meter_event', async () => {
    try {
      const event = await stripe.billing.meterEvents.create(
        {
          event_name: eventName,
          identifier,
          timestamp: secondsOf(at),
          payload: { stripe_customer_id: customerId, value: String(units) },
        },
        { idempotencyKey },
      );
      return { object: event.object, id: event.identifier, livemode: event.livemode };
    } catch (error) {
      // It was told before, and the answer was lost. Stripe has no code for this.
      const told = error instanceof Error && /already exists with identifier/i.test(error.message);
      if (!told) throw error;
      return { object: 'billing.meter_event' as const, id: identifier };
    }
  });
}

/** Asks Stripe how much it counted, which it knows by the minute. */
export async function meteredAtStripe(
  stripe: StripeClient,
  calls: StripeCalls,
  { customerId, eventName, from, to }: MeterQuery,
): Promise<number> {
  const meters = await calls.all('billing.meters.list', 'billing.meter', (after) =>
    stripe.billing.meters.list({ limit: 100, ...(after !== undefined && { starting_after: after }) }),
  );
  const minute = (time: Date): number => Math.floor(secondsOf(time) / 60) * 60;
  let counted = 0;
  for (const { id } of meters.filter(({ event_name }) => event_name === eventName)) {
    const summaries = await calls.all('billing.meters.listEventSummaries', 'billing.meter_event_summary', (after) =>
      stripe.billing.meters.listEventSummaries(id, {
        customer: customerId,
        start_time: minute(from),
        end_time: minute(to) + 60,
        limit: 100,
        ...(after !== undefined && { starting_after: after }),
      }),
    );
    counted += summaries.reduce((sum, { aggregated_value }) => sum + aggregated_value, 0);
  }
  return counted;
}
