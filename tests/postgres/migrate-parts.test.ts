import { type Kysely, sql } from 'kysely';
import {
  type AnyMigration,
  applyMigration,
  bySql,
  exportSql,
  firstIsOwner,
  planMigration,
  quarantine,
  rollbackMigration,
  shared,
  verifyMigration,
  via,
} from 'tenantry/migrate';
import { createTenancy, perUser } from 'tenantry/tenancy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import {
  makePartsLegacy,
  type PartsLegacy,
  partsChecksum,
  partsMigration,
  partsTables,
  tokens,
} from '../support/parts-legacy.ts';
import { type RowHashes, rowChanges, rowHashes } from '../support/row-hashes.ts';
import { asPrisma, asPsql, contents, type FileRunner } from './export-sql-runner.ts';

let database: TestDatabase<PartsLegacy>;
let db: Kysely<PartsLegacy>;
let before: RowHashes;

beforeEach(async () => {
  database = await postgresDatabase<PartsLegacy>();
  db = database.owner;
  await makePartsLegacy(db);
  before = await rowHashes(db, partsTables);
});

afterEach(() => database.destroy());

async function rows<Row>(query: ReturnType<typeof sql<Row>>): Promise<Row[]> {
  return (await query.execute(db)).rows;
}

/** Expects every check to pass, or to say why it could not be judged. */
async function proved(definition: AnyMigration = partsMigration): Promise<void> {
  const report = await verifyMigration(db, definition);
  expect(report.checks.filter((check) => check.status !== 'pass')).toEqual([]);
}

/** Expects the legacy tables to be as they were, and nothing of the migration to be left but what was kept. */
async function backAgain(): Promise<void> {
  expect(rowChanges(before, await rowHashes(db, partsTables, before))).toEqual({});
  const left = await rows<{ n: number }>(sql`select (select count(*) from tenantry.tenants)::integer
    + (select count(*) from tenantry.migration_people)::integer + (select count(*) from tenantry.migration_parts)::integer
    + (select count(*) from pg_proc where pronamespace = 'tenantry'::regnamespace and proname ~ '_[0-9a-f]{12}')::integer as n`);
  expect(left).toEqual([{ n: 0 }]);
}

it('makes members, keys, subscriptions, grants and entries from tables of their own, proves them, and goes back', async () => {
  const plan = await planMigration(db, partsMigration);
  expect(plan).toMatchObject({ tenants: 12, subscriptions: 24 });
  expect(Object.fromEntries(plan.decisions.map(({ topic, count }) => [topic, count]))).toEqual({
    persons: 9,
    owners: 3,
    'several owners': 3,
    nobody: 3,
    pending: 18,
    'live subscriptions': 3,
    'grants to nobody': 54,
    names: 4,
    'columns without a foreign key': 2,
  });
  expect(plan.decisions.find(({ topic }) => topic === 'owners')?.samples).toEqual([
    'Company 1: 21',
    'Company 2: 61',
    'Company 3: 101',
  ]);
  await applyMigration(db, partsMigration, { plan });
  await proved();
  const counts = await rows(sql`select (select count(*)::integer from tenantry.members) as members,
    (select count(*)::integer from tenantry.api_keys) as keys, (select count(*)::integer from tenantry.member_grants) as grants,
    (select count(*)::integer from tenantry.audit_entries) as entries`);
  expect(counts).toEqual([{ members: plan.members, keys: plan.keys, grants: plan.grants, entries: plan.auditEntries }]);
  const first = await partsChecksum(db);
  expect(await rollbackMigration(db, partsMigration)).toMatchObject({ kept: [] });
  await backAgain();
  await applyMigration(db, partsMigration);
  expect(await partsChecksum(db)).toBe(first);
});

