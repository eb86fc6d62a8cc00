import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FaultKind } from '../../src/testing/index.ts';
import {
  type BillingProgram,
  type BillingWorld,
  billingProgram,
  billingWorld,
  clientOf,
  webhookSecret,
} from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { createMortal, type Mortal } from '../support/mortal.ts';

/** `TENANTRY_HISTORIES=5000 npm run test:chaos -- billing` runs as many histories; a few when it is not said. */
const histories = Number(process.env.TENANTRY_HISTORIES ?? 60);
const kills = Number(process.env.TENANTRY_KILLS ?? 60);
const urls = { successUrl: 'https://app.example/back', cancelUrl: 'https://app.example/no' };

let database: TestDatabase<Record<string, never>>;
beforeAll(async () => {
  database = await postgresDatabase();
});
afterAll(() => database.destroy());

type Command =
  | { readonly do: 'subscribe'; readonly plan: 'pro' | 'team' | 'tried'; readonly pays: boolean }
  | {
      readonly do: 'swap';
      readonly plan: 'pro' | 'team' | 'tried';
      readonly when: 'now' | 'period-end';
      readonly proration: 'create' | 'invoice' | 'none';
    }
  | { readonly do: 'cancel'; readonly when: 'now' | 'period-end' | 'later' }
  | { readonly do: 'resume' | 'pause' | 'unpause' | 'keepPlan' | 'sync' | 'work' | 'pay' | 'deliver' }
  | { readonly do: 'atStripe'; readonly what: 'cancel' | 'cancel-later' | 'keep' }
  | { readonly do: 'members'; readonly change: 'add' | 'remove' }
  | { readonly do: 'card'; readonly card: 'ok' | 'declines' }
  | { readonly do: 'days'; readonly days: number }
  | { readonly do: 'fault'; readonly how: FaultKind; readonly next: number }
  | { readonly do: 'kill'; readonly step: number; readonly death: 'before' | 'after' };

const planName = fc.constantFrom('pro' as const, 'team' as const, 'tried' as const);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('subscribe' as const), plan: planName, pays: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('swap' as const),
      plan: planName,
      when: fc.constantFrom('now' as const, 'period-end' as const),
      proration: fc.constantFrom('create' as const, 'invoice' as const, 'none' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('cancel' as const),
      when: fc.constantFrom('now' as const, 'period-end' as const, 'later' as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'resume' as const,
        'pause' as const,
        'unpause' as const,
        'keepPlan' as const,
        'sync' as const,
        'work' as const,
        'pay' as const,
        'deliver' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('atStripe' as const),
      what: fc.constantFrom('cancel' as const, 'cancel-later' as const, 'keep' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('members' as const),
      change: fc.constantFrom('add' as const, 'add' as const, 'remove' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('card' as const),
      card: fc.constantFrom('ok' as const, 'declines' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('days' as const), days: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      how: fc.constantFrom<FaultKind[]>(
        'error',
        'error-after-effect',
        'rate-limit',
        'timeout-before',
        'timeout-after-effect',
        'drop',
      ),
      next: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('kill' as const),
      step: fc.integer({ min: 1, max: 45 }),
      death: fc.constantFrom('before' as const, 'after' as const),
    }),
  },
);

const history = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  commands: fc.array(command, { minLength: 4, maxLength: 20, size: 'max' }),
  shuffle: fc.boolean(),
  delay: fc.constantFrom(0, 600, 86_400),
  duplicate: fc.constantFrom(0, 0.3, 1),
  lose: fc.constantFrom(0, 0, 0.3, 1),
  /** Half of the histories begin with a tenant that pays. */
  begun: fc.boolean(),
});

/** Codes of refusals that a history may meet: none leaves anything half done. */
const expected = new Set([
  'billing_busy',
  'provider_refused',
  'provider_unavailable',
  'subscription_exists',
  'subscription_not_found',
  'last_owner',
]);

/** A program whose process may be killed, and is started anew when it was. */
interface Story {
  readonly world: BillingWorld;
  program: BillingProgram;
  mortal: Mortal;
  readonly tenantId: string;
  readonly members: string[];
  joined: number;
  killed: number;
  /** Whether the leases of a process before may still hold. */
  weary: boolean;
}

async function begin(seed: number): Promise<Story> {
  await sql`delete from tenantry.tenants`.execute(database.owner);
  await sql`delete from tenantry.webhook_inbox`.execute(database.owner);
  const world = await billingWorld({ seed });
  const { mortal, program } = start(world);
  const { tenantId } = await program.tenancy.provision({ userId: 'owner', name: 'Acme' });
  await program.organizations.setSeats(tenantId, null);
  return { world, program, mortal, tenantId, members: [], joined: 0, killed: 0, weary: false };
}

/** Starts the process again, as whoever watches over it would at once. */
async function restart(story: Story): Promise<void> {
  if (!story.mortal.dead) return;
  story.killed += 1;
  story.weary = true;
  await story.mortal.bury();
  Object.assign(story, start(story.world));
}

