import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { installSchema } from '../../src/database/index.ts';
import { schemaSteps } from '../../src/database/schema/steps.ts';
import { pgliteDatabase, postgresDatabase } from '../support/databases.ts';

for (const make of [pgliteDatabase, postgresDatabase]) {
  it(`installs once, whoever calls and however often (${make.name})`, async () => {
    const database = await make<Record<string, never>>({ install: false });
    try {
      const results = await Promise.all([1, 2, 3].map(() => installSchema(database.owner)));
      expect(results.filter((result) => result.applied.length > 0)).toHaveLength(1);
      expect(results.map((result) => result.version)).toEqual([1, 2, 3].map(() => schemaSteps.length));
    } finally {
      await database.destroy();
    }
  });
}

it('puts every table of a tenant under forced row-level security', async () => {
  const database = await postgresDatabase<Record<string, never>>();
  try {
    const open = await sql<{ relname: string }>`
      select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'tenantry' and c.relkind = 'r'
        and exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')
        and c.relname not in ('migration_map', 'migration_people', 'migration_parts', 'migration_changes', 'retenant_ways') and not (c.relrowsecurity and c.relforcerowsecurity)`.execute(
      database.owner,
    );
    expect(open.rows).toEqual([]);
  } finally {
    await database.destroy();
  }
});

it('tells which right is missing', async () => {
  const database = await postgresDatabase<Record<string, never>>({ install: false });
  try {
    await expect(installSchema(database.app)).rejects.toMatchObject({ code: 'database_right_missing' });
  } finally {
    await database.destroy();
  }
});
