import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from './handle.ts';
import { type SchemaStep, schemaSteps } from './schema/steps.ts';

/** Which version of the library's schema a database has; 0 when it has none. */
export async function schemaVersion(
  db: AnyDatabase,
): Promise<{ readonly installed: number; readonly known: number; readonly waiting: readonly string[] }> {
  const found = await sql<{ there: boolean }>`
    select to_regclass('tenantry.schema_versions') is not null as there`.execute(db);
  const rows = found.rows[0]?.there
    ? await libraryOf(db).selectFrom('tenantry.schema_versions').select('version').execute()
    : [];
  const installed = Math.max(0, ...rows.map((row) => row.version));
  const waiting = schemaSteps.filter(({ version }) => version > installed).map(({ name }) => name);
  return { installed, known: schemaSteps.at(-1)?.version ?? 0, waiting };
}

/** What an installation into an empty database runs, step by step. */
export function schemaStatements(): readonly SchemaStep[] {
  return schemaSteps;
}