/** The same, and waits until the leases of the one before are over. */
async function revive(story: Story): Promise<void> {
  await restart(story);
  if (!story.weary) return;
  story.weary = false;
  await story.world.fake.advance({ minutes: 5 });
}

function start(world: BillingWorld): { mortal: Mortal; program: BillingProgram } {
  const mortal = createMortal(database.urls?.app ?? '');
  const stripe = clientOf(world.fake, mortal.fetch(world.fake.fetch));
  return { mortal, program: billingProgram(mortal.db, { fake: world.fake, stripe }) };
}

async function act(story: Story, one: Command): Promise<void> {
  const { program, tenantId, world } = story;
  const { fake } = world;
  const { billing } = program;
  const calm = clientOf(fake, fake.calmFetch);
  const customer = () => String(fake.list('customer').at(-1)?.id ?? '');
  switch (one.do) {
    case 'subscribe': {
      const { sessionId } = await billing.checkout({ tenantId, plan: one.plan, ...urls });
      if (one.pays) fake.completeCheckout(sessionId);
      return;
    }
    case 'swap':
      await billing.swap({ tenantId, plan: one.plan, when: one.when, proration: one.proration });
      return;
    case 'cancel': {
      const later = new Date(fake.clock().getTime() + 9 * 86_400_000);
      await billing.cancel({ tenantId, when: one.when === 'later' ? later : one.when });
      return;
    }
    case 'resume':
    case 'pause':
    case 'unpause':
    case 'keepPlan':
      await billing[one.do]({ tenantId });
      return;
    case 'sync':
      await billing.sync(tenantId);
      return;
    case 'work':
      await billing.processDue();
      return;
    case 'deliver':
      await fake.webhooks.deliver();
      return;
    case 'pay': {
      const open = fake.list('invoice').find(({ status }) => status === 'open');
      if (open !== undefined) fake.payInvoice(String(open.id));
      return;
    }
    case 'atStripe': {
      const id = String(fake.list('subscription').findLast(({ status }) => status !== 'canceled')?.id ?? '');
      if (id === '') return;
      if (one.what === 'cancel') await calm.subscriptions.cancel(id);
      else await calm.subscriptions.update(id, { cancel_at_period_end: one.what === 'cancel-later' });
      return;
    }
    case 'members': {
      if (one.change === 'add') {
        story.joined += 1;
        const userId = `member-${story.joined}`;
        const { member } = await program.organizations.members.add({ tenantId, userId, role: 'member' });
        story.members.push(member.id);
        return;
      }
      const memberId = story.members.pop();
      if (memberId !== undefined) await program.organizations.members.remove({ tenantId, memberId });
      return;
    }
    case 'card':
      if (customer() !== '') fake.setCard(customer(), one.card);
      return;
    case 'days':
      await fake.advance({ days: one.days });
      return;
    case 'fault':
      fake.fail({ next: one.next, how: one.how });
      return;
    case 'kill':
      story.mortal.arm(one.step, one.death);
      return;
  }
}

/** Whether an error is one that a history may meet: a refusal, the end of the process, or what the fake says itself. */
function isExpected(error: unknown, story: Story): boolean {
  if (story.mortal.dead) return true;
  if (typeof error !== 'object' || error === null) return false;
  const code: unknown = Reflect.get(error, 'code');
  const type: unknown = Reflect.get(error, 'type');
  return (typeof code === 'string' && expected.has(code)) || (typeof type === 'string' && type.startsWith('Stripe'));
}

/** Lets everything come in and be worked on. */
async function drain(story: Story): Promise<void> {
  const { fake } = story.world;
  fake.heal();
  fake.webhooks.policy({});
  story.mortal.arm(Number.POSITIVE_INFINITY, 'before');
  await revive(story);
  for (let rounds = 0; rounds < 200; rounds += 1) {
    await fake.webhooks.drain();
    await story.program.billing.processDue();
    const { rows } = await sql<{ n: number }>`
      select ((select count(*) from tenantry.webhook_inbox where state = 'waiting')
        + (select count(*) from tenantry.billing_flags where kind = 'seats' and raised > settled))::integer as n`.execute(
      database.app,
    );
    if (rows[0]?.n === 0 && fake.webhooks.waiting === 0) return;
    await fake.advance({ minutes: 3 });
  }
  throw new Error('billing does not come to rest');
}

interface Pictured {
  readonly subscriptions: readonly unknown[];
  readonly invoices: readonly unknown[];
  readonly tenant: unknown;
}

type Plain = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Plain =>
  typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
const listOf = (value: unknown): readonly Plain[] => (Array.isArray(value) ? value.map(fieldsOf) : []);
const secondsOf = (time: Date | null): number | null => (time === null ? null : time.getTime() / 1000);
const byId = (one: { id: unknown }, other: { id: unknown }): number => (String(one.id) < String(other.id) ? -1 : 1);

