import { hostname, userInfo } from 'node:os';
import { type Kysely, sql } from 'kysely';
import {
  applyMigration,
  migrationReport,
  readAudit,
  reportMarkdown,
  rollbackMigration,
  verifyMigration,
} from 'tenantry/migrate';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyMigration, makeLegacy } from '../support/legacy.ts';

let database: TestDatabase<Legacy>;
let db: Kysely<Legacy>;

beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  db = database.owner;
  await makeLegacy(db, 60);
});

afterEach(() => database.destroy());

it('keeps an entry of each stage and each way back: when, by whom, from where, with which steps', async () => {
  await applyMigration(db, legacyMigration, { actor: 'Ada', to: 'backfill' });
  await applyMigration(db, legacyMigration);
  await rollbackMigration(db, legacyMigration, { actor: 'Bob' });
  await applyMigration(db, legacyMigration, { to: 'expand' });
  const trail = await readAudit(db, legacyMigration.name);
  expect(trail.map(({ event, stage, actor }) => [event, stage, actor])).toEqual([
    ['stage', 'expand', 'Ada'],
    ['stage', 'backfill', 'Ada'],
    ['verified', 'backfill', 'tenantry_test_owner'],
    ['stage', 'enforce', 'tenantry_test_owner'],
    ['rollback-begun', 'enforce', 'Bob'],
    ['rolled-back', 'enforce', 'Bob'],
    ['stage', 'expand', 'tenantry_test_owner'],
  ]);
  for (const entry of trail) {
    expect(entry).toMatchObject({ role: 'tenantry_test_owner', host: hostname(), osUser: userInfo().username });
    expect(entry.planHash).toMatch(/^[0-9a-f]{64}$/);
    expect(entry.endedAt >= entry.beganAt).toBe(true);
  }
  const [, backfill, verified, , , back] = trail;
  expect(backfill?.steps.find(({ step }) => step === 'backfill:projects')).toMatchObject({ rows: 120 });
  expect(backfill?.made).toMatchObject({ members: 58, keys: 50 });
  expect(verified?.checks).not.toHaveLength(0);
  expect(verified?.checks?.filter(({ status }) => status === 'fail')).toEqual([]);
  expect(back).toMatchObject({ kept: [], returned: [{ table: 'api_calls', rows: expect.any(Number) }] });
});

it('never changes an entry, whoever asks', async () => {
  await applyMigration(db, legacyMigration, { to: 'expand' });
  for (const statement of [
    `update tenantry.migration_audit set actor = 'nobody'`,
    'delete from tenantry.migration_audit',
    'truncate tenantry.migration_audit',
    'delete from tenantry.migration_audit where false',
  ]) {
    await expect(sql.raw(statement).execute(db)).rejects.toMatchObject({ code: '23000' });
  }
  await rollbackMigration(db, legacyMigration);
  await sql`delete from tenantry.migrations`.execute(db);
  expect((await readAudit(db, legacyMigration.name)).map(({ event }) => event)).toEqual([
    'stage',
    'rollback-begun',
    'rolled-back',
  ]);
});

it('tells what was planned, made, set aside and proved, and what a way back kept', async () => {
  expect(await migrationReport(db, legacyMigration)).toMatchObject({ stage: 'none', plan: null, trail: [], kept: [] });
  await applyMigration(db, legacyMigration);
  const report = await migrationReport(db, legacyMigration);
  const aside = report.plan?.tables.find(({ table }) => table === 'api_calls')?.unresolved.rows ?? 0;
  expect(aside).toBeGreaterThan(0);
  expect(report).toMatchObject({
    from: 'per-user',
    to: 'hybrid-seats',
    stage: 'enforce',
    made: { tenants: report.plan?.tenants, members: report.plan?.members, keys: report.plan?.keys },
    kept: [{ table: 'api_calls', rows: aside, reason: 'customer_id leads to no tenant', rollback: null }],
    verification: { failed: 0 },
    underWay: [],
    failure: null,
  });
  const text = reportMarkdown(report);
  expect(text).toContain('# Migration customers-to-organizations\n');
  expect(text).toContain(`| tenants | ${report.plan?.tenants} | ${report.plan?.tenants} |`);
  expect(text).toContain(`| api_calls | 600 | customer_id | ${600 - aside} | ${aside} | quarantine |`);
  expect(text).toMatch(/\| reached enforce \| tenantry_test_owner \|/);
  expect(text).toContain('## Steps of backfill');
  expect(JSON.parse(JSON.stringify(report))).toMatchObject({ migration: legacyMigration.name });

  // A tenant that the new application made has no place in the old shape.
  await sql`alter table projects no force row level security`.execute(db);
  await sql`insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
    values (gen_random_uuid(), 'organization', 'New | one', 'team', now(), now(), now())`.execute(db);
  const back = await rollbackMigration(db, legacyMigration);
  const after = await migrationReport(db, legacyMigration);
  expect(after).toMatchObject({ stage: 'rolled-back', made: report.made });
  const total = (rows: readonly { readonly rows: number }[]): number => rows.reduce((sum, row) => sum + row.rows, 0);
  expect(total(after.kept)).toBe(total(back.kept));
  expect(reportMarkdown(after)).toContain('The rollback of ');
});

it('takes a verification that was just made, and shows what failed first', async () => {
  await applyMigration(db, legacyMigration, { to: 'backfill' });
  await db.connection().execute(async (connection) => {
    await sql`set tenantry.runner = 'on'`.execute(connection);
    await sql`update projects set tenant_id = (select tenant_id from projects where id = 2) where id = 1`.execute(
      connection,
    );
    await sql`reset tenantry.runner`.execute(connection);
  });
  const verification = await verifyMigration(db, legacyMigration);
  const report = await migrationReport(db, legacyMigration, { verification });
  expect(report.verification?.failed).toBe(verification.failed);
  expect(verification.failed).toBeGreaterThan(0);
  const verdicts = [...reportMarkdown(report).matchAll(/^\| [^|]+ \| [^|]* \| (pass|fail|skip) \|/gm)].map(
    ([, verdict]) => verdict,
  );
  expect(verdicts[0]).toBe('fail');
  expect(verdicts).toHaveLength(verification.checks.length);
});
