import type { ProviderEvent } from './provider/event.ts';

/** What is kept of an event: what it names, and nothing that it says. */
export type Signal = Omit<ProviderEvent, 'id' | 'createdAt'>;

/** What is kept of an event. */
export function keptOf({ id: _, createdAt: _at, ...signal }: ProviderEvent): Readonly<Record<string, unknown>> {
  return signal;
}

/** What was kept of an event; undefined where that is no signal of ours. */
export function signalOf(stored: Readonly<Record<string, unknown>>): Signal | undefined {
  const text = (name: string): string | null => {
    const value = stored[name];
    return typeof value === 'string' ? value : null;
  };
  const type = text('type');
  if (type === null) return undefined;
  return {
    type,
    livemode: stored.livemode === true,
    objectType: text('objectType'),
    objectId: text('objectId'),
    customerId: text('customerId'),
    tenantId: text('tenantId'),
    invoiceId: text('invoiceId'),
    account: text('account'),
  };
}
