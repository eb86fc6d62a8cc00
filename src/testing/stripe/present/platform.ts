import type { EventRow, WebhookEndpointRow } from '../rows.ts';
import type { Wire } from '../wire.ts';
import type { World } from '../world.ts';

export function presentEvent(world: World, row: EventRow): Wire {
  return { ...row, api_version: world.apiVersion, livemode: world.livemode, pending_webhooks: 1 };
}

export function presentWebhookEndpoint(world: World, row: WebhookEndpointRow): Wire {
  return { ...row, api_version: null, application: null, livemode: world.livemode };
}
