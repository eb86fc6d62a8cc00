import type { MeterRow, PriceRow, UsageRow } from '../rows.ts';
import type { World } from '../world.ts';

/** What a customer used of a metered price in a stretch of time. */
export function usageOf(world: World, price: PriceRow, customer: string, start: number, end: number): number {
  const meter = price.recurring?.meter == null ? undefined : world.meters.get(price.recurring.meter);
  return meter === undefined ? 0 : meterValue(world, meter, customer, start, end);
}

/** What a meter says of a customer for a stretch of time; the end is not part of it. */
export function meterValue(world: World, meter: MeterRow, customer: string, start: number, end: number): number {
  const events = [...world.usage.values()].filter(
    (event) =>
      event.event_name === meter.event_name &&
      event.customer === customer &&
      !event.canceled &&
      event.timestamp >= start &&
      event.timestamp < end,
  );
  if (meter.formula === 'count') return events.length;
  if (meter.formula === 'sum') return events.reduce((sum, { value }) => sum + value, 0);
  const last = events.reduce<UsageRow | undefined>(
    (found, event) => (found === undefined || event.timestamp >= found.timestamp ? event : found),
    undefined,
  );
  return last?.value ?? 0;
}
