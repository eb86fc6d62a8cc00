import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, describe, expect, it } from 'vitest';
import { isTenantryError } from '../../src/core/index.ts';
import type { AnyDatabase } from '../../src/database/index.ts';
import { createOrganizations, type Member, type OrganizationEvent } from '../../src/organizations/index.ts';
import { createTenancy, hybridSeats } from '../../src/tenancy/index.ts';
import { postgresDatabase } from '../support/databases.ts';
import { untilSomebodyWaits } from '../support/until.ts';

const database = await postgresDatabase<Record<string, never>>({ connections: 25 });
afterAll(() => database.destroy());

/** With a sink every change runs in a transaction of the module, without one as a single statement. */
const ways = [
  { way: 'single statements', sink: false },
  { way: 'transactions with a sink', sink: true },
];

function moduleOf(sink: boolean, told: OrganizationEvent[] = []) {
  const events = async (event: OrganizationEvent) => {
    await sleep(Math.random() * 2);
    told.push(event);
  };
  return createOrganizations({ db: database.app, ...(sink && { events }) });
}

/** Runs all at once; gives the values and the codes of the errors, and fails on any other error. */
async function atOnce<Value>(calls: readonly (() => Promise<Value>)[]): Promise<{ values: Value[]; codes: string[] }> {
  const results = await Promise.allSettled(calls.map((call) => call()));
  const values: Value[] = [];
  const codes: string[] = [];
  for (const result of results) {
    if (result.status === 'fulfilled') values.push(result.value);
    else if (isTenantryError(result.reason)) codes.push(result.reason.code);
    else throw result.reason;
  }
  return { values, codes };
}

const times = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** What the tables say of an organization. */
async function stateOf(
  tenantId: string,
): Promise<{ bought: number | null; taken: number; held: number; owners: number }> {
  const { rows } = await sql<{ bought: number | null; taken: number; held: number; owners: number }>`
    select o.seats_bought as bought, o.seats_taken as taken,
      (count(*) filter (where m.status in ('active', 'pending')))::integer as held,
      (count(*) filter (where m.status = 'active' and m.role = 'owner'))::integer as owners
    from tenantry.organizations o join tenantry.members m on m.tenant_id = o.tenant_id
    where o.tenant_id = ${tenantId}::uuid group by o.tenant_id`.execute(database.app);
  const row = rows[0];
  if (row === undefined) throw new Error('no such organization');
  return row;
}