it('makes exactly what the legacy tables say', async () => {
  await applyMigration(db, partsMigration);
  const wrong = await rows<{ what: string; n: number }>(sql`
    with person as (select distinct on (company_id, lower(email)) company_id, lower(email) as email, id as first
        from users where company_id is not null order by company_id, lower(email), created_at),
      who as (select u.*, p.first, case when not u.is_active then 'suspended' when u.is_approved then 'active' else 'pending' end as status
        from users u join person p on p.company_id = u.company_id and p.email = lower(u.email)),
      made as (select m.*, c.id as company_id from tenantry.members m join companies c on c.tenant_id = m.tenant_id)
    select * from (values
      ('members', (select count(*)::integer from person p full join made m on m.company_id = p.company_id and m.user_id = p.first::text
        where p.first is null or m.id is null)),
      ('status', (select count(*)::integer from made m where m.status <> (select w.status from who w
        where w.company_id = m.company_id and w.first::text = m.user_id order by array_position(array['active', 'pending', 'suspended'], w.status) limit 1))),
      ('owners', (select count(*)::integer from made m where (m.role = 'owner') <> (
        exists (select 1 from who w where w.company_id = m.company_id and w.first::text = m.user_id and w.role = 'owner')
        or (not exists (select 1 from who w where w.company_id = m.company_id and w.role = 'owner') and m.user_id = (select w.first::text from who w
          where w.company_id = m.company_id and w.status = 'active' order by w.created_at limit 1))))),
      ('keys', (select count(*)::integer from api_tokens t join who w on w.id = t.user_id
        left join tenantry.api_key_digests d on d.digest = t.token_hash left join tenantry.api_keys k on k.tenant_id = d.tenant_id and k.id = d.key_id
        left join made m on m.tenant_id = k.tenant_id and m.id = k.member_id
        where t.token_hash is not null and (m.company_id, m.user_id, k.name, k.start, k.created_at, coalesce(k.expires_at, 'epoch'), coalesce(k.revoked_at, 'epoch'), coalesce(k.last_used_at, 'epoch'))
          is distinct from (w.company_id, w.first::text, t.label, t.prefix, t.created_at, coalesce(t.expires_at, 'epoch'), coalesce(t.revoked_at, 'epoch'), coalesce(t.last_used_at, 'epoch')))),
      ('grants', (select count(*)::integer from (select w.company_id, w.first::text as user_id, p.permission, min(p.granted_at) as at,
            case when bool_and(p.expires_at is not null) then max(p.expires_at) end as ends
          from permissions p join who w on w.company_id = p.company_id and w.id = p.user_id group by 1, 2, 3) as l
        full join (select m.company_id, m.user_id, g.* from tenantry.member_grants g join made m on m.tenant_id = g.tenant_id and m.id = g.member_id) as g
          using (company_id, user_id, permission)
        where l.at is distinct from g.granted_at or l.ends is distinct from g.expires_at)),
      ('entries', (select count(*)::integer from (select c.tenant_id, l.action, l.created_at, l.user_id::text as actor from audit_logs l join companies c on c.id = l.company_id) as l
        full join tenantry.audit_entries e on e.tenant_id = l.tenant_id and e.action = l.action and e.occurred_at = l.created_at and e.actor_id is not distinct from l.actor
        where l.tenant_id is null or e.id is null)),
      ('standing', (select count(*)::integer from companies c join tenantry.tenants t on t.tenant_id = c.tenant_id where t.subscription_status is distinct from (
        select s.status from subscriptions s where s.company_id = c.id and s.status is not null
        order by array_position(array['active', 'trialing', 'past_due', 'canceled'], s.status) limit 1))),
      ('ids', (select count(*)::integer from subscriptions s join companies c on c.id = s.company_id where not exists (
        select 1 from tenantry.tenant_lookups l where l.kind = 'provider_subscription' and l.value = s.stripe_subscription_id and l.tenant_id = c.tenant_id)
        or not exists (select 1 from tenantry.tenant_lookups l where l.kind = 'provider_customer' and l.value = s.stripe_customer_id and l.tenant_id = c.tenant_id)))
    ) as w (what, n) where n <> 0`);
  expect(wrong).toEqual([]);
});

