import { sql } from 'kysely';
import {
  applyMigration,
  draftDefinition,
  inspectDatabase,
  planMigration,
  rollbackMigration,
  verifyMigration,
} from 'tenantry/migrate';
import { perOrg } from 'tenantry/tenancy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everyone } from '../../examples/migrations/host-manager/additions.ts';
import {
  type Application,
  addHost,
  addUser,
  createApplication,
  createTeam,
  hostsOf,
  issueKey,
  logChange,
  mayManage,
  type OrganizationQueries,
  openSession,
  raiseAlert,
  shareHost,
  signUp,
  subscriptionChanged,
} from '../../examples/migrations/host-manager/application.ts';
import { commercialUpgrade } from '../../examples/migrations/host-manager/definition.ts';
import { generateHosts, type RowCounts } from '../../examples/migrations/host-manager/generate.ts';
import { type HostDatabase, legacyTables } from '../../examples/migrations/host-manager/legacy-schema.ts';
import { oldApplication } from '../../examples/migrations/host-manager/old-application.ts';
import { type Conversion, conversionOf, numberOf } from '../support/conversion.ts';
import { writeDraft } from '../support/draft-file.ts';
import { type RowHashes, rowChanges, rowHashes } from '../support/row-hashes.ts';
import { openRunner, type Runner } from '../support/runner.ts';

const at = new Date('2026-05-01T10:00:00Z');
const tables = [...legacyTables, '_prisma_migrations'];

let conversion: Conversion<HostDatabase>;
let runner: Runner<HostDatabase>;
let rows: RowCounts;
beforeAll(async () => {
  conversion = await conversionOf<HostDatabase>(async (owner) => {
    rows = await generateHosts(owner, { users: 120 });
  });
  runner = await openRunner(conversion.database);
});
afterAll(async () => {
  await runner.db.destroy();
  await conversion.destroy();
  await runner.destroy();
});

const count = (query: string): Promise<number> => numberOf(runner.db, query);
const failed = async () =>
  (await verifyMigration(runner.db, commercialUpgrade)).checks.filter(({ status }) => status === 'fail');

