import { applyMigration, verifyMigration } from 'tenantry/migrate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminOf } from '../../examples/migrations/hotcross/admin.ts';
import { type Application, createApplication, withKey } from '../../examples/migrations/hotcross/application.ts';
import { customersToOrganizations } from '../../examples/migrations/hotcross/definition.ts';
import { generateLegacy } from '../../examples/migrations/hotcross/generate.ts';
import type { LegacyDatabase } from '../../examples/migrations/hotcross/legacy-schema.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

let database: TestDatabase<LegacyDatabase>;
let application: Application;
let admin: ReturnType<typeof adminOf>;
let before: number;
beforeAll(async () => {
  database = await postgresDatabase<LegacyDatabase>();
  await generateLegacy(database.owner, { customers: 200, calls: 200 });
  await applyMigration(database.owner, customersToOrganizations);
  expect((await verifyMigration(database.owner, customersToOrganizations)).failed).toBe(0);
  application = createApplication(database.app);
  admin = adminOf(database.app, application);
  before = (await admin.listOrgs()).length;
});
afterAll(() => database.destroy());

it('does what the admin scripts of the guide did, and validates the four things that the guide names', async () => {
  const org = await admin.createOrg('Acme Corp', { userId: 'alice', email: 'alice@acme.com' }, 2);
  expect((await admin.listOrgs()).length).toBe(before + 1);
  await admin.updateStatus(org.tenantId, 'active');
  const { member, secret } = await admin.createDev(org.tenantId, {
    userId: 'bob',
    email: 'bob@acme.com',
    name: 'Bob Jones',
  });
  const enter = () => application.access.verify(withKey(secret));
  expect(await enter()).toMatchObject({ ok: true, access: { userId: 'bob' } });
  expect((await admin.listDevs(org.tenantId)).map(({ userId }) => userId)).toEqual(['alice', 'bob']);
  const third = { userId: 'carol', email: 'carol@acme.com', name: 'Carol' };
  await expect(admin.createDev(org.tenantId, third)).rejects.toMatchObject({ code: 'seats_exhausted' });
  await admin.updateSeats(org.tenantId, 3);
  await admin.createDev(org.tenantId, third);

  await admin.updateStatus(org.tenantId, 'canceled');
  expect(await enter()).toMatchObject({ ok: false, reason: 'subscription_inactive' });
  await admin.updateStatus(org.tenantId, 'active');
  await admin.updateSeats(org.tenantId, 1);
  expect(await enter()).toMatchObject({ ok: false, reason: 'seats_exceeded' });
  await admin.updateSeats(org.tenantId, 3);
  await application.organizations.members.suspend({ tenantId: org.tenantId, memberId: member.id });
  expect(await enter()).toMatchObject({ ok: false, reason: 'member_inactive' });
  await application.organizations.members.activate({ tenantId: org.tenantId, memberId: member.id });
  expect(await admin.revokeDev(org.tenantId, member.id)).toBe(1);
  expect(await enter()).toMatchObject({ ok: false, reason: 'revoked' });
});