/** What the fake has, said without anything of the library. */
function truth({ world: { fake } }: Story): Pictured {
  const own = fake.list('subscription').map(fieldsOf);
  const plans = own.map((row) => {
    const keys = listOf(fieldsOf(row.items).data).map((item) => String(fieldsOf(item.price).lookup_key));
    return keys[0]?.split('.')[1] ?? '';
  });
  const order = own
    .map((row, index) => ({ row, plan: plans[index] ?? '' }))
    .toSorted(
      (a, b) => Number(a.row.created) - Number(b.row.created) || (String(a.row.id) < String(b.row.id) ? -1 : 1),
    );
  const over = (row: Plain): boolean => row.status === 'canceled' || row.status === 'incomplete_expired';
  const now = fake.clock().getTime() / 1000;
  const gives = (row: Plain): boolean => {
    if (over(row) || row.status === 'incomplete') return false;
    if (row.status === 'paused' || row.pause_collection !== null) return false;
    if (row.status === 'active' || row.status === 'trialing') return true;
    const invoice = fieldsOf(fake.get(String(row.latest_invoice)));
    const since = Number(invoice.due_date ?? fieldsOf(invoice.status_transitions).finalized_at ?? invoice.created);
    return since + 14 * 86_400 > now;
  };
  const counting =
    order.find(({ row }) => gives(row)) ??
    order.find(({ row }) => !over(row) && row.status !== 'incomplete') ??
    order.find(({ row }) => !over(row)) ??
    order.at(-1);
  return {
    subscriptions: own
      .map((row) => ({
        id: row.id,
        status: row.status,
        endsAt: row.ended_at ?? row.cancel_at ?? null,
        paused: row.status === 'paused' || row.pause_collection !== null,
        items: listOf(fieldsOf(row.items).data)
          .map((item) => ({
            id: item.id,
            price: fieldsOf(item.price).id,
            quantity: fieldsOf(fieldsOf(item.price).recurring).usage_type === 'metered' ? null : item.quantity,
            end: item.current_period_end,
          }))
          .toSorted(byId),
      }))
      .toSorted(byId),
    invoices: fake
      .list('invoice')
      .map(fieldsOf)
      .map(({ id, status, total, amount_paid, amount_remaining }) => ({
        id,
        status,
        total,
        paid: amount_paid,
        remaining: amount_remaining,
      }))
      .toSorted(byId),
    tenant:
      counting === undefined
        ? { plan: 'free', status: null }
        : { plan: gives(counting.row) ? counting.plan : 'free', status: counting.row.status },
  };
}

/** What our rows say. */
async function ours({ tenantId }: Story): Promise<Pictured> {
  const run = async <Row>(query: ReturnType<typeof sql<Row>>): Promise<readonly Row[]> =>
    (await query.execute(database.app)).rows;
  const items = await run(
    sql<{
      subscription_id: string;
      id: string;
      price_id: string;
      quantity: number | null;
      period_end: Date | null;
    }>`select * from tenantry.billing_subscription_items where tenant_id = ${tenantId}::uuid`,
  );
  const subscriptions = await run(sql<{ id: string; status: string; ends_at: Date | null; paused: boolean }>`
    select * from tenantry.billing_subscriptions where tenant_id = ${tenantId}::uuid and gone_at is null`);
  const invoices = await run(sql<{ id: string; status: string; total: string; paid: string; remaining: string }>`
    select id, status, total, amount_paid as paid, amount_remaining as remaining from tenantry.billing_invoices
    where tenant_id = ${tenantId}::uuid`);
  const [tenant] = await run(sql<{ plan: string; status: string | null }>`
    select plan, subscription_status as status from tenantry.tenants where tenant_id = ${tenantId}::uuid`);
  return {
    subscriptions: subscriptions
      .map(({ id, status, ends_at, paused }) => ({
        id,
        status,
        endsAt: secondsOf(ends_at),
        paused,
        items: items
          .filter((item) => item.subscription_id === id)
          .map((item) => ({
            id: item.id,
            price: item.price_id,
            quantity: item.quantity,
            end: secondsOf(item.period_end),
          }))
          .toSorted(byId),
      }))
      .toSorted(byId),
    invoices: invoices
      .map(({ id, status, total, paid, remaining }) => ({
        id,
        status,
        total: Number(total),
        paid: Number(paid),
        remaining: Number(remaining),
      }))
      .toSorted(byId),
    tenant,
  };
}

it(
  `equals Stripe after ${histories} random histories, whatever became of events, calls and the process`,
  async () => {
    let killed = 0;
    await fc.assert(
      fc.asyncProperty(history, async ({ seed, commands, shuffle, delay, duplicate, lose, begun }) => {
        const story = await begin(seed);
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

it(`never answers that an event was taken that is not stored, killed ${kills} times around the commit`, async () => {
  const world = await billingWorld({ seed: 99 });
  const { fake } = world;
  const customer = await world.stripe.customers.create({ email: 'a@example.com' });
  const accepted = new Set<string>();
  let refused = 0;
  let current = start(world);
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
    current = start(world);
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
