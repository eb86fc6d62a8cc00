import { sql } from 'kysely';
import { applyMigration, rollbackMigration } from 'tenantry/migrate';
import { expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { runUntilDone, weapons } from '../support/killed-runs.ts';
import { type Legacy, legacyChecksum, legacyMigration, makeLegacy } from '../support/legacy.ts';

/** How often a run is killed; TENANTRY_KILLS makes it more. */
const { TENANTRY_KILLS = '8' } = process.env;
const kills = Number(TENANTRY_KILLS);

/** The same writes of the new application each time: some have a place in the old shape, others none. */
const writes = [
  `update tenantry.members set email = 'changed' || user_id || '@new.org' where user_id::integer between 10 and 40`,
  `update tenantry.members set role = 'auditor' where user_id::integer between 41 and 45`,
  `update tenantry.api_keys set revoked_at = '2026-07-01' where start like 'hc_live_5%'`,
  `update tenantry.tenants set plan = 'business' where name like 'Company 1%'`,
  `insert into projects (id, name, tenant_id) select 100000 + id, 'Made new', tenant_id from customers where id % 10 = 3`,
  `insert into api_calls (path, called_at, tenant_id) select '/new', '2026-07-01', tenant_id from customers where id % 10 = 4 order by id`,
  `insert into tenantry.members (tenant_id, id, user_id, role, created_at, updated_at)
    select tenant_id, gen_random_uuid(), 'opaque ' || id, 'member', '2026-07-01', '2026-07-01' from customers where id % 50 = 3`,
  `insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
    select ('00000000-0000-7000-8000-0000000000' || n)::uuid, 'organization', 'Only new ' || n, 'team', '2026-07-01', '2026-07-01', '2026-07-01'
    from generate_series(10, 14) n`,
  `insert into projects (id, name, tenant_id) select 200000 + n, 'homeless', ('00000000-0000-7000-8000-0000000000' || n)::uuid from generate_series(10, 14) n`,
];

async function write({ owner, app }: TestDatabase<Legacy>): Promise<void> {
  await sql`grant select, insert, update, delete on customers, projects, api_calls to tenantry_service`.execute(owner);
  await sql`grant usage on all sequences in schema public to tenantry_service`.execute(owner);
  for (const statement of writes) await sql.raw(statement).execute(app);
}

/** What is in the report, without identifiers that differ from run to run. */
async function report({ owner }: TestDatabase<Legacy>): Promise<unknown[]> {
  const { rows } =
    await sql`select table_name, reason, coalesce(row_data ->> 'user_id', row_data ->> 'name') as name, row_data ->> 'plan' as plan,
    row_data ->> 'start' as start from tenantry.migration_quarantine order by 1, 2, 3, 4, 5`.execute(owner);
  return rows;
}

it.each(weapons)(
  `switches and goes back with every write, after ${kills / 2} times %s`,
  async (_name, weapon) => {
    const undisturbed = await postgresDatabase<Legacy>();
    await makeLegacy(undisturbed.owner);
    await applyMigration(undisturbed.owner, legacyMigration, { to: 'switch' });
    await write(undisturbed);
    await rollbackMigration(undisturbed.owner, legacyMigration);
    const expected = { old: await legacyChecksum(undisturbed.owner), kept: await report(undisturbed) };
    await undisturbed.destroy();
    expect(expected.kept.length).toBeGreaterThan(15);

    const places = new Set<string>();
    for (let killed = 0; killed < kills / 2; ) {
      const database = await postgresDatabase<Legacy>();
      try {
        await makeLegacy(database.owner);
        await applyMigration(database.owner, legacyMigration, { to: 'enforce' });
        killed += await runUntilDone(database, 'switch', weapon, places, 12);
        await write(database);
        killed += await runUntilDone(database, 'rollback', weapon, places, 30);
        expect({ old: await legacyChecksum(database.owner), kept: await report(database) }).toEqual(expected);
      } finally {
        await database.destroy();
      }
    }
    if (kills >= 100)
      expect([...places]).toEqual(expect.arrayContaining(['switch at enforce', 'rollback at rolling-back']));
  },
  600_000,
);
