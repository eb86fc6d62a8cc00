import { sql } from 'kysely';
import { exportSql, migrationStatus, planMigration, verifyMigration } from 'tenantry/migrate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commercialUpgrade } from '../../examples/migrations/host-manager/definition.ts';
import { generateHosts } from '../../examples/migrations/host-manager/generate.ts';
import { type HostDatabase, legacyTables } from '../../examples/migrations/host-manager/legacy-schema.ts';
import { oldApplication } from '../../examples/migrations/host-manager/old-application.ts';
import { type Conversion, conversionOf } from '../support/conversion.ts';
import { rowChanges, rowHashes } from '../support/row-hashes.ts';
import { openRunner, type Runner } from '../support/runner.ts';
import { asPrisma } from './export-sql-runner.ts';

let conversion: Conversion<HostDatabase>;
let runner: Runner<HostDatabase>;
beforeAll(async () => {
  conversion = await conversionOf<HostDatabase>((owner) => generateHosts(owner, { users: 60 }));
  runner = await openRunner(conversion.database);
});
afterAll(async () => {
  await runner.db.destroy();
  await conversion.destroy();
  await runner.destroy();
});

it('lands as folders of Prisma, after those that are there, and goes back by its own script', async () => {
  const before = await rowHashes(runner.db, legacyTables);
  const plan = await planMigration(runner.db, commercialUpgrade);
  const { files } = await exportSql(
    plan,
    { db: runner.db, definition: commercialUpgrade },
    { format: 'prisma', to: 'switch', start: new Date('2026-05-02T08:00:00Z') },
  );
  const forth = files.filter(({ name }) => name.endsWith('/migration.sql'));
  const folders = forth.map(({ name }) => name.split('/')[0] ?? '');
  const known = await sql<{ name: string }>`select migration_name as name from _prisma_migrations order by 1`.execute(
    runner.db,
  );
  const all = [...known.rows.map(({ name }) => name), ...folders];
  expect([...all].sort()).toEqual(all);

  for (const { name, content } of forth) {
    await asPrisma(runner.url, content);
    await sql`insert into _prisma_migrations (id, checksum, migration_name, finished_at)
      values (gen_random_uuid()::text, encode(sha256(convert_to(${content}, 'UTF8')), 'hex'), ${name.split('/')[0]}, now())`.execute(
      runner.db,
    );
    if (name.includes('expand')) {
      await oldApplication.addUser(conversion.old, { id: 'clive', email: 'live@hosts.example', at: new Date(0) });
    }
  }
  const report = await verifyMigration(runner.db, commercialUpgrade);
  expect(report.checks.filter(({ status }) => status === 'fail')).toEqual([]);
  expect(await migrationStatus(runner.db, commercialUpgrade.name)).toMatchObject({ stage: 'switch' });
  const found = await sql<{ people: number; hosts: number; teams: number }>`select
    (select count(*)::integer from "UserTeam") as people, (select count(*)::integer from "HostTeam") as hosts,
    (select count(*)::integer from "Team") as teams`.execute(runner.db);
  expect(found.rows).toEqual([{ people: 61, hosts: 300, teams: 1 }]);

  const back = files.filter(({ name }) => name.endsWith('/down.sql')).reverse();
  for (const { content } of back) if (/^\s*(?!--)\S/m.test(content)) await asPrisma(runner.url, content);
  expect(await migrationStatus(runner.db, commercialUpgrade.name)).toMatchObject({ stage: 'rolled-back' });
  const after = await rowHashes(runner.db, legacyTables, before);
  expect(rowChanges(before, after)).toEqual({ User: { gone: 0, came: 1 } });
});
