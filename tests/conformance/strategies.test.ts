import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isTenantryError, uuidv7 } from '../../src/core/index.ts';
import { isolateTable } from '../../src/database/index.ts';
import { createOrganizations, type OrganizationEvent } from '../../src/organizations/index.ts';
import {
  createTenancy,
  hybridSeats,
  none,
  own,
  perOrg,
  perUser,
  type Strategy,
  type TenancyEvent,
} from '../../src/tenancy/index.ts';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';

interface Database {
  notes: { tenant_id: string; id: string; body: string };
}

/** The one line in which programs of different tenancy differ. */
const strategies: readonly Strategy[] = [
  none({ plan: 'self-hosted' }),
  perUser({ plan: 'free' }),
  perOrg({ plan: 'team' }),
  perOrg({ plan: 'team', seats: 3 }),
  hybridSeats({ plan: 'base', seats: 2 }),
];

const times = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));

for (const make of [pgliteDatabase, postgresDatabase]) {
  describe(make.name, () => {
    let database: TestDatabase<Database>;

    beforeAll(async () => {
      database = await make<Database>();
      await sql`create table notes (tenant_id uuid not null, id uuid not null, body text not null,
        primary key (tenant_id, id))`.execute(database.owner);
      for (const statement of isolateTable({ table: 'notes' })) await sql.raw(statement).execute(database.owner);
    });
    afterAll(() => database.destroy());

    describe.each(strategies.map((strategy) => ({ strategy, title: titleOf(strategy) })))('$title', ({ strategy }) => {
      const { actors, actingRole, made, plan, seats, tenantKind } = strategy;
      const shared = actors === 'everyone';
      const people = `${titleOf(strategy)} ${make.name}`;
      const [alice, bob, carol] = [`alice ${people}`, `bob ${people}`, `carol ${people}`] as const;
      const told: (TenancyEvent | OrganizationEvent)[] = [];

      /** The program: everything below is the same text under each strategy. */
      function program() {
        const events = async (event: TenancyEvent | OrganizationEvent) => {
          told.push(event);
        };
        const deps = { db: database.app, events };
        const organizations = createOrganizations({ ...deps, plan, seats: seats.initial });
        const tenancy = createTenancy({
          ...deps,
          strategy,
          tables: { notes: own() },
          createOrganization: organizations.create,
        });
        const resolve = async (userId: string, tenantId?: string): Promise<string> => {
          const result = await tenancy.resolve({ userId, ...(tenantId !== undefined && { tenantId }) });
          return result.ok ? result.role : result.reason;
        };
        /** Lets a user act for the tenant of another; gives the code when that cannot be. */
        const join = async (tenantId: string, userId: string): Promise<string> => {
          try {
            const { created } = await organizations.members.add({ tenantId, userId });
            return created ? 'joined' : 'was there';
          } catch (error) {
            if (isTenantryError(error)) return error.code;
            throw error;
          }
        };
        return { tenancy, organizations, resolve, join };
      }

      it('gives each user a tenant to act in', async () => {
        const { tenancy, resolve } = program();
        const ofAlice = await tenancy.provision({ userId: alice, name: 'Alice & Co.' });
        const ofBob = await tenancy.provision({ userId: bob, name: 'Bob & Co.' });
        expect(ofAlice.tenantId === ofBob.tenantId).toBe(shared);
        for (const [userId, { tenantId }] of [[alice, ofAlice] as const, [bob, ofBob] as const]) {
          const tenant = await tenancy.get(tenantId);
          expect(tenant).toMatchObject({ tenantId, kind: tenantKind, plan, status: 'active' });
          expect(await tenancy.resolve({ userId, tenantId })).toMatchObject({
            ok: true,
            tenantId,
            role: actingRole ?? 'owner',
            tenant,
          });
          expect(await resolve(userId)).toBe(actingRole ?? 'owner');
        }
      });

      it('tells who may act for whose tenant, and nothing of tenants that are not theirs', async () => {
        const { tenancy, resolve } = program();
        const tenantOf = async (userId: string) => (await tenancy.provision({ userId })).tenantId;
        const [ofAlice, ofBob] = [await tenantOf(alice), await tenantOf(bob)];
        const role = actingRole ?? 'owner';
        const foreign = shared ? role : 'tenant_not_found';
        expect([
          [await resolve(alice, ofAlice), await resolve(alice, ofBob)],
          [await resolve(bob, ofAlice), await resolve(bob, ofBob)],
        ]).toEqual([
          [role, foreign],
          [foreign, role],
        ]);
        for (const unknown of [uuidv7(), 'no uuid', '']) expect(await resolve(alice, unknown)).toBe('tenant_not_found');
      });

      it('makes tenants when the strategy says so, exactly, however many ask at once', async () => {
        const { tenancy, resolve } = program();
        await tenancy.provision({ userId: alice });
        told.length = 0;
        const seen = await Promise.all(times(50, () => tenancy.provision({ userId: carol })));
        const tenants = new Set(seen.map((one) => one.tenantId));
        expect(tenants.size).toBe(made === 'when-created' ? 50 : 1);
        const createdNow = { 'at-install': 0, 'at-first-sight': 1, 'when-created': 50 }[made];
        expect(seen.filter((one) => one.created)).toHaveLength(createdNow);
        expect(told.filter((event) => event.name === 'tenant.created')).toHaveLength(createdNow);
        expect(await resolve(carol)).toBe(made === 'when-created' ? 'tenant_ambiguous' : actingRole);
        const nobody = `nobody ${people}`;
        expect(await resolve(nobody)).toBe(made === 'when-created' ? 'tenant_not_found' : actingRole);
      });

      it('keeps the data of tenants apart', async () => {
        const { tenancy } = program();
        const tenantOf = async (userId: string) => (await tenancy.provision({ userId })).tenantId;
        const [ofAlice, ofBob] = [await tenantOf(alice), await tenantOf(bob)];
        const [noteOfAlice, noteOfBob] = [uuidv7(), uuidv7()];
        await tenancy.scope(ofAlice).insertInto('notes').values({ id: noteOfAlice, body: 'a' }).execute();
        await tenancy.transaction(ofBob, (tx) => tx.insertInto('notes').values({ id: noteOfBob, body: 'b' }).execute());
        const readers = [
          (tenantId: string) => tenancy.scope(tenantId).selectFrom('notes').select('id').execute(),
          (tenantId: string) => tenancy.transaction(tenantId, (tx) => tx.selectFrom('notes').select('id').execute()),
          (tenantId: string) =>
            tenancy.transaction(tenantId, (tx) => tx.selectFrom('notes').select('id').execute(), { plugin: false }),
        ];
        for (const read of readers) {
          const idsOf = async (tenantId: string) => (await read(tenantId)).map((row) => row.id).sort();
          expect(await idsOf(ofAlice)).toEqual(shared ? [noteOfAlice, noteOfBob].sort() : [noteOfAlice]);
          expect(await idsOf(ofBob)).toEqual(shared ? [noteOfAlice, noteOfBob].sort() : [noteOfBob]);
        }
        const touched = await tenancy
          .scope(ofBob)
          .updateTable('notes')
          .set({ body: 'x' })
          .where('id', '=', noteOfAlice)
          .executeTakeFirst();
        expect(touched.numUpdatedRows).toBe(shared ? 1n : 0n);
        const removed = await tenancy.transaction(
          ofBob,
          (tx) => tx.deleteFrom('notes').where('id', '=', noteOfAlice).executeTakeFirst(),
          { plugin: false },
        );
        expect(removed.numDeletedRows).toBe(shared ? 1n : 0n);
      });

      it('seats as many as the strategy allows, exactly, however many come at once', async () => {
        const { tenancy, organizations, resolve, join } = program();
        const { tenantId } = await tenancy.provision({ userId: alice });
        const guests = times(8, (index) => `guest ${index} ${people}`);
        const answers = await Promise.all([...guests, ...guests].map((userId) => join(tenantId, userId)));
        if (actors !== 'its-members') {
          expect(new Set(answers)).toEqual(new Set(['organization_not_found']));
          for (const userId of guests)
            expect(await resolve(userId, tenantId)).toBe(shared ? actingRole : 'tenant_not_found');
          return;
        }
        const joined = Math.min(guests.length, (seats.initial ?? Number.POSITIVE_INFINITY) - 1);
        expect(answers.filter((answer) => answer === 'joined')).toHaveLength(joined);
        expect(answers.filter((answer) => answer === 'seats_exhausted')).toHaveLength(2 * (guests.length - joined));
        expect(await organizations.seats(tenantId)).toMatchObject({
          bought: seats.initial,
          taken: joined + 1,
          free: seats.initial === null ? null : 0,
        });
        const roles = await Promise.all(guests.map((userId) => resolve(userId, tenantId)));
        expect(roles.filter((role) => role === 'member')).toHaveLength(joined);
        const guest = guests.find((_, index) => roles[index] === 'member') ?? '';
        await organizations.members.suspend({ tenantId, userId: guest });
        expect(await resolve(guest, tenantId)).toBe('tenant_not_found');
        await organizations.members.activate({ tenantId, userId: guest });
        expect(await resolve(guest, tenantId)).toBe('member');
        await organizations.members.remove({ tenantId, userId: guest });
        expect(await resolve(guest, tenantId)).toBe('tenant_not_found');
        await organizations.setSeats(tenantId, null);
        expect(await join(tenantId, guest)).toBe('joined');
      });

      it('puts a tenant on a plan', async () => {
        const { tenancy } = program();
        const { tenantId } = await tenancy.provision({ userId: alice });
        const before = await tenancy.get(tenantId);
        const { tenant, changed } = await tenancy.setPlan(tenantId, 'other', { subscriptionStatus: 'active' });
        expect(changed).toBe(true);
        expect(tenant).toMatchObject({ plan: 'other', subscriptionStatus: 'active' });
        expect(tenant.entitlementRevision).toBe((before?.entitlementRevision ?? 0) + 1);
        await tenancy.setPlan(tenantId, plan, { subscriptionStatus: null });
      });

      it('lets nobody act for a suspended tenant, and tells only those who could why', async () => {
        const { tenancy, resolve } = program();
        const { tenantId } = await tenancy.provision({ userId: alice });
        await tenancy.suspend(tenantId);
        expect(await resolve(alice, tenantId)).toBe('tenant_suspended');
        expect(await resolve(bob, tenantId)).toBe(shared ? 'tenant_suspended' : 'tenant_not_found');
        await tenancy.resume(tenantId);
        expect(await resolve(alice, tenantId)).toBe(actingRole ?? 'owner');
      });
    });
  });
}

function titleOf({ name, seats }: Strategy): string {
  return seats.rule === 'cap' ? `${name} with ${seats.initial ?? 'no'} cap` : name;
}
