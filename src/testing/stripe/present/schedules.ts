import type { Phase, ScheduleRow } from '../rows.ts';
import type { Wire } from '../wire.ts';
import type { World } from '../world.ts';

export function presentSchedule(world: World, row: ScheduleRow): Wire {
  const { own, phases, currency, ...fields } = row;
  const phase = row.status === 'active' ? phases[own.phase] : undefined;
  return {
    ...fields,
    application: null,
    billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible' },
    current_phase: phase === undefined ? null : { start_date: phase.start_date, end_date: phase.end_date },
    customer_account: null,
    default_settings: {
      application_fee_percent: null,
      automatic_tax: { disabled_reason: null, enabled: false, liability: null },
      billing_cycle_anchor: 'automatic',
      billing_thresholds: null,
      collection_method: 'charge_automatically',
      default_payment_method: null,
      description: null,
      invoice_settings: {
        account_tax_ids: null,
        custom_fields: null,
        days_until_due: null,
        description: null,
        footer: null,
        issuer: { type: 'self' },
      },
      on_behalf_of: null,
      transfer_data: null,
    },
    livemode: world.livemode,
    pause_schedules: [],
    phases: phases.map((each) => presentPhase(each, currency)),
    test_clock: null,
  };
}

function presentPhase(phase: Phase, currency: string): Wire {
  return {
    ...phase,
    add_invoice_items: [],
    application_fee_percent: null,
    billing_thresholds: null,
    collection_method: null,
    currency,
    default_payment_method: null,
    default_tax_rates: [],
    invoice_settings: null,
    items: phase.items.map(({ quantity, ...item }) => ({
      ...item,
      billing_thresholds: null,
      discounts: [],
      plan: item.price,
      ...(quantity === null ? {} : { quantity }),
      tax_rates: [],
    })),
    on_behalf_of: null,
    transfer_data: null,
  };
}
