import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { z } from 'zod';
import { createSecretBox } from '../../src/core/index.ts';
import { insertTenant } from '../../src/database/tenant-row.ts';
import { fixedClock } from '../../src/testing/index.ts';
import {
  createWebhooks,
  type DeliveryOptions,
  defineEvents,
  type WebhookEvent,
} from '../../src/webhooks/delivery/index.ts';
import type { TestDatabase } from './databases.ts';
import type { TestReceiver } from './webhook-receiver.ts';

/** The events of the tests. */
export const catalogue = defineEvents(
  {
    'order.paid': { schema: z.object({ id: z.string() }), examples: [{ id: 'o-1' }] },
    'order.refunded': { schema: z.object({ id: z.string() }) },
    'order.item.added': { schema: z.object({ id: z.string() }) },
    'user.renamed': {
      schema: z.object({ id: z.string(), name: z.string() }),
      older: {
        '2025-01-01': {
          schema: z.object({ id: z.string(), first: z.string() }),
          from: ({ id, name }: { id: string; name: string }) => ({ id, first: name.split(' ')[0] }),
        },
      },
    },
  },
  { versions: ['2025-01-01', '2026-01-01'], own: ['member.*', 'webhook_endpoint.*'] },
);

/** Loopback is open to requests. */
export const open = { allow: ['127.0.0.0/8'], allowHttp: true, ports: 'any' } as const;

let count = 0;

/** Makes a tenant. */
export async function makeTenant(database: TestDatabase<Record<string, never>>): Promise<string> {
  count += 1;
  const tenantId = `00000000-0000-7000-8000-${(process.pid * 10_000 + count).toString(16).padStart(12, '0')}`;
  const lookup = { kind: 'test', value: tenantId };
  await insertTenant(database.app, { tenantId, kind: 'user', name: 'Acme', plan: 'free', lookup, now: new Date() });
  return tenantId;
}

/** Webhooks with a clock that stands still, and what they told. */
export function webhookWorld(
  database: TestDatabase<Record<string, never>>,
  options: Partial<Parameters<typeof createWebhooks>[0]> & { readonly delivery?: DeliveryOptions } = {},
) {
  const clock = fixedClock('2026-03-01T12:00:00Z');
  const secretBox = createSecretBox([{ id: 'one', key: randomBytes(32) }]);
  const events: WebhookEvent[] = [];
  const webhooks = createWebhooks({
    db: database.app,
    clock,
    secretBox,
    fetch: open,
    events: async (event) => {
      events.push(event);
    },
    ...options,
    catalogue,
  });
  return { clock, secretBox, events, webhooks };
}

/** A tenant with one endpoint at a receiver. */
export async function endpointWorld(
  database: TestDatabase<Record<string, never>>,
  target: TestReceiver,
  options: Parameters<typeof webhookWorld>[1] = {},
) {
  const world = webhookWorld(database, options);
  const tenantId = await makeTenant(database);
  const { endpoint, secret } = await world.webhooks.endpoints.create({ tenantId, url: target.url() });
  const ref = { tenantId, endpointId: endpoint.id };
  const publish = (id: string, more: object = {}) =>
    world.webhooks.publish({ tenantId, type: 'order.paid', data: { id }, ...more });
  return { ...world, target, tenantId, endpoint, secret, ref, publish };
}

/** Forgets all deliveries, so that one test does not deliver what another left. */
export async function forgetDeliveries(database: TestDatabase<Record<string, never>>): Promise<void> {
  await sql`delete from tenantry.webhook_deliveries`.execute(database.app);
}
