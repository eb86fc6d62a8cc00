import { sql } from 'kysely';
import {
  applyMigration,
  draftDefinition,
  inspectDatabase,
  migrationStatus,
  planMigration,
  rollbackMigration,
  verifyMigration,
} from 'tenantry/migrate';
import { perUser } from 'tenantry/tenancy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Application,
  addEndpoint,
  analyticsOf,
  catalogue,
  createApplication,
  dashboardOf,
  messagesOf,
  packagesOf,
  preferencesOf,
  queriesOf,
  register,
  setPreferences,
  subscribe,
  subscriptionsOf,
} from '../../examples/migrations/sonicus/application.ts';
import { organizationsToUsers } from '../../examples/migrations/sonicus/definition.ts';
import { generateSonicus, type RowCounts } from '../../examples/migrations/sonicus/generate.ts';
import { legacyTables, type SonicusDatabase } from '../../examples/migrations/sonicus/legacy-schema.ts';
import { organizationsToTell, toCsv } from '../../examples/migrations/sonicus/notice.ts';
import { oldApplication } from '../../examples/migrations/sonicus/old-application.ts';
import { subjectOf } from '../../examples/migrations/sonicus/tokens.ts';
import { type Conversion, conversionOf, numberOf } from '../support/conversion.ts';
import { writeDraft } from '../support/draft-file.ts';
import { type RowHashes, rowChanges, rowHashes } from '../support/row-hashes.ts';
import { openRunner, type Runner } from '../support/runner.ts';

const at = new Date('2026-05-01T10:00:00Z');

