import type { MeterRow, UsageRow } from '../rows.ts';
import type { Wire } from '../wire.ts';
import type { World } from '../world.ts';

export function presentMeter(world: World, row: MeterRow): Wire {
  const { customer_key, value_key, formula, deactivated_at, metadata: _, ...fields } = row;
  return {
    ...fields,
    customer_mapping: { event_payload_key: customer_key, type: 'by_id' },
    default_aggregation: { formula },
    livemode: world.livemode,
    status_transitions: { deactivated_at },
    value_settings: { event_payload_key: value_key },
  };
}

export function presentUsage(world: World, row: UsageRow): Wire {
  return {
    object: row.object,
    created: row.created,
    event_name: row.event_name,
    identifier: row.id,
    livemode: world.livemode,
    payload: row.payload,
    timestamp: row.timestamp,
  };
}
