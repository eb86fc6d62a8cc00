import { TenantryError } from '../core/index.ts';
import { enqueueMessages, type QueuedMessage } from '../database/inbox-queue.ts';
import { createCoalescer } from '../database/index.ts';
import type { SubscriptionBilling } from './billing-interface.ts';
import type { Ground } from './ground.ts';
import { inboxSource } from './inbox-source.ts';
import { keptOf } from './signal.ts';

/**
 * Makes what takes events in. Events that arrive at the same time are stored by one statement; each caller is told after
 * the commit of the statement that stored its own.
 */
export function createReceive({ db, clock, provider }: Ground): SubscriptionBilling['receive'] {
  const source = inboxSource(provider);
  const store = createCoalescer<QueuedMessage, boolean>({
    run: (_key, messages) => enqueueMessages(db, messages, clock()),
    concurrency: 4,
    maxBatch: 200,
  });

  return async (body, headers) => {
    const event = provider.event({ headers, body });
    if (event.livemode !== provider.livemode) {
      throw new TenantryError('provider_mode_mismatch', {
        expected: provider.livemode ? 'live' : 'test',
        actual: event.livemode ? 'live' : 'test',
      });
    }
    const fresh = await store(source, { source, id: event.id, signal: keptOf(event) });
    return { status: 200, id: event.id, type: event.type, repeated: !fresh };
  };
}