let conversion: Conversion<SonicusDatabase>;
let runner: Runner<SonicusDatabase>;
let rows: RowCounts;
beforeAll(async () => {
  conversion = await conversionOf<SonicusDatabase>(async (owner) => {
    rows = await generateSonicus(owner, { users: 300 });
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
  (await verifyMigration(runner.db, organizationsToUsers)).checks.filter(({ status }) => status === 'fail');

/** What the users should have afterwards, counted from the legacy tables in a way of its own. */
const expected = {
  subscriptions: `select count(*) from users u, subscriptions s where s.organization_id = u.organization_id
    and (u.created_at is null or s.canceled_at is null or s.canceled_at >= u.created_at)`,
  packages: `select count(*) from (select distinct u.id, a.package_id from organization_sound_packages a
    join users u using (organization_id) where a.is_active) as pairs`,
  days: `select count(*) from (select distinct user_id, (started_at at time zone 'UTC')::date from therapy_sessions) as days`,
};

describe('organizations dissolve into their users', () => {
  let organization: string;
  let other: string;
  let soundPackage: string;
  let newcomer: string;
  let legacy: RowHashes;
  let before: RowHashes;
  let app: Application;

  it('is drafted: what names a user follows the user, and what does not is asked', async () => {
    const inspection = await inspectDatabase(runner.db, { source: 'users' });
    const paths = inspection.tables.flatMap(({ name, guess }) => (guess.kind === 'via' ? [[name, guess.columns]] : []));
    for (const table of ['user_sessions', 'therapy_sessions', 'feature_usage', 'wellness_metrics', 'audit_logs']) {
      expect(paths).toContainEqual([table, ['user_id']]);
    }
    const draft = await writeDraft(draftDefinition(inspection, { name: 'sonicus', to: perUser({ plan: 'personal' }) }));
    try {
      expect(draft.compilerErrors()).toEqual([]);
      expect(await planMigration(runner.db, await draft.load())).toMatchObject({ tenants: rows.users });
    } finally {
      await draft.remove();
    }
  });

  it('is planned: each user a tenant, and what leads to nobody is counted before anything is written', async () => {
    const plan = await planMigration(runner.db, organizationsToUsers);
    expect(plan).toMatchObject({ source: { table: 'users', rows: rows.users }, tenants: rows.users });
    const unresolved = Object.fromEntries(
      plan.tables.flatMap((table) => (table.unresolved.rows > 0 ? [[table.table, table.unresolved.rows]] : [])),
    );
    const populated = '(select organization_id from users where organization_id is not null)';
    const nobody = 'user_id is null or user_id not in (select id from users)';
    expect(unresolved).toEqual({
      wellness_metrics: await count(`select count(*) from wellness_metrics where ${nobody}`),
      analytics_events: await count(
        `select count(*) from analytics_events where (${nobody}) and (organization_id is null or organization_id not in ${populated})`,
      ),
      audit_logs: await count(
        `select count(*) from audit_logs where (${nobody}) and (organization_id is null or organization_id not in ${populated})`,
      ),
      webhook_endpoints: await count(
        `select count(*) from webhook_endpoints where organization_id not in ${populated}`,
      ),
      webhook_deliveries: await count(`select count(*) from webhook_deliveries where endpoint_id in
        (select id from webhook_endpoints where organization_id not in ${populated})`),
      subscriptions: await count(`select count(*) from subscriptions where organization_id not in ${populated}`),
    });
    expect(plan.shared).toEqual(['sound_packages', 'therapy_sounds']);
  });

  it('lists the organizations to be told, with whom to write to and what they pay for', async () => {
    const affected = await organizationsToTell(runner.db);
    expect(affected).toHaveLength(rows.organizations);
    const users = affected.reduce((sum, row) => sum + row.users, 0);
    expect(users).toBe(await count('select count(*) from users where organization_id is not null'));
    expect(affected.filter((row) => row.contact === null && row.users > 0)).toEqual([]);
    expect(affected.some((row) => row.users === 0 && row.subscription === 'active')).toBe(true);
    const lines = toCsv(affected).split('\r\n');
    expect(lines[0]).toMatch(/^organization,name,contact,users,admins,plan,subscription,paid_until/);
    expect(lines).toHaveLength(rows.organizations + 2);
  });

  it('what the old application writes is in the new shape when it commits', async () => {
    const old = conversion.old;
    const find = async (query: string): Promise<string> => {
      const found = await sql.raw<{ id: string }>(query).execute(runner.db);
      return found.rows[0]?.id ?? '';
    };
    organization = await find(`select organization_id::text as id from users where organization_id is not null
      group by 1 order by count(*) desc, 1 limit 1`);
    other = await find(`select organization_id::text as id from users where organization_id is not null
      group by 1 order by count(*), 1 limit 1`);
    soundPackage = await find(`select id::text from sound_packages p where is_active and not exists
      (select 1 from organization_sound_packages a where a.package_id = p.id and a.organization_id in ('${organization}', '${other}')) limit 1`);
    legacy = await rowHashes(runner.db, legacyTables);
    await applyMigration(runner.db, organizationsToUsers, { to: 'expand' });
    newcomer = await oldApplication.addUser(old, organization, { email: 'during@mail.example', firstName: 'Mia' });
    await oldApplication.listen(old, newcomer, '1', at, 12.5);
    await applyMigration(runner.db, organizationsToUsers, { to: 'backfill' });
    await oldApplication.listen(old, newcomer, '2', at, 7.5);
    await oldApplication.assignPackage(old, organization, soundPackage);
    const subscription = await oldApplication.subscribe(old, organization, 'enterprise');
    await oldApplication.recordMood(old, newcomer, 8);
    await oldApplication.log(old, newcomer, organization, 'user.updated');
    await oldApplication.setRole(old, newcomer, ' Super_Admin ');
    const founded = await oldApplication.createOrganization(old, 'Founded While It Runs');
    const founder = await oldApplication.addUser(old, founded, {
      email: 'founder@mail.example',
      firstName: 'Ida',
      role: 'org_admin',
    });
    const endpoint = await oldApplication.registerEndpoint(old, founded, 'https://founded.example/hook', [
      'organization.user_added',
    ]);
    const found = await sql<Record<string, unknown>>`select
      (select minutes::float8 from user_analytics a where a.user_id = u.id and a.tenant_id = u.tenant_id) as minutes,
      (select count(*)::integer from user_sound_packages p where p.user_id = u.id and p.tenant_id = u.tenant_id and p.package_id = ${soundPackage}) as packages,
      (select s.status from user_subscriptions s where s.user_id = u.id and s.subscription_id = ${subscription}) as status,
      (select p.language from user_preferences p where p.user_id = u.id) as language, u.account_role,
      (select w.tenant_id = f.tenant_id from webhook_endpoints w, users f where w.id = ${endpoint} and f.id = ${founder}) as endpoint
      from users u where u.id = ${newcomer}`.execute(runner.db);
    expect(found.rows).toEqual([
      { minutes: 20, packages: 1, status: 'active', language: 'de', account_role: 'super_admin', endpoint: true },
    ]);
    await oldApplication.cancelSubscription(old, subscription, at);
    await oldApplication.withdrawPackage(old, organization, soundPackage);
    expect(
      await count(
        `select count(*) from user_sound_packages where package_id = ${soundPackage} and user_id = ${newcomer}`,
      ),
    ).toBe(0);
    expect(
      await count(
        `select count(*) from user_subscriptions where subscription_id = ${subscription} and status = 'canceled'`,
      ),
    ).toBe(
      await count(`select count(*) from users where organization_id = '${organization}'
        and (created_at is null or created_at <= '2026-05-01T10:00:00Z')`),
    );
    // Somebody changes the employer: what the old one paid for stays behind.
    await oldApplication.moveUser(old, newcomer, other);
    expect(
      await count(`select count(*) from user_subscriptions s join subscriptions l on l.id = s.subscription_id
      where s.user_id = ${newcomer} and l.organization_id <> '${other}'`),
    ).toBe(0);
    before = await rowHashes(runner.db, legacyTables, legacy);
  });

  it('is verified, enforced and switched', async () => {
    expect(await failed()).toEqual([]);
    await applyMigration(runner.db, organizationsToUsers, { to: 'switch' });
    await conversion.grant();
    expect(await failed()).toEqual([]);
    expect(await migrationStatus(runner.db, organizationsToUsers.name)).toMatchObject({ stage: 'switch' });
  });

  it('each user has what the organization had, its history too', async () => {
    const found = {
      subscriptions: await count('select count(*) from user_subscriptions'),
      packages: await count('select count(*) from user_sound_packages'),
      days: await count('select count(*) from user_analytics'),
    };
    expect(found).toEqual({
      subscriptions: await count(expected.subscriptions),
      packages: await count(expected.packages),
      days: await count(expected.days),
    });
    expect(await count('select count(*) from user_preferences where language is null')).toBe(0);
    expect(await count(`select sum(minutes) from user_analytics`)).toBe(
      await count(`select sum(greatest(minutes, 0)) from therapy_sessions`),
    );
    expect(
      await count(`select count(*) from user_subscriptions where status not in
      ('active', 'trialing', 'past_due', 'incomplete', 'canceled')`),
    ).toBe(0);
    expect(
      await count(`select count(*) from users where account_role <> case
      when lower(trim(role)) in ('admin', 'super_admin') then lower(trim(role)) else 'user' end`),
    ).toBe(0);
    expect(await count(`select count(*) from tenantry.tenants where kind <> 'user' or name ~ '[[:cntrl:]]'`)).toBe(0);
  });

  it('the trail and the state of what was paid stand with the user who answers for them', async () => {
    const payers = await sql<{
      wrong: number;
    }>`select count(*)::integer as wrong from subscriptions s join users u using (tenant_id)
      where u.organization_id is distinct from s.organization_id and u.id <> ${newcomer}`.execute(runner.db);
    expect(payers.rows[0]?.wrong).toBe(0);
    expect(await count(`select count(*) from tenantry.tenants where subscription_status = 'active'`)).toBeGreaterThan(
      5,
    );
    expect(
      await count(`select count(*) from tenantry.tenant_lookups where kind = 'provider_customer'
      group by value having count(*) > 1 union all select 0 limit 1`),
    ).toBe(0);
  });

  it('the new application serves a user whose token still names an organization, and one of its own', async () => {
    app = createApplication(conversion.database.app);
    const legacy = subjectOf({ user_id: Number(newcomer), org_id: organization, role: 'org_admin' });
    const current = subjectOf({ sub: newcomer, role: 'user' });
    expect(legacy).toEqual(current);
    const queries = await queriesOf(app, legacy?.userId ?? '');
    if (queries === null) throw new Error('nobody may act');
    expect((await analyticsOf(queries)).map(({ sessions, minutes }) => [sessions, Number(minutes)])).toEqual([[2, 20]]);
    expect(await preferencesOf(queries)).toMatchObject({ language: 'de', timezone: 'UTC', notifications: true });
    await setPreferences(queries, newcomer, { language: 'pl' });
    const { id } = await queries.selectFrom('users').select('id').executeTakeFirstOrThrow();
    expect(id).toBe(newcomer);
    expect(await catalogue(queries)).toHaveLength(rows.sound_packages);
    const heard = await packagesOf(queries, at);
    expect(heard.length).toBe(
      await count(`select count(distinct a.package_id) from organization_sound_packages a
      join sound_packages p on p.id = a.package_id where a.organization_id = '${other}' and a.is_active and p.is_active
      and (a.expires_at is null or a.expires_at > '2026-05-01T10:00:00Z')`),
    );
    await subscribe(queries, { id: '00000000-0000-4000-8000-000000000001', userId: newcomer, plan: 'personal', at });
    expect((await subscriptionsOf(queries)).current).toMatchObject({ plan: 'personal', paid_by: 'user' });
  });

  it('lets somebody sign up without an organization, and tells endpoints under the name they know', async () => {
    const { userId, queries } = await register(app, conversion.database.app, {
      email: 'alone@mail.example',
      hashedPassword: '$2b$12$none',
      firstName: 'Alone',
    });
    expect(await dashboardOf(queries)).toEqual([]);
    expect(await packagesOf(queries, at)).toEqual([]);
    await addEndpoint(queries, { url: 'https://alone.example', secret: 'whsec_x', events: ['user.registered'] });
    const event = { name: 'user.registered', userId, data: { email: 'alone@mail.example' } } as const;
    expect((await messagesOf(queries, event)).map(({ message }) => message.name)).toEqual(['user.registered']);
    const founder = await sql<{ id: string }>`select id::text from users where email = 'founder@mail.example'`.execute(
      runner.db,
    );
    const founders = await queriesOf(app, founder.rows[0]?.id ?? '');
    if (founders === null) throw new Error('nobody may act');
    expect((await messagesOf(founders, event)).map(({ message }) => message.name)).toEqual(['organization.user_added']);
  });

  it('goes back: the legacy rows are what they were and what was written since; the rest is kept and counted', async () => {
    const { kept } = await rollbackMigration(runner.db, organizationsToUsers);
    const after = await rowHashes(runner.db, legacyTables, before);
    expect(rowChanges(before, after)).toEqual({ users: { gone: 0, came: 1 } });
    const aside = Object.fromEntries(kept.map(({ table, rows: number }) => [table, number]));
    expect(aside).toMatchObject({ webhook_endpoints: 1, user_subscriptions: 1 });
    const columns = await sql<{ name: string }>`select table_name as name from information_schema.columns
      where table_schema = 'public' and column_name in ('tenant_id', 'account_role')`.execute(runner.db);
    expect(columns.rows).toEqual([]);
    expect(await oldApplication.organizationDashboard(conversion.old, organization)).toMatchObject({
      users: String(await count(`select count(*) from users where organization_id = '${organization}'`)),
    });
  });

  it('is converted again, and contracted: organizations and their figures stand in the archive', async () => {
    await sql`delete from users where email = 'alone@mail.example'`.execute(runner.db);
    await applyMigration(runner.db, organizationsToUsers, { to: 'switch' });
    expect(await failed()).toEqual([]);
    await applyMigration(runner.db, organizationsToUsers, { to: 'contract' });
    await conversion.grant();
    expect({
      organizations: await count('select count(*) from tenantry_archive.organizations'),
      analytics: await count('select count(*) from tenantry_archive.organization_analytics'),
      metrics: await count('select count(*) from tenantry_archive.organization_metrics'),
      packages: await count('select count(*) from tenantry_archive.organization_sound_packages'),
      columns: await count(`select count(*) from information_schema.columns where table_schema = 'public'
        and column_name = 'organization_id' and table_name not in ('subscriptions', 'audit_logs')`),
    }).toEqual({
      organizations: rows.organizations + 1,
      analytics: rows.organization_analytics,
      metrics: rows.organization_metrics,
      packages: rows.organization_sound_packages,
      columns: 0,
    });
    const queries = await queriesOf(createApplication(conversion.database.app), newcomer);
    expect(queries === null ? null : (await preferencesOf(queries))?.language).toBe('de');
  });

  it('goes back from there as well', async () => {
    await rollbackMigration(runner.db, organizationsToUsers);
    const after = await rowHashes(runner.db, legacyTables, before);
    expect(rowChanges(before, after)).toEqual({});
  });
});
