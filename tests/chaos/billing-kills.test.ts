import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { start } from '../support/billing-story.ts';
import { billingWorld, webhookSecret } from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

/** `TENANTRY_KILLS=2000 npm run test:chaos -- billing` kills it as often; a few times when it is not said. */
const kills = Number(process.env.TENANTRY_KILLS ?? 60);

let database: TestDatabase<Record<string, never>>;
beforeAll(async () => {
  database = await postgresDatabase();
});
afterAll(() => database.destroy());

it(`never answers that an event was taken that is not stored, killed ${kills} times around the commit`, async () => {
  const world = await billingWorld({ seed: 99 });
  const { fake } = world;
  const customer = await world.stripe.customers.create({ email: 'a@example.com' });
  const accepted = new Set<string>();
  let refused = 0;
  let current = start(database, world);
  fake.webhooks.connect({
    secret: webhookSecret,
    policy: { attempts: 1 },
    async handler(body, headers) {
      const { id } = await current.program.billing.receive(body, headers);
      accepted.add(id);
      return 200;
    },
  });
  for (let round = 0; round < kills; round += 1) {
    await world.stripe.customers.update(customer.id, { name: `Round ${round}` });
    current.mortal.arm(1, round % 2 === 0 ? 'before' : 'after');
    refused += (await fake.webhooks.drain()).refused;
    await current.mortal.bury();
    current = start(database, world);
  }
  const stored = await sql<{ id: string }>`select message_id as id from tenantry.webhook_inbox`.execute(database.app);
  const ids = new Set(stored.rows.map(({ id }) => id));
  expect([...accepted].filter((id) => !ids.has(id))).toEqual([]);
  expect(refused).toBeGreaterThanOrEqual(kills);
  // What was refused comes again, and is taken then.
  fake.webhooks.resend('undelivered');
  await fake.webhooks.drain();
  expect(fake.events.filter(({ id }) => !accepted.has(String(id)) && !ids.has(String(id)))).toHaveLength(0);
  await current.mortal.bury();
});