describe.each(ways)('many callers at once, in $way', ({ sink }) => {
  it('fills 5 seats with exactly 5 members when 20 users come at once', async () => {
    const told: OrganizationEvent[] = [];
    const { create, members, seats } = moduleOf(sink, told);
    const { tenantId } = await create({ name: 'Five', seats: 5, owner: { userId: 'owner' } });
    const { values, codes } = await atOnce(times(20, (n) => () => members.add({ tenantId, userId: `user ${n}` })));
    expect(values.map((value) => value.created)).toEqual(times(4, () => true));
    expect(codes).toEqual(times(16, () => 'seats_exhausted'));
    expect(await seats(tenantId)).toMatchObject({ bought: 5, taken: 5, free: 0 });
    expect((await members.list({ tenantId })).items).toHaveLength(5);
    if (sink) {
      expect(told.filter((event) => event.name === 'member.added')).toHaveLength(5);
      const taken = told.flatMap((event) => (event.name === 'seats.changed' ? [event.data.taken] : []));
      expect(taken).toEqual([2, 3, 4, 5]);
    }
  });

  it('makes one member, with one seat, of a user who is added 10 times at once', async () => {
    const { create, members, seats } = moduleOf(sink);
    for (const bought of [null, 2]) {
      const { tenantId } = await create({ name: 'Same', seats: bought, owner: { userId: 'owner' } });
      const { values, codes } = await atOnce(times(10, () => () => members.add({ tenantId, userId: 'bob' })));
      expect(codes).toEqual([]);
      expect(values.filter((value) => value.created)).toHaveLength(1);
      expect(new Set(values.map((value) => value.member.id)).size).toBe(1);
      expect(await seats(tenantId)).toMatchObject({ taken: 2 });
      expect((await members.list({ tenantId })).items).toHaveLength(2);
    }
  });

  it('brings a removed member back once, and a suspended one too', async () => {
    const { create, members } = moduleOf(sink);
    const { tenantId } = await create({ name: 'Back', seats: 2, owner: { userId: 'owner' } });
    const { member } = await members.add({ tenantId, userId: 'bob' });
    for (let round = 0; round < 5; round += 1) {
      await members.remove({ tenantId, userId: 'bob' });
      const back = await atOnce(times(10, () => () => members.add({ tenantId, userId: 'bob' })));
      expect(back.codes).toEqual([]);
      expect(back.values.filter((value) => value.created)).toHaveLength(1);
      expect(new Set(back.values.map((value) => value.member.id))).toEqual(new Set([member.id]));
      const off = await atOnce(times(10, () => () => members.suspend({ tenantId, userId: 'bob' })));
      expect(off.values.filter((value) => value.changed)).toHaveLength(1);
      const on = await atOnce(times(10, () => () => members.activate({ tenantId, userId: 'bob' })));
      expect(on.values.filter((value) => value.changed)).toHaveLength(1);
      expect(await stateOf(tenantId)).toEqual({ bought: 2, taken: 2, held: 2, owners: 1 });
    }
  });

  it('lets one of many that were removed or suspended have the last seat', async () => {
    const { create, members } = moduleOf(sink);
    const { tenantId } = await create({ name: 'Last', owner: { userId: 'owner' } });
    for (const userId of times(12, (n) => `user ${n}`)) {
      await members.add({ tenantId, userId });
      await (userId.length % 2 === 0 ? members.remove : members.suspend)({ tenantId, userId });
    }
    await moduleOf(sink).setSeats(tenantId, 2);
    const { codes } = await atOnce<unknown>(
      times(12, (n) => () => {
        const userId = `user ${n}`;
        return userId.length % 2 === 0 ? members.add({ tenantId, userId }) : members.activate({ tenantId, userId });
      }),
    );
    expect(codes).toEqual(times(11, () => 'seats_exhausted'));
    expect(await stateOf(tenantId)).toMatchObject({ taken: 2, held: 2 });
  });

  it('keeps one owner when two remove each other, and when 50 owners leave at once', async () => {
    const { create, members } = moduleOf(sink);
    const leave = [
      (ref: { tenantId: string; userId: string }) => members.remove(ref),
      (ref: { tenantId: string; userId: string }) => members.suspend(ref),
      (ref: { tenantId: string; userId: string }) => members.setRole({ ...ref, role: 'member' }),
    ];
    for (const count of [...times(12, () => 2), 50]) {
      const { tenantId } = await create({ name: 'Owners', owner: { userId: 'user 0' } });
      for (let n = 1; n < count; n += 1) await members.add({ tenantId, userId: `user ${n}`, role: 'owner' });
      const { codes } = await atOnce(
        times(
          count,
          (n) => () => leave[n % 3]?.({ tenantId, userId: `user ${n}` }) ?? Promise.reject(new Error('none')),
        ),
      );
      expect(codes).toEqual(['last_owner']);
      const state = await stateOf(tenantId);
      expect(state).toMatchObject({ owners: 1, taken: state.held });
    }
  });

  it('gives 40 organizations of one name 40 slugs', async () => {
    const { create } = moduleOf(sink);
    const { values, codes } = await atOnce(
      times(40, (n) => () => create({ name: `Crowd ${sink}`, owner: { userId: `user ${n}` } })),
    );
    expect(codes).toEqual([]);
    expect(new Set(values.map((value) => value.slug)).size).toBe(40);
  });

  it('gives a slug that 20 callers ask for to one of them, and leaves nothing of the others', async () => {
    const { create } = moduleOf(sink);
    const slug = `wanted-${sink}`;
    const { values, codes } = await atOnce(
      times(20, (n) => () => create({ name: slug, slug, owner: { userId: `user ${n}` } })),
    );
    expect(values).toHaveLength(1);
    expect(codes).toEqual(times(19, () => 'slug_taken'));
    const { rows } = await sql`select 1 from tenantry.tenants where name = ${slug}`.execute(database.app);
    expect(rows).toHaveLength(1);
  });
});