it('lets nobody of the application change what the audit trail tells', async () => {
  await applyMigration(db, partsMigration);
  const { app } = database;
  await expect(sql`delete from tenantry.audit_entries`.execute(app)).rejects.toMatchObject({ code: '42501' });
  await expect(sql`update tenantry.audit_entries set action = ''`.execute(app)).rejects.toMatchObject({
    code: '42501',
  });
});

describe('keys that two rows hold', () => {
  const choose = (onConflict: 'keep-newest' | 'keep-oldest' | 'fail'): AnyMigration => ({
    ...partsMigration,
    apiKeys: { ...tokens, onConflict },
  });

  beforeEach(async () => {
    await sql`update api_tokens set token_hash = (select token_hash from api_tokens where user_id = 1) where user_id in (12, 13)`.execute(
      db,
    );
    before = await rowHashes(db, partsTables);
  });

  it('are refused unless a policy says who keeps them', async () => {
    for (const definition of [partsMigration, choose('fail')]) {
      await expect(planMigration(db, definition)).rejects.toMatchObject({
        code: 'migration_conflict',
        details: { table: 'api_tokens', rows: 3, keys: ['1', '12', '13'] },
      });
    }
  });

  it.each([
    ['keep-newest', '12'],
    ['keep-oldest', '1'],
  ] as const)('stay with one by %s, and the others are recorded', async (policy, keeper) => {
    const definition = choose(policy);
    const plan = await planMigration(db, definition);
    expect(plan.decisions.find(({ topic }) => topic === 'keys held twice')).toMatchObject({ count: 3 });
    await applyMigration(db, definition, { plan });
    await proved(definition);
    const kept =
      await rows(sql`select m.user_id from tenantry.api_keys k join tenantry.members m on m.tenant_id = k.tenant_id and m.id = k.member_id
      join tenantry.api_key_digests d on d.key_id = k.id where d.digest = (select token_hash from api_tokens where user_id = 1)`);
    expect(kept).toEqual([{ user_id: keeper }]);
    const aside =
      await rows(sql`select row_key, row_data ->> 'user_id' as user_id, reason from tenantry.migration_quarantine
      where table_name = 'api_tokens as apiKeys' order by 1`);
    expect(aside).toEqual(
      ['1', '12', '13']
        .filter((user) => user !== (keeper === '12' ? '13' : keeper))
        .map((user) => ({ row_key: user, user_id: user, reason: 'another row holds the same key' })),
    );
    expect(await rollbackMigration(db, definition)).toMatchObject({ kept: [] });
    await backAgain();
  });
});

it('makes no key for a user of another company, and says so', async () => {
  await sql`alter table api_tokens add column company_id integer not null default 1`.execute(db);
  const definition: AnyMigration = {
    ...partsMigration,
    tables: { ...partsMigration.tables, api_tokens: via('company_id') },
  };
  await sql`alter table api_tokens drop constraint api_tokens_user_id_fkey`.execute(db);
  await sql`update api_tokens set company_id = 1 + (user_id - 1) / 10 where user_id > 20`.execute(db);
  const plan = await planMigration(db, definition);
  const nobody = plan.decisions.find(({ topic }) => topic === 'keys of nobody')?.count ?? 0;
  expect(nobody).toBeGreaterThan(8);
  await applyMigration(db, definition, { plan });
  await proved(definition);
  const aside = await rows(sql`select count(*)::integer as n from tenantry.migration_quarantine
    where table_name = 'api_tokens as apiKeys' and reason = 'its user is no member of the tenant'`);
  expect(aside).toEqual([{ n: nobody }]);
  expect(await rows(sql`select 1 from tenantry.api_keys where member_id is null`)).toEqual([]);
});