describe('one installation becomes a product for many organizations', () => {
  let legacy: RowHashes;
  let before: RowHashes;
  let hostsBefore: string[];
  let app: Application;
  let home: OrganizationQueries;
  let someone: string;

  it('is drafted: hosts and log follow their user, and what belongs to Prisma is left alone', async () => {
    const inspection = await inspectDatabase(runner.db);
    const guesses = Object.fromEntries(inspection.tables.map(({ name, guess }) => [name, guess]));
    expect(guesses).toMatchObject({
      Host: { kind: 'via', columns: ['userId'] },
      AuditLog: { kind: 'via', columns: ['userId'] },
      _prisma_migrations: { kind: 'untouched' },
    });
    const draft = await writeDraft(draftDefinition(inspection, { name: 'hosts', to: perOrg({ plan: 'free' }) }));
    try {
      expect(draft.compilerErrors()).toEqual([]);
      expect(await planMigration(runner.db, await draft.load())).toMatchObject({ tenants: rows.User });
    } finally {
      await draft.remove();
    }
  });

  it('is planned: one organization, every user a member, no row left over', async () => {
    const plan = await planMigration(runner.db, commercialUpgrade);
    expect(plan).toMatchObject({ tenants: 1, members: rows.User, source: { rows: rows.User } });
    expect(plan.tables.map(({ table, unresolved }) => [table, unresolved.rows])).toEqual(
      expect.arrayContaining([
        ['Host', 0],
        ['AuditLog', 0],
      ]),
    );
  });

  it('what the old application writes is in the new shape when it commits', async () => {
    const { old } = conversion;
    legacy = await rowHashes(runner.db, tables);
    await applyMigration(runner.db, commercialUpgrade, { to: 'expand' });
    await oldApplication.addUser(old, { id: 'cnew0', email: 'new0@hosts.example', at });
    await applyMigration(runner.db, commercialUpgrade, { to: 'backfill' });
    await oldApplication.addUser(old, { id: 'cnew1', email: 'new1@hosts.example', at, role: 'ADMIN' });
    await oldApplication.addUser(old, { id: 'cnew2', email: 'new2@hosts.example', at });
    await oldApplication.addHost(old, { id: 'chost1', name: 'fresh', userId: 'cnew2', at });
    await oldApplication.addHost(old, { id: 'chost2', name: 'nobodys', userId: null, at });
    await oldApplication.giveHost(old, 'chost2', 'cnew1', at);
    await oldApplication.log(old, 'cnew2', 'HOST_CREATED');
    await oldApplication.deleteUser(old, 'cnew2');
    const found = await sql<Record<string, unknown>>`select
      (select count(distinct "organizationId")::integer from "Host") as organizations,
      (select count(*)::integer from "Host" where "organizationId" is null) as homeless,
      (select m.role from tenantry.members m where m.user_id = 'cnew1' and m.status = 'active') as admin,
      (select m.status from tenantry.members m where m.user_id = 'cnew2') as deleted,
      (select count(*)::integer from "UserTeam" where "userId" in ('cnew0', 'cnew1', 'cnew2')) as teams,
      (select count(*)::integer from "HostTeam" where "hostId" in ('chost1', 'chost2')) as hosts`.execute(runner.db);
    expect(found.rows).toEqual([
      { organizations: 1, homeless: 0, admin: 'admin', deleted: 'removed', teams: 2, hosts: 2 },
    ]);
    hostsBefore = await oldApplication.hosts(old);
    before = await rowHashes(runner.db, tables, legacy);
  });

  it('is verified, enforced and switched', async () => {
    expect(await failed()).toEqual([]);
    await applyMigration(runner.db, commercialUpgrade, { to: 'switch' });
    await conversion.grant();
    expect(await failed()).toEqual([]);
  });

  it('everything that was there before is still there for everybody who is let in', async () => {
    const found = await sql<{
      tenant_id: string;
      name: string;
    }>`select tenant_id, name from tenantry.tenants`.execute(runner.db);
    expect(found.rows).toMatchObject([{ name: 'Default Organization' }]);
    app = createApplication(conversion.database.app);
    home = app.tenancy.scope(found.rows[0]?.tenant_id ?? '');
    const people = await sql<{ id: string }>`select id from "User" where "isActive" order by id limit 5`.execute(
      runner.db,
    );
    for (const { id } of people.rows) {
      expect(await app.tenancy.resolve({ userId: id })).toMatchObject({ ok: true, tenantId: home.tenantId });
      expect(await hostsOf(home, id)).toEqual(hostsBefore);
    }
    someone = people.rows[0]?.id ?? '';
    expect(await count(`select count(*) from tenantry.members where role = 'owner'`)).toBe(1);
    expect(
      await count(`select count(*) from tenantry.members m join "User" u on u.id = m.user_id
        where (m.status = 'suspended') <> (not u."isActive") or (m.role in ('owner', 'admin')) <> (u.role = 'ADMIN')`),
    ).toBe(0);
  });

  it('an organization manages itself, apart from every other', async () => {
    const second = await signUp(app, { id: 'ceve', email: 'eve@second.example', organization: 'Second', at });
    await addHost(app, second.tenantId, { id: 'chost9', name: 'elsewhere', userId: 'ceve', teamId: everyone, at });
    expect(await hostsOf(second, 'ceve')).toEqual(['chost9']);
    expect(await hostsOf(home, 'ceve')).toEqual([]);
    expect(await hostsOf(second, someone)).toEqual([]);
    expect(await app.tenancy.resolve({ userId: 'ceve', tenantId: home.tenantId })).toMatchObject({ ok: false });
    await createTeam(second, { id: 'team_second', name: 'Second team', members: ['ceve'], at });
    await expect(shareHost(second, hostsBefore[0] ?? '', 'team_second', 'VIEW')).rejects.toMatchObject({
      code: '23503',
    });
    await expect(raiseAlert(second, { id: 'a1', hostId: hostsBefore[0] ?? '', message: 'down' })).rejects.toMatchObject(
      {
        code: '23503',
      },
    );
  });

  it('a subscription at the provider puts an organization on its plan', async () => {
    await subscriptionChanged(app, home.tenantId, { plan: 'business', status: 'active' });
    expect(await app.tenancy.get(home.tenantId)).toMatchObject({ plan: 'business', subscriptionStatus: 'active' });
    expect(await app.plans.has(home.tenantId, 'alerts')).toBe(true);
  });

  it('a team sees the hosts that are shared with it, and may do there what it was let', async () => {
    const [first = '', second = ''] = hostsBefore;
    await app.organizations.members.add({ tenantId: home.tenantId, userId: 'cguest', role: 'member' });
    await addUser(home, { id: 'cguest', email: 'guest@hosts.example', at });
    await home.deleteFrom('UserTeam').where('userId', '=', 'cguest').execute();
    await createTeam(home, { id: 'team_guests', name: 'Guests', members: ['cguest'], at });
    await shareHost(home, first, 'team_guests', 'VIEW');
    await shareHost(home, second, 'team_guests', 'MANAGE');
    expect(await hostsOf(home, 'cguest')).toEqual([first, second].sort());
    expect([await mayManage(home, 'cguest', first), await mayManage(home, 'cguest', second)]).toEqual([false, true]);
    await openSession(home, { id: 'cs1', userId: 'cguest', tokenHash: 'x', until: at });
    const secret = await issueKey(app, home, { userId: 'cguest', label: 'monitoring' });
    expect(await app.apiKeys.verify(secret)).toMatchObject({ ok: true });
    const told = await raiseAlert(home, { id: 'alert1', hostId: first, message: 'disk full' });
    expect(told).toBe(await count(`select count(*) from "UserTeam" where "organizationId" = '${home.tenantId}'`));
    await logChange(home, { userId: 'cguest', action: 'HOST_SHARED', entityType: 'Host', entityId: first });
  });

  it('goes back: the old rows are what they were and what was written since; the rest is kept and counted', async () => {
    const { kept } = await rollbackMigration(runner.db, commercialUpgrade);
    const after = await rowHashes(runner.db, tables, before);
    expect(rowChanges(before, after)).toEqual({
      User: { gone: 0, came: 2 },
      Host: { gone: 0, came: 1 },
      AuditLog: { gone: 0, came: 1 },
    });
    const aside = Object.fromEntries(kept.map(({ table, rows: number }) => [table, number]));
    expect(aside).toMatchObject({ Team: 3, Session: 1, ApiKey: 1, Alert: 1 });
    expect(await count(`select count(*) from information_schema.tables where table_schema = 'public'`)).toBe(
      tables.length,
    );
    expect(await count(`select count(*) from pg_type where typname = 'Severity'`)).toBe(0);
    expect(await oldApplication.hosts(conversion.old)).toEqual([...hostsBefore, 'chost9'].sort());
  });

  it('is converted again', async () => {
    await sql`delete from "User" where id in ('ceve', 'cguest')`.execute(runner.db);
    await applyMigration(runner.db, commercialUpgrade, { to: 'switch' });
    expect(await failed()).toEqual([]);
    expect(await count('select count(*) from "Team"')).toBe(1);
  });
});
