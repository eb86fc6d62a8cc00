import type { FastifyInstance } from 'fastify';
import { isUuid } from 'tenantry/core';
import type { Receptionist } from './receptionist.ts';
import type { adapterOf } from './site.ts';
import { takeCall } from './take-call.ts';

const newCall = {
  type: 'object',
  required: ['botId', 'caller', 'seconds', 'outcome'],
  properties: {
    botId: { type: 'string', format: 'uuid' },
    caller: { type: 'string', pattern: '^[+0-9() -]{1,40}$' },
    seconds: { type: 'integer', minimum: 0, maximum: 86_400 },
    outcome: { enum: ['answered', 'order', 'missed'] },
    orderCents: { type: 'integer', minimum: 0, maximum: 100_000_000, default: 0 },
  },
} as const;

interface NewCallBody {
  readonly botId: string;
  readonly caller: string;
  readonly seconds: number;
  readonly outcome: 'answered' | 'order' | 'missed';
  readonly orderCents: number;
}

/** The API of customers, which their keys open: on plans that have it. */
export function apiRoutes(
  app: FastifyInstance,
  receptionist: Receptionist,
  { guard, handler }: ReturnType<typeof adapterOf>,
): void {
  app.get(
    '/v1/calls',
    guard({ permission: 'calls:read', feature: 'api' }),
    handler(async ({ access }) => {
      const query = access.db
        .selectFrom('calls')
        .select(['id', 'bot_id', 'caller', 'seconds', 'outcome', 'started_at']);
      return { calls: await query.orderBy('started_at', 'desc').limit(100).execute() };
    }),
  );

  app.post<{ Body: NewCallBody }>(
    '/v1/calls',
    {
      schema: { body: newCall },
      ...guard({ permission: 'calls:write', feature: 'api', accepts: ['application/json'] }),
    },
    handler<{ Body: NewCallBody }>(async ({ access, body }, reply) => {
      if (!isUuid(body.botId)) return reply.callNotFound();
      return reply.code(201).send({ id: await takeCall(receptionist, access, body) });
    }),
  );
}
