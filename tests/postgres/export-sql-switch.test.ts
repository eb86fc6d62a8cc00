import { sql } from 'kysely';
import {
  applyMigration,
  exportSql,
  type MigrationPlan,
  migrationStatus,
  planMigration,
  rollbackMigration,
  type SqlExport,
  verifyMigration,
} from 'tenantry/migrate';
import { beforeAll, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyChecksum, legacyMigration, makeLegacy } from '../support/legacy.ts';
import { asPrisma, asPsql, contents, type FileRunner } from './export-sql-runner.ts';

let plan: MigrationPlan;
let expected: { readonly old: string; readonly kept: unknown };
const exported = new Map<string, SqlExport>();

async function legacyDatabase(): Promise<TestDatabase<Legacy> & { readonly url: string }> {
  const database = await postgresDatabase<Legacy>();
  await makeLegacy(database.owner, 60);
  return { ...database, url: database.urls?.owner ?? '' };
}

/** Some writes of the new application with a place in the old shape, and some without. */
async function write({ owner, app }: TestDatabase<Legacy>): Promise<void> {
  await sql`grant select, insert, update, delete on customers, projects to tenantry_service`.execute(owner);
  await sql`update tenantry.members set email = 'changed' || user_id || '@new.org' where user_id::integer < 9`.execute(
    app,
  );
  await sql`update tenantry.tenants set plan = 'business' where name like 'Company 1%'`.execute(app);
  await sql`insert into projects (id, name, tenant_id) select 9000 + id, 'new', tenant_id from customers where id < 5`.execute(
    app,
  );
  await sql`with seat as (update tenantry.organizations set seats_taken = seats_taken + 1
      where tenant_id = (select tenant_id from customers where id = 3))
    insert into tenantry.members (tenant_id, id, user_id, role, created_at, updated_at)
    select tenant_id, ${uuidv7()}, 'opaque', 'member', now(), now() from customers where id = 3`.execute(app);
}

const stateOf = async ({ owner }: TestDatabase<Legacy>): Promise<typeof expected> => ({
  old: await legacyChecksum(owner),
  kept: (
    await sql`select table_name, reason, count(*) from tenantry.migration_quarantine group by 1, 2 order by 1, 2`.execute(
      owner,
    )
  ).rows,
});

beforeAll(async () => {
  const database = await legacyDatabase();
  const source = { db: database.owner, definition: legacyMigration };
  plan = await planMigration(database.owner, legacyMigration);
  for (const format of ['psql', 'prisma'] as const)
    exported.set(format, await exportSql(plan, source, { format, to: 'switch' }));
  await applyMigration(database.owner, legacyMigration, { plan, to: 'switch' });
  await write(database);
  await rollbackMigration(database.owner, legacyMigration);
  expected = await stateOf(database);
  await database.destroy();
});

const runners: [format: 'psql' | 'prisma', run: FileRunner, forth: RegExp, back: RegExp][] = [
  ['psql', asPsql, /^\d/, /^rollback/],
  ['prisma', asPrisma, /migration\.sql$/, /down\.sql$/],
];

describe.each(runners)('files for %s up to the switch', (format, run, forth, back) => {
  const files = (name: RegExp): string[] => contents(exported.get(format) ?? { files: [] }, name);

  it('carry the writes of the new application back as the library does, and take the switch back', async () => {
    const database = await legacyDatabase();
    for (const content of files(forth)) await run(database.url, content);
    expect(await migrationStatus(database.owner, legacyMigration.name)).toMatchObject({ stage: 'switch' });
    await write(database);
    const { checks } = await verifyMigration(database.owner, legacyMigration);
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
    const down = files(back);
    for (const content of format === 'prisma' ? down.reverse() : down) await run(database.url, content);
    expect(await stateOf(database)).toEqual(expected);
    expect(await migrationStatus(database.owner, legacyMigration.name)).toMatchObject({
      stage: 'rolled-back',
      stepsDone: 0,
    });
    await database.destroy();
  });

  it('are taken back by the library, and take back what the library switched', async () => {
    const first = await legacyDatabase();
    for (const content of files(forth)) await run(first.url, content);
    await write(first);
    await rollbackMigration(first.owner, legacyMigration);
    expect(await stateOf(first)).toEqual(expected);
    await first.destroy();

    const second = await legacyDatabase();
    await applyMigration(second.owner, legacyMigration, { plan, to: 'switch' });
    await write(second);
    const down = files(back);
    for (const content of format === 'prisma' ? down.reverse() : down) await run(second.url, content);
    expect(await stateOf(second)).toEqual(expected);
    await second.destroy();
  });
});
