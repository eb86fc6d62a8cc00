import { TenantryError } from '../../core/index.ts';
import type { ProviderEvent } from '../provider/event.ts';
import { metadataNames } from './stripe-ids.ts';

/** Ids and names of types; anything else could not be stored, or could break what is stored with it. */
const plain = /^[\x21-\x7e]{1,255}$/;

type Fields = Readonly<Record<string, unknown>>;

/** Which field of which object names the invoice that it is about. */
const invoiceField: Readonly<Record<string, string>> = {
  invoice: 'id',
  credit_note: 'invoice',
  invoice_payment: 'invoice',
  subscription: 'latest_invoice',
};

/**
 * Reduces an event to what it names. A thin event names its object and nothing of it; of another one only ids are taken,
 * since what it says of the object may be older than what is known.
 *
 * @throws TenantryError `webhook_signature_invalid` (`invalid_payload`) for what is no event.
 */
export function readStripeEvent(payload: unknown): ProviderEvent {
  const event = fieldsOf(payload);
  const id = textOf(event, 'id');
  const type = textOf(event, 'type');
  const createdAt = timeOf(event.created);
  if (id === null || type === null || createdAt === null) {
    throw new TenantryError('webhook_signature_invalid', { reason: 'invalid_payload' });
  }
  const common = { id, type, createdAt, livemode: event.livemode === true };
  if (event.object === 'v2.core.event') {
    const related = fieldsOf(event.related_object);
    const objectType = textOf(related, 'type');
    const objectId = textOf(related, 'id');
    return {
      ...common,
      objectType,
      objectId,
      customerId: objectType === 'customer' ? objectId : null,
      tenantId: null,
      invoiceId: objectType === 'invoice' ? objectId : null,
      account: textOf(event, 'context'),
    };
  }
  const object = fieldsOf(fieldsOf(event.data).object);
  const objectType = textOf(object, 'object');
  const objectId = textOf(object, 'id');
  const metadata = fieldsOf(object.metadata);
  const field = objectType === null ? undefined : invoiceField[objectType];
  return {
    ...common,
    objectType,
    objectId,
    customerId: objectType === 'customer' ? objectId : referenceOf(object.customer),
    tenantId: textOf(metadata, metadataNames.tenant),
    invoiceId: field === undefined ? null : field === 'id' ? objectId : referenceOf(object[field]),
    account: textOf(event, 'account'),
  };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function textOf(fields: Fields, name: string): string | null {
  const value = fields[name];
  return typeof value === 'string' && plain.test(value) ? value : null;
}

/** An id, or the object that it names. */
function referenceOf(value: unknown): string | null {
  return typeof value === 'string' ? textOf({ value }, 'value') : textOf(fieldsOf(value), 'id');
}

/** Seconds, or a text by ISO 8601 in thin events. */
function timeOf(value: unknown): Date | null {
  const time = typeof value === 'number' ? value * 1000 : typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? new Date(time) : null;
}
