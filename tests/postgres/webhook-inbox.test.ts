import { type Kysely, sql } from 'kysely';
import { createTenancy, perUser } from 'tenantry/tenancy';
import { fixedClock } from 'tenantry/testing';
import { createInbox, createWebhookReceiver, signGithubWebhook, signStripeWebhook } from 'tenantry/webhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

interface Application {
  effects: { id: string };
}

let database: TestDatabase<Application>;
const clock = fixedClock('2026-03-01T12:00:00Z');

beforeAll(async () => {
  database = await postgresDatabase<Application>();
  await sql`create table effects (id text not null)`.execute(database.owner);
  await sql`grant select, insert on effects to tenantry_test_app, tenantry_app`.execute(database.owner);
});
afterAll(() => database.destroy());

const inbox = () => createInbox({ db: database.app, clock });
const effect = (id: string) => async (tx: Kysely<Application>) => {
  await tx.insertInto('effects').values({ id }).execute();
  return id;
};
const effects = async (id: string) =>
  (await database.app.selectFrom('effects').selectAll().where('id', '=', id).execute()).length;

describe('once', () => {
  it('does the work of a message once, whatever the source of others with its id', async () => {
    const first = { source: 'stripe', id: 'evt_1' };
    expect(await inbox().once(first, effect('one'))).toEqual({ repeated: false, result: 'one' });
    expect(await inbox().once(first, effect('one'))).toEqual({ repeated: true });
    expect(await inbox().once({ source: 'github', id: 'evt_1' }, effect('one'))).toMatchObject({ repeated: false });
    expect(await effects('one')).toBe(2);
  });

  it('does the work again after it failed, and leaves nothing of the failed one', async () => {
    const message = { source: 'stripe', id: 'evt_fails' };
    const fails = async (tx: Kysely<Application>) => {
      await effect('fails')(tx);
      throw new Error('no disk');
    };
    await expect(inbox().once(message, fails)).rejects.toThrow('no disk');
    expect(await effects('fails')).toBe(0);
    expect(await inbox().once(message, effect('fails'))).toMatchObject({ repeated: false });
    expect(await effects('fails')).toBe(1);
  });

  it('does the work once when ten deliveries come at the same time, also when the first of them fails', async () => {
    let tries = 0;
    const work = async (tx: Kysely<Application>) => {
      tries += 1;
      await effect('race')(tx);
      if (tries === 1) throw new Error('the first fails');
    };
    const message = { source: 'stripe', id: 'evt_race' };
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => inbox().once(message, work)));
    const done = results.filter((result) => result.status === 'fulfilled' && !result.value.repeated);
    expect([done.length, tries, await effects('race')]).toEqual([1, 2, 1]);
  });

  it("stands or falls with a transaction of the caller's", async () => {
    const message = { source: 'stripe', id: 'evt_outer' };
    const outer = database.app.transaction().execute(async (tx) => {
      await inbox().once(message, effect('outer'), { db: tx });
      throw new Error('undone');
    });
    await expect(outer).rejects.toThrow('undone');
    expect([await effects('outer'), await inbox().once(message, effect('outer'))]).toMatchObject([
      0,
      { repeated: false },
    ]);
  });

  it('refuses a source or an id that is none', async () => {
    for (const bad of ['', 'x'.repeat(513), 'a\0b']) {
      await expect(inbox().once({ source: 'stripe', id: bad }, effect('bad'))).rejects.toThrow(TypeError);
      await expect(inbox().once({ source: bad, id: 'evt_1' }, effect('bad'))).rejects.toThrow(TypeError);
    }
    expect(await effects('bad')).toBe(0);
  });
});

it("is taken in a tenant's transaction, which can neither read nor remove what came in", async () => {
  const tenancy = createTenancy({ db: database.app, strategy: perUser() });
  const { tenantId } = await tenancy.provision({ userId: 'ada' });
  const message = { source: 'github', id: 'd-1' };
  const take = () => tenancy.transaction(tenantId, (tx) => inbox().take(message, { db: tx }));
  expect([await take(), await take()]).toEqual([true, false]);
  for (const statement of ['select * from', 'delete from']) {
    const read = database.app.transaction().execute(async (tx) => {
      await sql`set local role tenantry_app`.execute(tx);
      await sql.raw(`${statement} tenantry.webhook_inbox`).execute(tx);
    });
    await expect(read).rejects.toMatchObject({ code: '42501' });
  }
});

it('forgets what came in before a time', async () => {
  const old = createInbox({ db: database.app, clock: () => new Date('2020-01-01T00:00:00Z') });
  await old.once({ source: 'old', id: '1' }, effect('old'));
  await inbox().once({ source: 'old', id: '2' }, effect('old'));
  expect(await inbox().forget({ before: new Date('2021-01-01T00:00:00Z') })).toBe(1);
  expect(await inbox().once({ source: 'old', id: '1' }, effect('old'))).toMatchObject({ repeated: false });
  expect(await inbox().once({ source: 'old', id: '2' }, effect('old'))).toMatchObject({ repeated: true });
});

describe('a receiver with an inbox', () => {
  it('does the work of a message once, in the transaction that remembers it', async () => {
    let fails = true;
    const receiver = createWebhookReceiver({
      scheme: 'stripe',
      secret: 'whsec_stripe',
      clock,
      source: 'billing',
      inbox: inbox(),
      async handle({ id }, tx) {
        await effect(`received ${id}`)(tx);
        if (fails) throw new Error('no disk');
      },
    });
    const body = '{"id":"evt_9","type":"invoice.paid"}';
    const request = { headers: signStripeWebhook({ timestamp: clock(), body, secret: 'whsec_stripe' }), body };
    await expect(receiver.receive(request)).rejects.toThrow('no disk');
    fails = false;
    expect(await receiver.receive(request)).toEqual({ status: 204, outcome: 'done', reason: '' });
    expect(await receiver.receive(request)).toEqual({ status: 204, outcome: 'repeated', reason: '' });
    expect(await effects('received evt_9')).toBe(1);
  });

  it('refuses a message without an id', async () => {
    const secret = 'a secret of github';
    const handle = effect('no id');
    const receiver = createWebhookReceiver({
      scheme: 'github',
      secret,
      source: 'github',
      inbox: inbox(),
      handle: (_message, tx) => handle(tx),
    });
    const answer = await receiver.receive({ headers: signGithubWebhook({ body: '{}', secret }), body: '{}' });
    expect(answer).toEqual({ status: 400, outcome: 'refused', reason: 'missing_headers' });
    expect(await effects('no id')).toBe(0);
  });
});
