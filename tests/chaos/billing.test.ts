import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Command, history } from '../support/billing-commands.ts';
import { fieldsOf, listOf, ours, truth } from '../support/billing-pictures.ts';
import { act, begin, drain, isExpected, restart, revive } from '../support/billing-story.ts';
import { webhookSecret } from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

/** `TENANTRY_HISTORIES=5000 npm run test:chaos -- billing` runs as many histories; a few when it is not said. */
const histories = Number(process.env.TENANTRY_HISTORIES ?? 60);

let database: TestDatabase<Record<string, never>>;
beforeAll(async () => {
  database = await postgresDatabase();
});
afterAll(() => database.destroy());

it(
  `equals Stripe after ${histories} random histories, whatever became of events, calls and the process`,
  async () => {
    let killed = 0;
    await fc.assert(
      fc.asyncProperty(history, async ({ seed, commands, shuffle, delay, duplicate, lose, begun }) => {
        const story = await begin(database, seed);
        try {
          const { fake } = story.world;
          fake.webhooks.connect({
            secret: webhookSecret,
            policy: { shuffle, delay, duplicate, lose },
            async handler(body, headers) {
              await restart(story);
              await story.program.billing.receive(body, headers);
              return 200;
            },
          });
          const first: Command[] = begun ? [{ do: 'subscribe', plan: 'team', pays: true }] : [];
          for (const one of [...first, ...commands]) {
            await act(story, one).catch((error: unknown) => {
              if (!isExpected(error, story)) throw error;
            });
            await revive(story);
          }
          await drain(story);
          if (lose > 0) {
            await story.program.billing.reconcile({ mend: true });
            await drain(story);
          }
          killed += story.killed;
          expect(await ours(story)).toEqual(truth(story));
          // Nobody pays twice.
          const live = fake.list('subscription').filter(({ status }) => status !== 'canceled');
          expect(live.length).toBeLessThanOrEqual(1);
          const { rows } = await sql<{
            taken: number;
          }>`select seats_taken as taken from tenantry.organizations`.execute(database.app);
          for (const row of live) {
            for (const item of listOf(fieldsOf(fieldsOf(row).items).data)) {
              if (!String(fieldsOf(item.price).lookup_key).includes('.seat.')) continue;
              expect(item.quantity).toBe(rows[0]?.taken);
            }
          }
        } finally {
          await story.mortal.bury();
        }
      }),
      { numRuns: histories, ...(process.env.TENANTRY_SEED && { seed: Number(process.env.TENANTRY_SEED) }) },
    );
    console.log(`${histories} histories, the process was killed ${killed} times`);
  },
  Math.max(300_000, histories * 2000),
);