describe('a caller that waited for another', () => {
  const { create, members, setSeats } = moduleOf(false);

  /** Starts `second` while `first` is uncommitted, waits until it stands at the lock, then ends `first`, or goes on in it. */
  async function interleave<Value>(
    first: (tx: AnyDatabase) => Promise<unknown>,
    second: () => Promise<Value>,
    end: 'commit' | 'rollback' | ((tx: AnyDatabase) => Promise<unknown>) = 'commit',
  ): Promise<Value> {
    const waiting: Promise<Value>[] = [];
    const rolledBack = new Error('rolled back');
    await database.app
      .transaction()
      .execute(async (tx) => {
        await first(tx);
        const call = second();
        call.catch(() => undefined);
        waiting.push(call);
        await untilSomebodyWaits(database);
        if (end === 'rollback') throw rolledBack;
        if (typeof end === 'function') await end(tx);
      })
      .catch((error: unknown) => {
        if (error !== rolledBack) throw error;
      });
    const [call] = waiting;
    if (call === undefined) throw new Error('the second call was not made');
    return call;
  }

  it('finds the member whom the other added', async () => {
    const { tenantId } = await create({ name: 'Wait', seats: 2, owner: { userId: 'ada' } });
    const made: Member[] = [];
    const second = await interleave(
      async (tx) => made.push((await members.add({ tenantId, userId: 'bob' }, { db: tx })).member),
      () => members.add({ tenantId, userId: 'bob', role: 'admin' }),
    );
    expect(second).toEqual({ member: made[0], created: false });
    expect(await stateOf(tenantId)).toMatchObject({ taken: 2, held: 2 });
  });

  it('adds the member itself when the other gives up', async () => {
    const { tenantId } = await create({ name: 'Wait', seats: 2, owner: { userId: 'ada' } });
    const second = await interleave(
      (tx) => members.add({ tenantId, userId: 'bob' }, { db: tx }),
      () => members.add({ tenantId, userId: 'bob', role: 'admin' }),
      'rollback',
    );
    expect(second).toMatchObject({ member: { role: 'admin' }, created: true });
    expect(await stateOf(tenantId)).toMatchObject({ taken: 2, held: 2 });
  });

  it('finds the member whom the other brought back', async () => {
    const { tenantId } = await create({ name: 'Wait', seats: 2, owner: { userId: 'ada' } });
    await members.add({ tenantId, userId: 'bob' });
    await members.remove({ tenantId, userId: 'bob' });
    const second = await interleave(
      (tx) => members.add({ tenantId, userId: 'bob', role: 'admin' }, { db: tx }),
      () => members.add({ tenantId, userId: 'bob' }),
    );
    expect(second).toMatchObject({ member: { role: 'admin', status: 'active' }, created: false });
    expect(await stateOf(tenantId)).toMatchObject({ taken: 2, held: 2 });
  });

  it('takes the seat that the other freed, and misses the one that the other took', async () => {
    const { tenantId } = await create({ name: 'Wait', seats: 2, owner: { userId: 'ada' } });
    await members.add({ tenantId, userId: 'bob' });
    await setSeats(tenantId, 3);
    const missed = interleave(
      (tx) => members.add({ tenantId, userId: 'kim' }, { db: tx }),
      () => members.add({ tenantId, userId: 'lee' }),
    );
    await expect(missed).rejects.toMatchObject({ code: 'seats_exhausted', details: { bought: 3, taken: 3 } });
    expect(await stateOf(tenantId)).toMatchObject({ taken: 3, held: 3 });
    // The call begins when all seats are taken, and stands at the lock until one is free.
    const took = await interleave(
      (tx) => members.remove({ tenantId, userId: 'kim' }, { db: tx }),
      () => members.add({ tenantId, userId: 'lee' }),
    );
    expect(took).toMatchObject({ created: true });
    expect(await stateOf(tenantId)).toMatchObject({ taken: 3, held: 3 });
  });

  it('respects seats that the other gave up', async () => {
    const { tenantId } = await create({ name: 'Wait', seats: 2, owner: { userId: 'ada' } });
    const second = interleave(
      (tx) => setSeats(tenantId, 1, { db: tx }),
      () => members.add({ tenantId, userId: 'bob' }),
    );
    await expect(second).rejects.toMatchObject({ code: 'seats_exhausted', details: { bought: 1, taken: 1 } });
    expect(await stateOf(tenantId)).toMatchObject({ taken: 1, held: 1 });
  });

  it('stays owner when the other stepped down, and may go when the other made a new owner', async () => {
    const { tenantId } = await create({ name: 'Wait', owner: { userId: 'ada' } });
    await members.add({ tenantId, userId: 'bob', role: 'owner' });
    await members.add({ tenantId, userId: 'eve' });
    const stays = interleave(
      (tx) => members.setRole({ tenantId, userId: 'bob', role: 'member' }, { db: tx }),
      () => members.remove({ tenantId, userId: 'ada' }),
    );
    await expect(stays).rejects.toMatchObject({ code: 'last_owner' });
    const goes = await interleave(
      (tx) => members.setRole({ tenantId, userId: 'eve', role: 'owner' }, { db: tx }),
      () => members.remove({ tenantId, userId: 'ada' }),
    );
    expect(goes).toMatchObject({ changed: true });
    // One owner goes and another comes before the waiting call sees either.
    await members.add({ tenantId, userId: 'kim', role: 'owner' });
    const swapped = await interleave(
      async (tx) => {
        await members.add({ tenantId, userId: 'lee', role: 'owner' }, { db: tx });
        await members.remove({ tenantId, userId: 'kim' }, { db: tx });
      },
      () => members.remove({ tenantId, userId: 'eve' }),
    );
    expect(swapped).toMatchObject({ changed: true });
    expect(await stateOf(tenantId)).toMatchObject({ owners: 1 });
  });

  it('meets no deadlock with a transaction that sets the plan and then the seats', async () => {
    const tenancy = createTenancy({ db: database.app, strategy: hybridSeats() });
    const { tenantId } = await create({ name: 'Wait', seats: 2, owner: { userId: 'ada' } });
    const seats = await interleave(
      (tx) => tenancy.setPlan(tenantId, 'pro', { db: tx }),
      () => setSeats(tenantId, 7),
      (tx) => setSeats(tenantId, 5, { db: tx }),
    );
    expect(seats).toMatchObject({ bought: 7, taken: 1, free: 6 });
    expect(await tenancy.get(tenantId)).toMatchObject({ plan: 'pro', entitlementRevision: 4 });
  });

  it("answers in a caller's transaction without ending it, also when its calls are not awaited one by one", async () => {
    const { tenantId } = await create({ name: 'Wait', seats: 3, owner: { userId: 'ada' } });
    const results = await interleave(
      (tx) => members.add({ tenantId, userId: 'bob' }, { db: tx }),
      () =>
        database.app
          .transaction()
          .execute((tx) =>
            atOnce([
              ...times(5, () => () => members.add({ tenantId, userId: 'bob' }, { db: tx })),
              ...times(5, () => () => members.add({ tenantId, userId: 'eve' }, { db: tx })),
              () => members.add({ tenantId, userId: 'kim' }, { db: tx }),
            ]),
          ),
    );
    expect(results.values.map((value) => value.created)).toEqual([
      ...times(5, () => false),
      true,
      ...times(4, () => false),
    ]);
    expect(results.codes).toEqual(['seats_exhausted']);
    expect(await stateOf(tenantId)).toMatchObject({ taken: 3, held: 3 });
  });
});

