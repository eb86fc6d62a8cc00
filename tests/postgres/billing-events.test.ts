import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signStripeWebhook } from '../../src/webhooks/index.ts';
import {
  type BillingProgram,
  type BillingWorld,
  billingProgram,
  billingWorld,
  clientOf,
  connect,
  settle,
  webhookSecret,
} from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

let database: TestDatabase<Record<string, never>>;
let world: BillingWorld;
let program: BillingProgram;
const urls = { successUrl: 'https://app.example/back', cancelUrl: 'https://app.example/no' };
let count = 0;

beforeAll(async () => {
  database = await postgresDatabase();
  world = await billingWorld();
  program = billingProgram(database.app, world);
  connect(world, program);
});
afterAll(() => database.destroy());

async function tenant(): Promise<string> {
  count += 1;
  return (await program.tenancy.provision({ userId: `user-${count}`, name: `Acme ${count}` })).tenantId;
}

async function subscribed(): Promise<string> {
  const tenantId = await tenant();
  const { sessionId } = await program.billing.checkout({ tenantId, plan: 'pro', ...urls });
  world.fake.completeCheckout(sessionId);
  await settle(world, program);
  return tenantId;
}

const now = (): number => Math.floor(world.fake.clock().getTime() / 1000);
const signed = (body: string, at = now(), secret = webhookSecret) => ({
  ...signStripeWebhook({ body, secret, timestamp: new Date(at * 1000) }),
});
const eventBody = (fields: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({
    id: `evt_own_${now()}_${Math.random()}`,
    object: 'event',
    type: 'customer.subscription.updated',
    created: now(),
    livemode: false,
    data: { object: {} },
    ...fields,
  });
const rows = async (): Promise<number> => {
  const found = await sql<{ n: number }>`select count(*)::integer as n from tenantry.webhook_inbox`.execute(
    database.app,
  );
  return found.rows[0]?.n ?? 0;
};

describe('receive', () => {
  it('stores an event before it answers, and once', async () => {
    const body = eventBody({ id: 'evt_once' });
    const headers = signed(body);
    expect(await program.billing.receive(body, headers)).toEqual({
      status: 200,
      id: 'evt_once',
      type: 'customer.subscription.updated',
      repeated: false,
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => program.billing.receive(body, headers)));
    expect(new Set(answers.map(({ repeated }) => repeated))).toEqual(new Set([true]));
    expect(await program.billing.receive(Buffer.from(body), headers)).toMatchObject({ repeated: true });
  });

  it('refuses what is forged, replayed, dated into the future, cut, or none', async () => {
    const before = await rows();
    const body = eventBody({});
    for (const [headers, sent, reason] of [
      [signed(body, now(), 'whsec_of_another'), body, 'no_matching_signature'],
      [signed(body), `${body} `, 'no_matching_signature'],
      [signed(body, now() - 3600), body, 'timestamp_out_of_tolerance'],
      [signed(body, now() + 3600), body, 'timestamp_out_of_tolerance'],
      [{}, body, 'missing_headers'],
      [signed('no json'), 'no json', 'invalid_payload'],
      [signed('{"id":"evt_1"}'), '{"id":"evt_1"}', 'invalid_payload'],
    ] as const) {
      await expect(program.billing.receive(sent, headers)).rejects.toMatchObject({
        code: 'webhook_signature_invalid',
        details: { reason },
      });
    }
    expect(await rows()).toBe(before);
  });

  it('refuses a body that was parsed, and an event of the other mode', async () => {
    const body = eventBody({ livemode: true });
    await expect(program.billing.receive(body, signed(body))).rejects.toMatchObject({
      code: 'provider_mode_mismatch',
      details: { expected: 'test', actual: 'live' },
    });
    const parsed: string = JSON.parse(body);
    await expect(program.billing.receive(parsed, signed(body))).rejects.toThrow(TypeError);
  });

  it('keeps nothing of what an event says, but what it names', async () => {
    const secret = 'ada@example.com';
    const object = { id: 'cus_x', object: 'customer', email: secret, metadata: { note: secret } };
    const body = eventBody({ id: 'evt_private', type: 'customer.updated', data: { object } });
    await program.billing.receive(body, signed(body));
    const found = await sql<{ row: string }>`
      select i::text as row from tenantry.webhook_inbox i where message_id = 'evt_private'`.execute(database.app);
    expect(found.rows[0]?.row).toContain('cus_x');
    expect(found.rows[0]?.row).not.toContain(secret);
  });
});

describe('work', () => {
  it('takes thin events, and events of types and objects that nobody knows', async () => {
    const tenantId = await subscribed();
    const { subscription, customerId } = await program.billing.state(tenantId);
    world.fake.plant(subscription?.id ?? '', { cancel_at: now() + 86_400 });
    const body = JSON.stringify({
      id: 'evt_thin',
      object: 'v2.core.event',
      type: 'v1.customer.subscription.updated',
      livemode: false,
      created: world.fake.clock().toISOString(),
      related_object: { id: subscription?.id, type: 'subscription', url: `/v1/subscriptions/${subscription?.id}` },
    });
    await program.billing.receive(body, signed(body));
    for (const object of [{ id: 'x_1', object: 'x', customer: customerId }, { object: 'x' }, null, 'x', []]) {
      const strange = eventBody({ type: 'of.tomorrow', data: { object } });
      await program.billing.receive(strange, signed(strange));
    }
    await settle(world, program);
    expect((await program.billing.state(tenantId)).endsAt).toEqual(new Date((now() + 86_400) * 1000));
    expect(await program.billing.events.dead()).toEqual([]);
  });

  it('does nothing for customers of others, and of other accounts', async () => {
    const tenantId = await subscribed();
    const customer = await world.stripe.customers.create({ email: 'somebody@example.com' });
    const theirs = await world.stripe.customers.create({ metadata: { tenantry_tenant_id: tenantId } });
    // It claims a tenant that is none.
    await world.stripe.customers.create({ metadata: { tenantry_tenant_id: '00000000-0000-7000-8000-00000000dead' } });
    const connected = eventBody({
      account: 'acct_of_another',
      data: { object: { object: 'customer', id: theirs.id } },
    });
    await program.billing.receive(connected, signed(connected));
    await world.stripe.customers.update(customer.id, { name: 'Somebody' });
    const before = await program.billing.state(tenantId);
    await settle(world, program);
    expect(await program.billing.events.dead()).toEqual([]);
    expect(await program.billing.state(tenantId)).toMatchObject({
      customerId: before.customerId,
      plan: 'pro',
      subscriptions: [{ id: before.subscription?.id }],
    });
  });

  it('tries again while the provider is away, and gives up with a reason until it is told to go on', async () => {
    const tenantId = await subscribed();
    const { subscription } = await program.billing.state(tenantId);
    await world.stripe.subscriptions.update(subscription?.id ?? '', { cancel_at_period_end: true });
    await world.fake.webhooks.drain();
    world.fake.fail({ rate: 1, how: 'error' });
    expect((await program.billing.processDue()).events).toMatchObject({ done: 0, dead: 0 });
    for (let tries = 0; tries < 20; tries += 1) {
      await world.fake.advance({ hours: 7 });
      await program.billing.processDue();
    }
    const dead = await program.billing.events.dead();
    expect(dead.map(({ type }) => type)).toContain('customer.subscription.updated');
    expect(dead[0]).toMatchObject({ attempts: 15, error: expect.stringContaining('provider_unavailable') });
    world.fake.heal();
    expect(await program.billing.events.replay()).toBe(dead.length);
    await settle(world, program);
    expect((await program.billing.state(tenantId)).endsAt).not.toBeNull();
    expect(await program.billing.events.dead()).toEqual([]);
  });

  it('is done once by many at the same time', async () => {
    const tenantId = await subscribed();
    const { subscription } = await program.billing.state(tenantId);
    await world.stripe.subscriptions.update(subscription?.id ?? '', { cancel_at_period_end: true });
    await world.fake.webhooks.drain();
    const others = Array.from({ length: 4 }, () => billingProgram(database.app, world));
    const done = await Promise.all([program, ...others].map((one) => one.billing.processDue()));
    expect(done.reduce((sum, { events }) => sum + events.done, 0)).toBeGreaterThan(0);
    await world.fake.advance({ seconds: 2 });
    await settle(world, program);
    expect((await program.billing.state(tenantId)).endsAt).toEqual(subscription?.periodEnd);
  });

  it('takes in a customer that was made by a process that ended before it wrote it down', async () => {
    const tenantId = await tenant();
    const customer = await world.stripe.customers.create({ metadata: { tenantry_tenant_id: tenantId } });
    await settle(world, program);
    expect((await program.billing.state(tenantId)).customerId).toBe(customer.id);
  });

  it('finds what is paid twice', async () => {
    const tenantId = await subscribed();
    const { customerId, subscription } = await program.billing.state(tenantId);
    const priceId = subscription?.items[0]?.priceId ?? '';
    await world.fake.advance({ hours: 1 });
    world.fake.setCard(customerId ?? '', 'ok');
    const second = await world.stripe.subscriptions.create({
      customer: customerId ?? '',
      items: [{ price: priceId }],
    });
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({
      duplicates: 1,
      subscription: { id: subscription?.id },
    });
    const { items } = await program.audit.list({ tenantId });
    expect(items.map(({ action }) => action)).toContain('subscription.duplicated');
    await program.billing.cancel({ tenantId, when: 'now', subscriptionId: second.id });
    expect(await program.billing.state(tenantId)).toMatchObject({ duplicates: 0, plan: 'pro' });
  });

  it('never lets a look that is late overwrite a later one', async () => {
    const tenantId = await subscribed();
    const { subscription } = await program.billing.state(tenantId);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let reached: () => void = () => undefined;
    const inTheMiddle = new Promise<void>((resolve) => {
      reached = resolve;
    });
    // A process that stops for ten minutes between the answer and the writing of it.
    const slow = billingProgram(database.app, {
      fake: world.fake,
      stripe: clientOf(world.fake, async (input, init) => {
        const answer = await world.fake.fetch(input, init);
        if (String(input).includes('/v1/subscriptions')) {
          reached();
          await held;
        }
        return answer;
      }),
    });
    const late = slow.billing.sync(tenantId);
    late.catch(() => undefined);
    await inTheMiddle;
    await world.fake.advance({ minutes: 10 });
    await world.stripe.subscriptions.cancel(subscription?.id ?? '');
    expect(await program.billing.sync(tenantId)).toMatchObject({ plan: 'free', status: 'canceled' });
    release();
    await expect(late).rejects.toMatchObject({ code: 'billing_busy' });
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'free', status: 'canceled' });
  });
});

