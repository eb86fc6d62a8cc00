import { atPath, named } from '../look-up.ts';
import { pageOf, pageParams } from '../paginate.ts';
import { present } from '../present.ts';
import { invalid } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { ChargeRow, RefundRow } from '../rows.ts';
import type { World } from '../world.ts';

export const paymentRoutes: Routes = {
  PaymentIntents_retrieve: {
    takes: 'client_secret',
    run: ({ world, id }) => present(world, atPath(world.paymentIntents, id(), 'payment_intent', 'intent')),
  },
  PaymentIntents_list: {
    takes: `${pageParams} created customer`,
    run({ world, params }) {
      const customer = params.text('customer');
      const rows = [...world.paymentIntents.values()].filter(
        (row) => customer === undefined || row.customer === customer,
      );
      return pageOf(world, params, '/v1/payment_intents', rows);
    },
  },
  Charges_retrieve: { takes: '', run: ({ world, id }) => present(world, atPath(world.charges, id(), 'charge')) },
  Charges_list: {
    takes: `${pageParams} created customer payment_intent`,
    run({ world, params }) {
      const [customer, intent] = [params.text('customer'), params.text('payment_intent')];
      const rows = [...world.charges.values()].filter(
        (row) =>
          (customer === undefined || row.customer === customer) &&
          (intent === undefined || row.payment_intent === intent),
      );
      return pageOf(world, params, '/v1/charges', rows);
    },
  },
  Refunds_create: {
    takes: 'amount charge metadata payment_intent reason',
    run({ world, params }) {
      const charge = chargeOf(world, params.text('charge'), params.text('payment_intent'));
      const amount = params.number('amount');
      return present(world, refundCharge(world, charge, amount, params.text('reason') ?? null, params.metadata()));
    },
  },
  Refunds_retrieve: { takes: '', run: ({ world, id }) => present(world, atPath(world.refunds, id(), 'refund')) },
  Refunds_update: {
    takes: 'metadata',
    run({ world, params, id }) {
      const row = atPath(world.refunds, id(), 'refund');
      world.change('refund.updated', row, (kept) => {
        kept.metadata = params.metadata(kept.metadata);
      });
      return present(world, row);
    },
  },
  Refunds_list: {
    takes: `${pageParams} charge created payment_intent`,
    run({ world, params }) {
      const [charge, intent] = [params.text('charge'), params.text('payment_intent')];
      const rows = [...world.refunds.values()].filter(
        (row) =>
          (charge === undefined || row.charge === charge) && (intent === undefined || row.payment_intent === intent),
      );
      return pageOf(world, params, '/v1/refunds', rows);
    },
  },
};

/** Gives money of a charge back: all that is left when no amount is named. */
export function refundCharge(
  world: World,
  charge: ChargeRow,
  wanted: number | undefined,
  reason: string | null,
  metadata: Record<string, string> = {},
): RefundRow {
  const left = charge.amount - charge.amount_refunded;
  if (left === 0) {
    throw invalid(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' });
  }
  const amount = wanted ?? left;
  if (!Number.isInteger(amount) || amount < 1) {
    throw invalid('Invalid positive integer', { code: 'parameter_invalid_integer', param: 'amount' });
  }
  if (amount > left) {
    throw invalid(`Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`, {
      param: 'amount',
    });
  }
  const row: RefundRow = {
    id: world.id('re'),
    object: 'refund',
    created: world.now,
    metadata,
    amount,
    charge: charge.id,
    currency: charge.currency,
    customer: charge.customer,
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason,
    status: 'succeeded',
  };
  world.refunds.set(row.id, row);
  world.tell('refund.created', row);
  world.change('charge.refunded', charge, (kept) => {
    kept.amount_refunded += amount;
    kept.refunded = kept.amount_refunded === kept.amount;
  });
  return row;
}

function chargeOf(world: World, id: string | undefined, intentId: string | undefined): ChargeRow {
  if (id !== undefined) return paid(named(world.charges, id, 'charge', 'charge'));
  if (intentId === undefined) {
    throw invalid('One of the following params should be provided for this request: payment_intent or charge.', {
      code: 'parameter_missing',
    });
  }
  const intent = named(world.paymentIntents, intentId, 'payment_intent', 'payment_intent');
  const charge = intent.latest_charge === null ? undefined : world.charges.get(intent.latest_charge);
  if (charge === undefined) {
    throw invalid(`This PaymentIntent (${intent.id}) does not have a successful charge to refund.`, {
      code: 'payment_intent_unexpected_state',
    });
  }
  return paid(charge);
}

function paid(charge: ChargeRow): ChargeRow {
  if (charge.paid) return charge;
  throw invalid(`Charge ${charge.id} is not paid and cannot be refunded.`);
}
