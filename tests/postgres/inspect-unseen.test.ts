import { type Kysely, sql } from 'kysely';
import {
  applyMigration,
  draftDefinition,
  inspectDatabase,
  planMigration,
  rollbackMigration,
  verifyMigration,
} from 'tenantry/migrate';
import { hybridSeats, perOrg, perUser } from 'tenantry/tenancy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type DraftFile, writeDraft } from '../support/draft-file.ts';
import { unseenSchema } from '../support/unseen-schema.ts';

type Unseen = Record<string, Record<string, unknown>>;

/** An order-free checksum of each table, the tenant column left out. */
async function checksums(db: Kysely<Unseen>, tables: readonly string[]): Promise<Record<string, string>> {
  const sums: Record<string, string> = {};
  for (const table of tables) {
    const found = await sql<{ sum: string }>`select md5(coalesce(string_agg(h, ',' order by h), '')) as sum from (
      select md5((to_jsonb(t) - 'tenant_id')::text) as h from ${sql.table(table)} as t) as rows`.execute(db);
    sums[table] = found.rows[0]?.sum ?? '';
  }
  return sums;
}

let draft: DraftFile | undefined;

afterEach(async () => {
  await draft?.remove();
  draft = undefined;
});

describe.each([
  { seed: 1, to: perUser() },
  { seed: 2, to: perOrg() },
  { seed: 3, to: hybridSeats({ plan: 'team', seats: 3 }) },
])('a schema of 40 tables that nobody has seen ($seed, to $to.name)', ({ seed, to }) => {
  let database: TestDatabase<Unseen>;

  beforeEach(async () => {
    database = await postgresDatabase<Unseen>();
  });

  afterEach(async () => {
    await database.destroy();
  });

  it('is converted and taken back by the drafted definition alone, once its questions are answered', async () => {
    const db = database.owner;
    const unseen = unseenSchema(seed);
    await db.transaction().execute(async (tx) => {
      for (const statement of unseen.statements) await sql.raw(statement).execute(tx);
    });
    const inspection = await inspectDatabase(db);
    const guesses = Object.fromEntries(inspection.tables.map(({ name, guess }) => [name, guess.kind]));
    expect(guesses).toEqual(unseen.truth);
    expect(Object.keys(guesses)).toHaveLength(40);

    draft = await writeDraft(draftDefinition(inspection, { name: 'unseen', to }));
    expect(draft.compilerErrors()).toEqual([]);
    const definition = await draft.load();

    const blocking = inspection.questions.filter((question) => question.blocking);
    expect(blocking).toMatchObject([{ topic: 'paths', table: unseen.disagreeing.table }]);
    await expect(planMigration(db, definition)).rejects.toMatchObject({
      code: 'migration_rows_ambiguous',
      details: { table: unseen.disagreeing.table, rows: blocking[0]?.rows },
    });
    const { table, column } = unseen.disagreeing;
    await sql`update ${sql.table(table)} set ${sql.ref(column)} = null where ${sql.ref('id')} in (${sql.raw(blocking[0]?.sql ?? '')})`.execute(
      db,
    );

    const before = await checksums(db, Object.keys(unseen.truth));
    const plan = await planMigration(db, definition);
    expect(plan.tenants).toBe(40);
    const unresolved = plan.tables.filter((planned) => planned.unresolved.rows > 0);
    expect(Object.fromEntries(unresolved.map((planned) => [planned.table, planned.unresolved.rows]))).toEqual(
      unseen.unresolved,
    );
    await applyMigration(db, definition, { plan });
    const report = await verifyMigration(db, definition);
    expect(report.checks.filter((check) => check.status !== 'pass')).toEqual([]);
    await rollbackMigration(db, definition);
    expect(await checksums(db, Object.keys(unseen.truth))).toEqual(before);
  });
});

it('is understood the same without a single foreign key, by names and by what the data shows', async () => {
  const database = await postgresDatabase<Unseen>();
  try {
    const db = database.owner;
    const unseen = unseenSchema(22);
    for (const statement of unseen.statements) await sql.raw(statement).execute(db);
    const keys = await sql<{
      drop: string;
    }>`select format('alter table %s drop constraint %I', conrelid::regclass, conname) as drop
      from pg_constraint where contype = 'f' and conparentid = 0`.execute(db);
    expect(keys.rows.length).toBeGreaterThan(30);
    for (const { drop } of keys.rows) await sql.raw(drop).execute(db);
    const inspection = await inspectDatabase(db);
    expect(Object.fromEntries(inspection.tables.map(({ name, guess }) => [name, guess.kind]))).toEqual(unseen.truth);
    expect(inspection.questions.filter(({ blocking }) => blocking)).toEqual([]);
    draft = await writeDraft(draftDefinition(inspection, { name: 'unseen', to: perOrg() }));
    expect(await planMigration(db, await draft.load())).toMatchObject({ tenants: 40 });
  } finally {
    await database.destroy();
  }
});

it('the same number makes the same database', () => {
  expect(unseenSchema(5)).toEqual(unseenSchema(5));
});