describe('reconcile', () => {
  it('reports where rows differ, and mends them', async () => {
    const tenantId = await subscribed();
    expect(await program.billing.reconcile({ tenantId })).toMatchObject({ tenants: 1, drift: [], mended: 0 });
    const { subscription } = await program.billing.state(tenantId);
    await sql`update tenantry.billing_subscriptions set status = 'canceled', seats = 3
      where tenant_id = ${tenantId}::uuid`.execute(database.app);
    await program.tenancy.setPlan(tenantId, 'free');
    const found = await program.billing.reconcile({ tenantId });
    expect(found.drift).toEqual(
      expect.arrayContaining([
        {
          tenantId,
          what: 'subscription',
          id: subscription?.id,
          field: 'status',
          ours: 'canceled',
          theirs: 'active',
        },
        { tenantId, what: 'tenant', id: tenantId, field: 'plan', ours: 'free', theirs: 'pro' },
      ]),
    );
    expect(await program.tenancy.get(tenantId)).toMatchObject({ plan: 'free' });
    const steps: number[] = [];
    const mended = await program.billing.reconcile({ mend: true, onProgress: ({ done }) => steps.push(done) });
    expect(mended).toMatchObject({ failed: [], mended: expect.any(Number) });
    expect(steps).toEqual(Array.from({ length: mended.tenants }, (_, index) => index + 1));
    expect(await program.tenancy.get(tenantId)).toMatchObject({ plan: 'pro' });
    expect(await program.billing.reconcile()).toMatchObject({ drift: [], failed: [] });
  });

  it('finds what was lost on the way', async () => {
    const tenantId = await subscribed();
    world.fake.webhooks.policy({ lose: 1 });
    const { subscription, customerId } = await program.billing.state(tenantId);
    await world.stripe.subscriptions.cancel(subscription?.id ?? '');
    world.fake.webhooks.policy({});
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'pro' });
    const { drift } = await program.billing.reconcile({ tenantId, mend: true });
    expect(drift.length).toBeGreaterThan(0);
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'free', customerId });
  });

  it('keeps what was removed at the provider, as gone', async () => {
    const tenantId = await subscribed();
    const { subscription } = await program.billing.state(tenantId);
    world.fake.remove(subscription?.id ?? '');
    const { drift } = await program.billing.reconcile({ tenantId, mend: true });
    expect(drift).toContainEqual({
      tenantId,
      what: 'subscription',
      id: subscription?.id,
      field: '*',
      ours: 'active',
      theirs: null,
    });
    expect(await program.billing.state(tenantId)).toMatchObject({
      plan: 'free',
      subscriptions: [{ id: subscription?.id, goneAt: expect.any(Date) }],
    });
  });
});

