import { sql } from 'kysely';
import type { Command } from './billing-commands.ts';
import { type BillingProgram, type BillingWorld, billingProgram, billingWorld, clientOf } from './billing-world.ts';
import type { TestDatabase } from './databases.ts';
import { createMortal, type Mortal } from './mortal.ts';

type Database = TestDatabase<Record<string, never>>;

const urls = { successUrl: 'https://app.example/back', cancelUrl: 'https://app.example/no' };

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
export interface Story {
  readonly database: Database;
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

/** Begins anew, with an empty database. */
export async function begin(database: Database, seed: number): Promise<Story> {
  await sql`delete from tenantry.tenants`.execute(database.owner);
  await sql`delete from tenantry.webhook_inbox`.execute(database.owner);
  const world = await billingWorld({ seed });
  const { mortal, program } = start(database, world);
  const { tenantId } = await program.tenancy.provision({ userId: 'owner', name: 'Acme' });
  await program.organizations.setSeats(tenantId, null);
  return { database, world, program, mortal, tenantId, members: [], joined: 0, killed: 0, weary: false };
}

/** Starts the process again, as whoever watches over it would at once. */
export async function restart(story: Story): Promise<void> {
  if (!story.mortal.dead) return;
  story.killed += 1;
  story.weary = true;
  await story.mortal.bury();
  Object.assign(story, start(story.database, story.world));
}

/** The same, and waits until the leases of the one before are over. */
export async function revive(story: Story): Promise<void> {
  await restart(story);
  if (!story.weary) return;
  story.weary = false;
  await story.world.fake.advance({ minutes: 5 });
}

/** Starts a process that may be killed. */
export function start(database: Database, world: BillingWorld): { mortal: Mortal; program: BillingProgram } {
  const mortal = createMortal(database.urls?.app ?? '');
  const stripe = clientOf(world.fake, mortal.fetch(world.fake.fetch));
  return { mortal, program: billingProgram(mortal.db, { fake: world.fake, stripe }) };
}

/** Does one step. */
export async function act(story: Story, one: Command): Promise<void> {
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
export function isExpected(error: unknown, story: Story): boolean {
  if (story.mortal.dead) return true;
  if (typeof error !== 'object' || error === null) return false;
  const code: unknown = Reflect.get(error, 'code');
  const type: unknown = Reflect.get(error, 'type');
  return (typeof code === 'string' && expected.has(code)) || (typeof type === 'string' && type.startsWith('Stripe'));
}

/** Lets everything come in and be worked on. */
export async function drain(story: Story): Promise<void> {
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
      story.database.app,
    );
    if (rows[0]?.n === 0 && fake.webhooks.waiting === 0) return;
    await fake.advance({ minutes: 3 });
  }
  throw new Error('billing does not come to rest');
}