it.each([
  ['a user twice in one tenant', { members: { userId: sql`lower(email)`, sameMember: undefined } }, 'users'],
  ['a status that is none', { members: { status: sql`'retired'` } }, 'users'],
  ['a digest that is none', { apiKeys: { digest: 'prefix' } }, 'api_tokens'],
  ['an action that is empty', { audit: { action: 'entity_type' } }, 'audit_logs'],
])('refuses %s', async (_, change, table) => {
  const parts = Object.entries(change).map(([part, changed]) => [
    part,
    { ...Object.entries(partsMigration).find(([name]) => name === part)?.[1], ...changed },
  ]);
  const definition: AnyMigration = { ...partsMigration, ...Object.fromEntries(parts) };
  await expect(planMigration(db, definition)).rejects.toMatchObject({
    code: 'migration_conflict',
    details: { table, rows: expect.any(Number), keys: expect.arrayContaining([expect.any(String)]) },
  });
});

it('goes on after it was cut off behind any step, to the same result', async () => {
  await applyMigration(db, partsMigration);
  const whole = await partsChecksum(db);
  await rollbackMigration(db, partsMigration);
  const steps: string[] = [];
  for (let cut = true; cut; ) {
    cut = false;
    await applyMigration(db, partsMigration, {
      onProgress: ({ step, finished }) => {
        if (!finished || !step.startsWith('populate:') || steps.includes(step)) return;
        steps.push(step);
        cut = true;
        throw new Error('cut off');
      },
    }).catch((error: Error) => {
      if (error.message !== 'cut off') throw error;
    });
  }
  expect(steps.length).toBeGreaterThan(20);
  expect(await partsChecksum(db)).toBe(whole);
});

it.each<[string, 'psql' | 'prisma', FileRunner, RegExp, RegExp]>([
  ['psql', 'psql', asPsql, /^\d/, /^rollback/],
  ['prisma', 'prisma', asPrisma, /migration\.sql$/, /down\.sql$/],
])('files for %s make the same, and take it back', async (_, format, run, forth, back) => {
  const source = { db, definition: partsMigration };
  const files = await exportSql(await planMigration(db, partsMigration), source, { format });
  await applyMigration(db, partsMigration);
  const whole = await partsChecksum(db);
  await rollbackMigration(db, partsMigration);
  const url = database.urls?.owner ?? '';
  for (const content of contents(files, forth)) await run(url, content);
  expect(await partsChecksum(db)).toBe(whole);
  await proved();
  const down = contents(files, back);
  for (const content of format === 'prisma' ? down.reverse() : down) await run(url, content);
  await backAgain();
});

it('dissolves organizations: keys, subscriptions and entries go to the tenant of the user', async () => {
  await sql`delete from users where company_id is null`.execute(db);
  before = await rowHashes(db, partsTables);
  const { grants: _grants, ...rest } = partsMigration;
  const { userId: _userId, ...keys } = tokens;
  const definition: AnyMigration = {
    ...rest,
    name: 'users-alone',
    to: perUser({ plan: 'personal' }),
    tenants: { source: 'users', sameTenant: ['id'], name: 'email' },
    members: { source: 'users', userId: 'id', role: firstIsOwner({ by: 'created_at' }) },
    apiKeys: keys,
    tables: {
      companies: shared(),
      api_tokens: via('user_id'),
      subscriptions: bySql(sql`(select min(u.id) from users u where u.company_id = subscriptions.company_id)`, {
        unresolved: quarantine(),
      }),
      permissions: shared(),
      audit_logs: via('user_id', { unresolved: quarantine() }),
    },
  };
  await applyMigration(db, definition);
  await proved(definition);
  const tenancy = createTenancy({ db: database.app, strategy: perUser() });
  const home = await tenancy.provision({ userId: '14', name: 'ignored' });
  const mine =
    await rows(sql`select u.tenant_id as "tenantId", k.name from users u join api_tokens t on t.user_id = u.id
    join tenantry.api_key_digests d on d.digest = t.token_hash join tenantry.api_keys k on k.tenant_id = d.tenant_id and k.id = d.key_id where u.id = 14`);
  expect(mine).toEqual([{ tenantId: home.tenantId, name: 'Token 14' }]);
  expect(home.created).toBe(false);
  await rollbackMigration(db, definition);
  await backAgain();
});
