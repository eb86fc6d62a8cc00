import { day } from '../billing/periods.ts';
import { meterValue } from '../billing/usage.ts';
import { atPath } from '../look-up.ts';
import { page, pageOf, pageParams } from '../paginate.ts';
import { present } from '../present.ts';
import { invalid } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { MeterRow, UsageRow } from '../rows.ts';
import type { World } from '../world.ts';

export const meterRoutes: Routes = {
  Billing_Meters_create: {
    takes: 'customer_mapping default_aggregation display_name event_name event_time_window value_settings',
    run({ world, params }) {
      const name = params.need('event_name');
      if (activeMeter(world, name) !== undefined) {
        throw invalid(`An active meter already exists with the event name ${name}.`, { param: 'event_name' });
      }
      const formula = params.hash('default_aggregation')?.text('formula');
      const row: MeterRow = {
        id: world.id('mtr'),
        object: 'billing.meter',
        created: world.now,
        metadata: {},
        customer_key: params.hash('customer_mapping')?.text('event_payload_key') ?? 'stripe_customer_id',
        deactivated_at: null,
        display_name: params.need('display_name'),
        event_name: name,
        event_time_window: params.text('event_time_window') ?? null,
        formula: formula === 'count' || formula === 'last' ? formula : 'sum',
        status: 'active',
        updated: world.now,
        value_key: params.hash('value_settings')?.text('event_payload_key') ?? 'value',
      };
      world.meters.set(row.id, row);
      world.tell('billing.meter.created', row);
      return present(world, row);
    },
  },
  Billing_Meters_retrieve: { takes: '', run: ({ world, id }) => present(world, atPath(world.meters, id(), 'meter')) },
  Billing_Meters_update: {
    takes: 'display_name',
    run({ world, params, id }) {
      const row = atPath(world.meters, id(), 'meter');
      world.change('billing.meter.updated', row, (kept) => {
        kept.display_name = params.text('display_name') ?? kept.display_name;
        kept.updated = world.now;
      });
      return present(world, row);
    },
  },
  Billing_Meters_list: {
    takes: `${pageParams} status`,
    run({ world, params }) {
      const status = params.text('status');
      const rows = [...world.meters.values()].filter((row) => status === undefined || row.status === status);
      return pageOf(world, params, '/v1/billing/meters', rows);
    },
  },
  Billing_Meters_deactivate: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.meters, id(), 'meter');
      world.change('billing.meter.deactivated', row, (kept) => {
        kept.status = 'inactive';
        kept.deactivated_at = world.now;
      });
      return present(world, row);
    },
  },
  Billing_Meters_reactivate: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.meters, id(), 'meter');
      world.change('billing.meter.reactivated', row, (kept) => {
        kept.status = 'active';
        kept.deactivated_at = null;
      });
      return present(world, row);
    },
  },
  Billing_Meters_listEventSummaries: {
    takes: `${pageParams} customer end_time start_time value_grouping_window`,
    run({ world, params, id }) {
      const meter = atPath(world.meters, id(), 'meter');
      const start = params.number('start_time') ?? 0;
      const end = params.number('end_time') ?? 0;
      const window = params.text('value_grouping_window');
      const step = window === 'hour' ? 3600 : window === 'day' ? day : end - start;
      if (step <= 0 || start % 60 !== 0 || end % 60 !== 0) {
        throw invalid('start_time and end_time must be aligned with minute boundaries, in their order.');
      }
      const parts: { id: string; wire(): Record<string, unknown> }[] = [];
      for (let from = end - step; from >= start; from -= step) {
        const value = meterValue(world, meter, params.need('customer'), from, from + step);
        const summary = {
          id: `mtrusg_${meter.id}_${from}`,
          object: 'billing.meter_event_summary',
          aggregated_value: value,
          end_time: from + step,
          livemode: world.livemode,
          meter: meter.id,
          start_time: from,
        };
        if (window === undefined || value !== 0) parts.push({ id: summary.id, wire: () => summary });
      }
      return page(params, `/v1/billing/meters/${meter.id}/event_summaries`, parts);
    },
  },
  Billing_MeterEvents_create: {
    takes: 'event_name identifier payload timestamp',
    run({ world, params }) {
      const row = readEvent(world, {
        name: params.need('event_name'),
        identifier: params.text('identifier') ?? world.id('meterevent'),
        payload: params.raw('payload'),
        timestamp: params.number('timestamp') ?? world.now,
      });
      const before = world.usage.get(row.id);
      if (before !== undefined) world.usage.set(`${before.id} of ${before.created}`, before);
      world.usage.set(row.id, row);
      return present(world, row);
    },
  },
  Billing_MeterEventAdjustments_create: {
    takes: 'cancel event_name type',
    run({ world, params }) {
      const identifier = params.hash('cancel')?.text('identifier');
      const row = identifier === undefined ? undefined : world.usage.get(identifier);
      if (row === undefined || row.event_name !== params.need('event_name')) {
        throw invalid(`No meter event with the identifier ${identifier}.`, { param: 'cancel[identifier]' });
      }
      if (row.created < world.now - day) {
        throw invalid('Only events of the last 24 hours can be canceled.', { param: 'cancel[identifier]' });
      }
      row.canceled = true;
      return {
        object: 'billing.meter_event_adjustment',
        cancel: { identifier },
        event_name: row.event_name,
        livemode: world.livemode,
        status: 'pending',
        type: 'cancel',
      };
    },
  },
};

function readEvent(
  world: World,
  sent: { name: string; identifier: string; payload: unknown; timestamp: number },
): UsageRow {
  const { name, identifier, timestamp } = sent;
  const meter = activeMeter(world, name);
  if (meter === undefined) throw invalid(`No active meter found for event name ${name}.`, { param: 'event_name' });
  if (timestamp > world.now + 300) {
    throw invalid('The timestamp must be at most 5 minutes in the future.', { param: 'timestamp' });
  }
  if (timestamp < world.now - 35 * day) {
    throw invalid('The timestamp must be within the past 35 calendar days.', { param: 'timestamp' });
  }
  const payload = Object.fromEntries(
    Object.entries(typeof sent.payload === 'object' && sent.payload !== null ? sent.payload : {}).map(
      ([key, value]) => [key, String(value)],
    ),
  );
  const customer = payload[meter.customer_key];
  if (customer === undefined) {
    throw invalid(`The payload must contain the key ${meter.customer_key}.`, { param: 'payload' });
  }
  if (!world.customers.has(customer)) throw invalid(`No such customer: '${customer}'`, { param: 'payload' });
  const text = payload[meter.value_key];
  const value = meter.formula === 'count' ? 1 : Number(text);
  if (text === undefined && meter.formula !== 'count') {
    throw invalid(`The payload must contain the key ${meter.value_key}.`, { param: 'payload' });
  }
  if (!Number.isFinite(value)) throw invalid(`Invalid value: ${text}`, { param: 'payload' });
  const before = world.usage.get(identifier);
  if (before !== undefined && before.created > world.now - day) {
    throw invalid(`An event already exists with identifier ${identifier}.`);
  }
  return {
    id: identifier,
    object: 'billing.meter_event',
    created: world.now,
    event_name: name,
    payload,
    timestamp,
    customer,
    value,
    canceled: false,
  };
}

function activeMeter(world: World, name: string): MeterRow | undefined {
  return [...world.meters.values()].find((row) => row.event_name === name && row.status === 'active');
}
