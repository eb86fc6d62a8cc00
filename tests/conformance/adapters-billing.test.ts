import { sql } from 'kysely';
import { createWebhookReceiver, createWebhookSecret, signStripeWebhook } from 'tenantry/webhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AnyDatabase } from '../../src/database/index.ts';
import {
  type BillingProgram,
  type BillingWorld,
  billingProgram,
  billingWorld,
  settle,
  webhookSecret,
} from '../support/billing-world.ts';
import { postgresDatabase } from '../support/databases.ts';
import { type DoorWorld, doorWorld } from '../support/door-world.ts';
import { type Door, doors, eventLimit } from '../support/doors.ts';
import { type Answer, type Call, callPort } from '../support/http-client.ts';

/*
 * Events of a payment provider through each door: from the fake Stripe, which signs them and sends them over HTTP, into
 * the inbox of billing.
 */

let world: DoorWorld;
let shop: BillingWorld;
let program: BillingProgram;
let withoutDatabase: BillingProgram;

beforeAll(async () => {
  world = await doorWorld();
  shop = await billingWorld();
  program = billingProgram(world.database.app, shop);
  withoutDatabase = billingProgram(await goneDatabase(), shop);
});
afterAll(() => world.database.destroy());

/** A handle to a database that is away. */
async function goneDatabase(): Promise<AnyDatabase> {
  const gone = await postgresDatabase();
  await gone.destroy();
  return gone.app;
}

describe.each(Object.entries(doors))('%s', (_name, open) => {
  let door: Door;
  let away = false;
  const failures: unknown[] = [];

  beforeAll(async () => {
    door = await open({
      tenantry: world.tenantry,
      receiver: createWebhookReceiver({ secret: createWebhookSecret(), handle: async () => undefined }),
      billing: { receive: (body, headers) => (away ? withoutDatabase : program).billing.receive(body, headers) },
      onError: (error) => failures.push(error),
    });
  });
  afterAll(() => door.close());
  beforeEach(() => {
    failures.length = 0;
  });

  const call = (what: Call): Promise<Answer> => callPort(door.port, what);
  const codeOf = ({ status, headers, body }: Answer) => {
    expect(headers['content-type']).toContain('application/problem+json');
    return [status, Object(body).code];
  };

  it('takes the events of the payment provider in, and what was paid over it opens the plan', async () => {
    const { tenantId } = await program.tenancy.provision({ userId: 'ada', name: 'Payer' });
    const urls = { successUrl: 'https://app.example/back', cancelUrl: 'https://app.example/no' };
    const { sessionId } = await program.billing.checkout({ tenantId, plan: 'pro', ...urls });
    const answers: Answer[] = [];
    const disconnect = shop.fake.webhooks.connect({
      secret: webhookSecret,
      async handler(bytes, headers) {
        const answer = await call({ method: 'POST', path: '/billing', headers, body: Buffer.from(bytes).toString() });
        answers.push(answer);
        return answer.status;
      },
    });
    shop.fake.completeCheckout(sessionId);
    await settle(shop, program);
    disconnect();
    expect(answers.length).toBeGreaterThan(2);
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`))).toEqual(new Set(['200 ']));
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'pro', status: 'active' });
    expect(failures).toEqual([]);
  });

  it('answers 200 to an event of the payment provider when it is stored, and never otherwise', async () => {
    const stored = async (id: string): Promise<number> => {
      const found = await sql`select 1 from tenantry.webhook_inbox where message_id = ${id}`.execute(
        world.database.app,
      );
      return found.rows.length;
    };
    const post = async (
      id: string,
      change: Partial<Call> = {},
      sign: Partial<{ secret: string; timestamp: Date }> = {},
    ) => {
      const fields = {
        id,
        object: 'event',
        type: 'x.y',
        livemode: false,
        created: 1_790_000_000,
        data: { object: {} },
      };
      const body = JSON.stringify(fields, null, 1);
      const signed = signStripeWebhook({ body, secret: webhookSecret, timestamp: shop.fake.clock(), ...sign });
      const headers = { 'content-type': 'application/json; charset=utf-8', ...signed };
      return call({ method: 'POST', path: '/billing', body, headers, ...change });
    };
    const id = (name: string): string => `evt_${name}_${door.port}`;
    expect((await post(id('twice'))).status).toBe(200);
    expect((await post(id('twice'))).status).toBe(200);
    expect(await stored(id('twice'))).toBe(1);
    const plain = signStripeWebhook({ body: 'x', secret: webhookSecret, timestamp: shop.fake.clock() });
    for (const answer of [
      await post(id('bad'), {}, { secret: 'whsec_of_another' }),
      await post(id('bad'), {}, { timestamp: new Date(0) }),
      await post(id('bad'), { headers: { 'content-type': 'application/json' } }),
      await post(id('bad'), { body: '{}' }),
      await post(id('bad'), { body: 'x', headers: { 'content-type': 'text/plain', ...plain } }),
    ]) {
      expect(codeOf(answer)).toEqual([400, 'webhook_signature_invalid']);
    }
    const large = await post(id('bad'), { body: 'x'.repeat(eventLimit + 1) });
    expect(codeOf(large)).toEqual([413, 'body_too_large']);
    expect(await stored(id('bad'))).toBe(0);
    expect(failures).toEqual([]);
    away = true;
    expect((await post(id('away'))).status).toBeGreaterThanOrEqual(500);
    away = false;
    expect(await stored(id('away'))).toBe(0);
    expect(failures).toHaveLength(1);
    expect((await post(id('away'))).status).toBe(200);
  });
});