describe('what is at the provider and nobody here knows', () => {
  const stray = async (tenantId: string, plan: 'pro' | 'team' = 'pro') => {
    const customer = await world.stripe.customers.create({ metadata: { tenantry_tenant_id: tenantId } });
    world.fake.setCard(customer.id, 'ok');
    const { data } = await world.stripe.prices.list({ lookup_keys: [`tenantry.${plan}.base.month`] });
    const items = [{ price: data[0]?.id ?? '' }];
    const metadata = { tenantry_tenant_id: tenantId };
    return world.stripe.subscriptions.create({ customer: customer.id, items, metadata });
  };

  it('is told, and taken in where its tenant is there', async () => {
    const tenantId = await tenant();
    const gone = '00000000-0000-7000-8000-00000000dead';
    world.fake.webhooks.policy({ lose: 1 });
    const [own, lost] = [await stray(tenantId), await stray(gone)];
    // A subscription of another program at the same account, and customers that pay nothing.
    const product = await world.stripe.products.create({ name: 'Another' });
    const recurring = { interval: 'month' } as const;
    const other = await world.stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 5, recurring });
    const theirs = await stray(gone);
    await world.stripe.subscriptions.update(theirs.id, {
      items: [{ id: theirs.items.data[0]?.id ?? '', price: other.id }],
    });
    await world.stripe.subscriptions.cancel((await stray(gone)).id);
    world.fake.webhooks.policy({});
    await settle(world, program);
    await world.fake.advance({ minutes: 5 });

    const facts = { tenantId, tenantKnown: true, customerId: own.customer };
    const found = [
      { ...facts, what: 'customer', id: own.customer, status: null },
      { ...facts, what: 'subscription', id: own.id, status: 'active' },
    ];
    const ofNobody = {
      what: 'subscription',
      id: lost.id,
      customerId: lost.customer,
      tenantId: gone,
      tenantKnown: false,
      status: 'active',
    };
    const all = await program.billing.reconcile();
    expect(all.strays).toHaveLength(3);
    expect(all.strays).toEqual(expect.arrayContaining([...found, ofNobody]));
    const one = await program.billing.reconcile({ tenantId });
    expect(one.strays).toEqual(expect.arrayContaining(found));
    expect(one.strays).toHaveLength(2);
    expect(await program.billing.state(tenantId)).toMatchObject({ subscription: null });

    const mended = await program.billing.reconcile({ tenantId, mend: true });
    expect(mended.drift).toContainEqual(expect.objectContaining({ what: 'subscription', id: own.id, ours: null }));
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'pro', status: 'active' });
    expect(await program.billing.reconcile({ mend: true })).toMatchObject({ drift: [], strays: [ofNobody] });
    await world.stripe.subscriptions.cancel(lost.id);
    expect((await program.billing.reconcile()).strays).toEqual([]);
  });

  it('does not keep tenants from being compared where it cannot be looked for', async () => {
    world.fake.fail({ rate: 1, match: { method: 'GET', path: '/v1/customers' }, how: 'error' });
    const report = await program.billing.reconcile();
    world.fake.heal();
    expect(report).toMatchObject({ strays: [], failed: [{ tenantId: null, reason: 'provider_unavailable' }] });
    expect(report.tenants).toBeGreaterThan(5);
  });
});
