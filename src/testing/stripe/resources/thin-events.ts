import { atPath } from '../look-up.ts';
import { thinEvent } from '../related-object.ts';
import type { Routes } from '../route.ts';

export const thinEventRoutes: Routes = {
  V2_Core_Events_retrieve: {
    takes: '',
    run({ world, id }) {
      const event = atPath(world.events, id(), 'event');
      const { id: request, idempotency_key: key } = event.request;
      if (request === null) return thinEvent(event, world.livemode);
      const reason = { type: 'request', request: { id: request, idempotency_key: key ?? '' } };
      return { ...thinEvent(event, world.livemode), reason };
    },
  },
};
