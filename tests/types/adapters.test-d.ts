import { type Request, Router } from 'express';
import Fastify, { type FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import { createTenantry, definePlans, perOrg } from 'tenantry';
import { createExpressAdapter } from 'tenantry/express';
import { createFastifyAdapter } from 'tenantry/fastify';
import { createFetchAdapter } from 'tenantry/http';
import { expectTypeOf, it } from 'vitest';

interface Database {
  notes: { tenant_id: string; text: string };
}
declare const db: Kysely<Database>;
const plans = definePlans({
  free: { limits: { bots: 1 }, quotas: { calls: { amount: 50, per: 'month' } }, features: ['export'] },
});
const tenantry = createTenantry({ db, plans, strategy: perOrg({ plan: 'free' }) });

it('gives handlers an access of the own plans and tables, and other handlers none', () => {
  const express = createExpressAdapter(tenantry);
  express.handler(({ access }) => {
    expectTypeOf(access.plan).toEqualTypeOf<'free'>();
    access.db.selectFrom('notes').select('text');
    // @ts-expect-error: there is no such table
    access.db.selectFrom('votes');
  });
  const { guard, handler } = express;
  const router = Router();
  router.get(
    '/notes/:id',
    guard({ consume: 'calls' }),
    handler(({ params, body }) => {
      expectTypeOf(params.id).toEqualTypeOf<string>();
      expectTypeOf(body).toBeAny();
    }),
  );
  router.get(
    '/votes/:id',
    handler<{ id: string }>(({ params, body }) => {
      expectTypeOf(params.id).toEqualTypeOf<string>();
      expectTypeOf(body).toBeAny();
    }),
  );
  router.use(guard());
  const fastify = createFastifyAdapter(tenantry);
  Fastify({ frameworkErrors: fastify.frameworkErrors });
  fastify.handler<{ Body: { text: string } }>(({ access, body }) => {
    expectTypeOf(body.text).toEqualTypeOf<string>();
    expectTypeOf(access.plan).toEqualTypeOf<'free'>();
  });
  expectTypeOf<Request>().not.toHaveProperty('access');
  expectTypeOf<FastifyRequest>().not.toHaveProperty('access');
});

it('takes for demands what the plans have', () => {
  for (const { guard } of [createExpressAdapter(tenantry)]) {
    guard({ consume: 'calls', feature: 'export' });
    guard({ consume: { meter: 'bots', amount: 2 } });
    guard({ consume: { meter: 'calls', lease: { block: 100 } } });
    // @ts-expect-error: there is no such meter
    guard({ consume: 'cals' });
    // @ts-expect-error: there is no such feature
    guard({ feature: 'exports' });
    // @ts-expect-error: what exists is not taken ahead
    guard({ consume: { meter: 'bots', lease: { block: 100 } } });
  }
  const { guard } = createFastifyAdapter(tenantry);
  // @ts-expect-error: there is no such meter
  guard({ consume: 'cals' });
  const { handler } = createFetchAdapter(tenantry);
  // @ts-expect-error: there is no such meter
  handler({ consume: 'cals' }, () => new Response());
});