describe.each(ways)('any changes in any order, in $way', ({ sink }) => {
  const user = fc.integer({ min: 0, max: 5 }).map((n) => `user ${n}`);
  const role = fc.constantFrom('owner' as const, 'admin' as const, 'member' as const);
  const change = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('add' as const), userId: user, role, pending: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('role' as const), userId: user, role }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('remove', 'suspend', 'activate'), userId: user }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('seats' as const), bought: fc.option(fc.nat(5)) }) },
  );

  it('count every seat and keep an owner', { timeout: 200_000 }, async () => {
    const told: OrganizationEvent[] = [];
    const { create, members, setSeats } = moduleOf(sink, told);
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 15, maxLength: 40 }), async (changes) => {
        const { tenantId } = await create({ name: 'Any', seats: 4, owner: { userId: 'user 0' } });
        await atOnce<unknown>(
          changes.map((one) => () => {
            if (one.kind === 'seats') return setSeats(tenantId, one.bought);
            if (one.kind === 'add') {
              return members.add({ tenantId, ...one, status: one.pending ? 'pending' : 'active' });
            }
            if (one.kind === 'role') return members.setRole({ tenantId, ...one });
            const ref = { tenantId, userId: one.userId };
            if (one.kind === 'remove') return members.remove(ref);
            return one.kind === 'suspend' ? members.suspend(ref) : members.activate(ref);
          }),
        );
        const state = await stateOf(tenantId);
        expect(state.taken).toBe(state.held);
        if (!changes.some((one) => one.kind === 'seats')) expect(state.taken).toBeLessThanOrEqual(4);
        expect(state.owners).toBeGreaterThanOrEqual(1);
        const last = told.findLast((event) => event.tenantId === tenantId && event.name === 'seats.changed');
        if (last?.name === 'seats.changed') {
          expect(last.data).toMatchObject({ bought: state.bought, taken: state.taken });
        }
      }),
      { numRuns: 150 },
    );
  });
});
