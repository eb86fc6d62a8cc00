import { sql } from 'kysely';
import { applyMigration, migrationStatus, planMigration, rollbackMigration, verifyMigration } from 'tenantry/migrate';
import { expect, it } from 'vitest';
import { pgliteDatabase, postgresDatabase } from '../support/databases.ts';
import { type Legacy, legacyChecksum, legacyMigration, makeLegacy, resultChecksum } from '../support/legacy.ts';

for (const make of [postgresDatabase, pgliteDatabase]) {
  it(`converts a dirty database, proves it, and goes back to the same rows, twice (${make.name})`, async () => {
    const database = await make<Legacy>();
    const db = database.owner;
    try {
      await makeLegacy(db);
      const before = await legacyChecksum(db);
      const plan = await planMigration(db, legacyMigration);
      expect(plan.source).toEqual({ table: 'customers', rows: 200 });
      const calls = plan.tables.find((table) => table.table === 'api_calls');
      expect(calls?.unresolved).toMatchObject({ rows: 39, policy: 'quarantine' });
      expect(await legacyChecksum(db)).toBe(before);

      const applied = await applyMigration(db, legacyMigration, { plan });
      expect(applied).toMatchObject({ stage: 'enforce', rows: 200 + 400 + 1200 + 2000 });
      const report = await verifyMigration(db, legacyMigration);
      expect(report.checks.filter((check) => check.status !== 'pass')).toEqual([]);
      const made = await resultChecksum(db);
      const counts = await sql<{ tenants: number; members: number; keys: number; aside: number }>`
        select (select count(*)::integer from tenantry.tenants) as tenants, (select count(*)::integer from tenantry.members) as members,
          (select count(*)::integer from tenantry.api_keys) as keys, (select count(*)::integer from tenantry.migration_quarantine) as aside`.execute(
        db,
      );
      expect(counts.rows[0]).toEqual({ tenants: plan.tenants, members: plan.members, keys: plan.keys, aside: 39 });

      const back = await rollbackMigration(db, legacyMigration);
      expect(back.kept).toEqual([]);
      expect(await legacyChecksum(db)).toBe(before);
      expect(
        (await sql<{ n: number }>`select count(*)::integer as n from tenantry.tenants`.execute(db)).rows[0]?.n,
      ).toBe(0);
      expect(await migrationStatus(db, legacyMigration.name)).toMatchObject({ stage: 'rolled-back', stepsDone: 0 });

      await applyMigration(db, legacyMigration);
      expect(await resultChecksum(db)).toBe(made);
      expect((await verifyMigration(db, legacyMigration)).failed).toBe(0);
    } finally {
      await database.destroy();
    }
  });
}
