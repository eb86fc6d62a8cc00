import type { Kysely } from 'kysely';
import type { FakeStripe } from 'tenantry/testing';
import type { Database, Outcome } from './data.ts';
import type { Receptionist } from './receptionist.ts';

/** The password of all demo accounts. */
export const demoPassword = 'a demo password';

const day = 86_400_000;

/** Who runs the platform in the demo. */
export const demoStaff = 'root@receptionist.example';
/** Who owns the demo's customer. */
export const demoOwner = 'luigi@trattoria.example';

/**
 * Makes a super admin and a customer on Pro with two bots, two weeks of calls, a colleague and a webhook. `owner` is a
 * login that may write to `staff`; `hooks` is the address of the demo's own receiver.
 */
export async function seedDemo(
  receptionist: Receptionist,
  { owner, fake, hooks }: { readonly owner: Kysely<Database>; readonly fake: FakeStripe; readonly hooks: string },
): Promise<{ readonly tenantId: string }> {
  const { auth, billing, organizations, tenancy, webhooks } = receptionist;
  const password = demoPassword;
  const staff = await auth.users.create({ email: demoStaff, name: 'Root', password, emailVerified: true });
  await owner.insertInto('staff').values({ user_id: staff.userId }).execute();

  const made = await auth.signUp({ email: demoOwner, password, name: 'Luigi', tenant: { name: 'Trattoria Luigi' } });
  if (!made.ok || made.tenantId === null) throw new Error('the demo was made before');
  const { tenantId } = made;
  await auth.users.setEmail({ userId: made.user.userId, email: demoOwner });
  const colleague = await auth.users.create({ email: 'anna@trattoria.example', name: 'Anna', password });
  const { userId, email, name } = colleague;
  await organizations.members.add({ tenantId, userId, email, name });

  const data = { phone: { number: '+39 06 5550 0100' }, business: { kind: 'restaurant', address: 'Via Roma 1' } };
  await auth.setup.complete({ tenantId, step: 'phone', data: data.phone });
  await auth.setup.complete({ tenantId, step: 'business', data: data.business });
  await auth.setup.complete({ tenantId, step: 'greeting', data: { greeting: 'Trattoria Luigi, good evening!' } });

  const urls = { successUrl: 'http://127.0.0.1/', cancelUrl: 'http://127.0.0.1/' };
  const { sessionId } = await billing.checkout({ tenantId, plan: 'pro', payer: { email: demoOwner }, ...urls });
  fake.completeCheckout(sessionId);
  await billing.sync(tenantId);

  const scope = tenancy.scope(tenantId);
  const bots = ['Reservations', 'Take-away'].map((name) => ({ id: crypto.randomUUID(), name }));
  for (const { id, name } of bots) {
    await receptionist.plans.consume(tenantId, 'bots');
    const texts = { name, business: 'restaurant', greeting: `Trattoria Luigi, ${name.toLowerCase()}.`, voice: 'calm' };
    await scope
      .insertInto('bots')
      .values({ id, ...texts, created_at: new Date() })
      .execute();
  }
  const calls = demoCalls(bots.map(({ id }) => id));
  await scope.insertInto('calls').values(calls).execute();
  await receptionist.plans.consume(tenantId, 'calls', calls.length);
  await webhooks.endpoints.create({ tenantId, url: hooks, description: 'the demo’s own receiver' });
  return { tenantId };
}

/** Two weeks of calls, the same with every start. */
function demoCalls(bots: readonly string[]) {
  const today = Math.floor(Date.now() / day) * day;
  return Array.from({ length: 96 }, (_, index) => {
    const outcome: Outcome = (index * index + index) % 11 === 2 ? 'missed' : index % 3 === 0 ? 'order' : 'answered';
    const back = (index * 5 + (index % 4) * (index % 3)) % 14;
    return {
      id: crypto.randomUUID(),
      bot_id: bots[index % bots.length] ?? '',
      caller: `+39 06 5550 ${String(1000 + index)}`,
      seconds: outcome === 'missed' ? 0 : 20 + ((index * 37) % 200),
      outcome,
      order_cents: outcome === 'order' ? 1500 + ((index * 731) % 4000) : 0,
      started_at: new Date(Math.min(Date.now(), today - back * day + ((index * 53) % 720) * 60_000)),
    };
  });
}
