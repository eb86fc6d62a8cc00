import { presentCurrencyOptions } from './present/catalogue.ts';
import { presentSessionItems } from './present/checkout.ts';
import { listOf } from './present/list.ts';
import { present } from './present.ts';
import { invalid } from './refusal.ts';
import type { Wire } from './wire.ts';
import type { World } from './world.ts';

/** Puts objects in the place of their ids, as the request asks with `expand`. */
export function expand(world: World, answer: Wire, paths: readonly string[]): Wire {
  return paths.reduce<Wire>((expanded, path) => {
    const parts = path.split('.');
    if (parts.length > (parts[0] === 'data' ? 5 : 4)) {
      throw invalid('You cannot expand more than 4 levels of a property.', { param: 'expand' });
    }
    const grown = grow(world, expanded, parts, path);
    return isWire(grown) ? grown : expanded;
  }, answer);
}

function grow(world: World, value: unknown, parts: readonly string[], path: string): unknown {
  const [name, ...rest] = parts;
  if (name === undefined) return value;
  if (Array.isArray(value)) return value.map((entry) => grow(world, entry, parts, path));
  if (!isWire(value)) return value;
  const included = name in value ? undefined : includable(world, value, name);
  const child = included ?? value[name];
  if (child === undefined) {
    if (isOptional(value, name)) return value;
    throw invalid(`This property cannot be expanded (${name}). You may want to try expanding 'data.${name}' instead.`, {
      param: 'expand[0]',
    });
  }
  return { ...value, [name]: grow(world, opened(world, child), rest, path) };
}

function opened(world: World, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((entry) => opened(world, entry));
  if (typeof value !== 'string') return value;
  if (world.deletedCustomers.has(value)) return { id: value, object: 'customer', deleted: true };
  const row = world.find(value);
  return row === undefined ? value : present(world, row);
}

/** What an object has only for who asks. */
function includable(world: World, value: Wire, name: string): unknown {
  const id = String(value.id);
  switch (`${value.object}.${name}`) {
    case 'price.currency_options': {
      const price = world.prices.get(id);
      return price === undefined ? undefined : presentCurrencyOptions(price);
    }
    case 'price.tiers': {
      const price = world.prices.get(id);
      return price?.currency_options[price.currency]?.tiers ?? undefined;
    }
    case 'coupon.currency_options': {
      const amounts = Object.entries(world.coupons.get(id)?.amounts_off ?? {});
      return amounts.length === 0
        ? undefined
        : Object.fromEntries(amounts.map(([currency, amount]) => [currency, { amount_off: amount }]));
    }
    case 'coupon.applies_to': {
      const products = world.coupons.get(id)?.applies_to;
      return products == null ? undefined : { products };
    }
    case 'checkout.session.line_items': {
      const session = world.sessions.get(id);
      return session === undefined ? undefined : presentSessionItems(world, session);
    }
    case 'invoice.payments': {
      const rows = [...world.invoicePayments.values()].filter((row) => row.invoice === id);
      return listOf(
        rows.map((row) => present(world, row)),
        '/v1/invoice_payments',
      );
    }
    case 'invoice.confirmation_secret': {
      const payment = [...world.invoicePayments.values()].find((row) => row.invoice === id);
      const intent = payment === undefined ? undefined : world.paymentIntents.get(payment.payment_intent);
      return intent === undefined ? null : { client_secret: intent.client_secret, type: 'payment_intent' };
    }
    case 'customer.subscriptions': {
      const rows = [...world.subscriptions.values()].filter((row) => row.customer === id && row.status !== 'canceled');
      return listOf(
        rows.reverse().map((row) => present(world, row)),
        `/v1/customers/${id}/subscriptions`,
      );
    }
    case 'customer.tax_ids': {
      const rows = [...world.taxIds.values()].filter((row) => row.customer === id);
      return listOf(
        rows.map((row) => present(world, row)),
        `/v1/customers/${id}/tax_ids`,
      );
    }
    case 'charge.refunds': {
      const rows = [...world.refunds.values()].filter((row) => row.charge === id);
      return listOf(
        rows.map((row) => present(world, row)),
        `/v1/charges/${id}/refunds`,
      );
    }
    default:
      return undefined;
  }
}

/** What may be asked for and is then not there. */
function isOptional(value: Wire, name: string): boolean {
  return ['price.tiers', 'coupon.applies_to', 'coupon.currency_options', 'customer.tax'].includes(
    `${value.object}.${name}`,
  );
}

function isWire(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
