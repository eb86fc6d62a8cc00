import type { TraceAPI } from '@opentelemetry/api';
import { createTenantry, defineEvents, definePlans, perUser } from 'tenantry';
import { createWebhooks, type DeliveryTrace, type StandardSchema } from 'tenantry/webhooks/delivery';
import { expectTypeOf, it } from 'vitest';
import { z } from 'zod';

declare const db: Parameters<typeof createWebhooks>[0]['db'];
declare const plans: ReturnType<typeof definePlans<{ free: Record<never, never> }>>;
const tenantId = '0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90';
const catalogue = defineEvents({
  'order.paid': { schema: z.object({ id: z.string(), at: z.string().transform((text) => new Date(text)) }) },
});

it('types the data of an event by its schema, as it goes in', () => {
  const webhooks = createWebhooks({ db, catalogue });
  expectTypeOf(webhooks.publish<'order.paid'>)
    .parameter(0)
    .toHaveProperty('data')
    .toEqualTypeOf<{
      id: string;
      at: string;
    }>();
  void (() => webhooks.publish({ tenantId, type: 'order.paid', data: { id: 'o', at: '2026-01-01' } }));
  // @ts-expect-error there is no such event
  void (() => webhooks.publish({ tenantId, type: 'order.lost', data: { id: 'o', at: '' } }));
  // @ts-expect-error a field is missing
  void (() => webhooks.publish({ tenantId, type: 'order.paid', data: { id: 'o' } }));
});

it('keeps the names of the events through createTenantry', () => {
  const { webhooks } = createTenantry({ db, plans, strategy: perUser({ plan: 'free' }), webhooks: { catalogue } });
  void (() => webhooks.publish({ tenantId, type: 'order.paid', data: { id: 'o', at: '2026-01-01' } }));
  // @ts-expect-error there is no such event
  void (() => webhooks.publish({ tenantId, type: 'order.lost', data: {} }));
  const bare = createTenantry({ db, plans, strategy: perUser({ plan: 'free' }) });
  // @ts-expect-error nothing is sent
  void (() => bare.webhooks.publish({ tenantId, type: 'order.paid', data: {} }));
});

it('takes the name of a limit of the plans for how many endpoints there may be', () => {
  const limited = definePlans({ free: { limits: { hooks: 3 }, quotas: { calls: { amount: 1, per: 'day' } } } });
  const options = { db, plans: limited, strategy: perUser({ plan: 'free' as const }) };
  void (() => createTenantry({ ...options, webhooks: { catalogue, limits: { endpoints: 'hooks' } } }));
  void (() => createTenantry({ ...options, webhooks: { catalogue, limits: async () => ({ endpoints: null }) } }));
  // @ts-expect-error a quota is no limit
  void (() => createTenantry({ ...options, webhooks: { catalogue, limits: { endpoints: 'calls' } } }));
});

it('takes the trace of OpenTelemetry, and schemas of zod, as they are', () => {
  expectTypeOf<TraceAPI>().toExtend<DeliveryTrace>();
  expectTypeOf(z.object({ id: z.string() })).toExtend<StandardSchema>();
});
