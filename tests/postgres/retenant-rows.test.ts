import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AnyRetenanting,
  applyRetenanting,
  finishRetenanting,
  listMigrations,
  migrationStatus,
  planRetenanting,
  retenantingStatus,
  rollbackRetenanting,
  whole,
} from '../../src/migrate/index.ts';
import type { TestDatabase } from '../support/databases.ts';
import { everyRow, failedChecks, fillShop, retenantingOf, type Shop } from '../support/retenant-rows.ts';
import { openRunner, type Runner } from '../support/runner.ts';
import { shopDatabase } from '../support/shop-database.ts';

let database: TestDatabase<Shop>;
beforeEach(async () => {
  database = await shopDatabase();
});
/** Who can go when the database has. */
let leaving: Runner<Shop> | undefined;
afterEach(async () => {
  await database.destroy();
  await leaving?.destroy();
  leaving = undefined;
});

const merge = (beta: string, acme: string, tables: Partial<AnyRetenanting['tables']> = {}) =>
  retenantingOf('merge', acme, beta, tables);

describe('a merge of two tenants with rows', () => {
  it('moves every row, settles what meets its like by the policies, and returns exactly what was', async () => {
    const { program, acme, beta } = await fillShop(database);
    const before = await everyRow(database);
    const definition = merge(beta, acme);
    const plan = await planRetenanting(database.owner, definition);
    expect(await everyRow(database)).toEqual(before);
    expect(
      Object.fromEntries(plan.tables.map(({ table, rows, moved, joined }) => [table, [rows, moved, joined]])),
    ).toEqual({
      projects: [12, 12, 0],
      notes: [36, 36, 0],
      labels: [3, 1, 2],
      invoices: [5, 5, 0],
      meters: [2, 1, 1],
    });
    expect(plan.conflicts.map(({ table, policy, rows }) => `${table} ${policy} ${rows}`).toSorted()).toEqual([
      'invoices renumber 5',
      'labels keepTarget 2',
      'meters sum 1',
      'projects suffix 4',
    ]);

    const applied = await applyRetenanting(database.owner, definition, { plan });
    expect(applied).toMatchObject({ stage: 'moved', units: 1, rows: 55 });
    expect(await failedChecks(database, definition)).toEqual([]);
    const scope = program.tenancy.scope(acme);
    const slugs = await scope.selectFrom('projects').select('slug').orderBy('slug').execute();
    expect(slugs).toHaveLength(24);
    expect(slugs.map(({ slug }) => slug)).toEqual(expect.arrayContaining(['project-0', 'project-0-2', 'project-3-2']));
    expect(await scope.selectFrom('labels').select('name').orderBy('id').execute()).toEqual(
      ['urgent', 'Blue', 'only 0', 'only 1'].map((name) => ({ name })),
    );
    expect(await scope.selectFrom('meters').select(['meter', 'used']).orderBy('meter').execute()).toEqual([
      { meter: 'calls', used: 21 },
      { meter: 'own 0', used: 1 },
      { meter: 'own 1', used: 1 },
    ]);
    const numbers = await scope.selectFrom('invoices').select('number').orderBy('number').execute();
    expect(numbers.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await retenantingStatus(database.owner, definition.name)).toMatchObject({
      stage: 'moved',
      unitsDone: 1,
      held: [],
    });
    expect(await applyRetenanting(database.owner, definition)).toMatchObject({ units: 0, rows: 0 });
    expect(await listMigrations(database.owner)).toMatchObject([
      { name: definition.name, kind: 'retenanting', stage: 'moved', done: 1, total: 1, holder: null },
    ]);
    expect(await migrationStatus(database.owner, definition.name)).toMatchObject({
      stage: 'moved',
      stepsDone: 1,
      stepsTotal: 1,
      failure: null,
      retenanting: { stage: 'moved', held: [] },
    });

    const returned = await rollbackRetenanting(database.owner, definition);
    expect(returned).toMatchObject({ stage: 'rolled-back', units: 1, kept: [] });
    expect(await everyRow(database)).toEqual(before);
  });
});

describe('the policies', () => {
  it('refuse where nothing is said, with samples, and before anything is written', async () => {
    const { acme, beta } = await fillShop(database);
    const before = await everyRow(database);
    const definition = merge(beta, acme, { projects: whole(), meters: whole() });
    const plan = await planRetenanting(database.owner, definition);
    const refused = plan.conflicts.filter(({ policy }) => policy === 'fail');
    expect(refused.map(({ table, rows, samples }) => [table, rows, samples.length])).toEqual([
      ['projects', 4, 4],
      ['meters', 1, 1],
    ]);
    const problem = { code: 'migration_conflict', details: { rows: expect.any(Number), keys: expect.any(Array) } };
    await expect(applyRetenanting(database.owner, definition)).rejects.toMatchObject(problem);
    expect(await everyRow(database)).toEqual(before);
  });

  it('let the newer row speak under the key of the target, and give both back', async () => {
    const { program, acme, beta } = await fillShop(database);
    await sql`update labels set updated_at = '2025-01-01' where tenant_id = ${acme}::uuid and lower(name) = 'blue'`.execute(
      database.owner,
    );
    const before = await everyRow(database);
    const ids = await database.owner
      .selectFrom('labels')
      .select(['id', 'name', 'color'])
      .where('tenant_id', '=', acme)
      .orderBy('id')
      .execute();
    const definition = merge(beta, acme, { labels: whole({ uniques: { labels_name: { keepNewest: 'updated_at' } } }) });
    await applyRetenanting(database.owner, definition);
    expect(await failedChecks(database, definition)).toEqual([]);
    const now = await program.tenancy
      .scope(acme)
      .selectFrom('labels')
      .select(['id', 'name', 'color'])
      .orderBy('id')
      .execute();
    expect(now.slice(0, 3)).toEqual([{ ...ids[0], color: 'color 1' }, ids[1], ids[2]]);
    const { kept } = await rollbackRetenanting(database.owner, definition);
    expect(kept).toEqual([]);
    expect(await everyRow(database)).toEqual(before);
  });

  it('are applied to rows that nobody could foresee at the time of the plan', async () => {
    const { acme, beta } = await fillShop(database);
    const definition = merge(beta, acme, { meters: whole() });
    await sql`delete from meters where meter = 'calls'`.execute(database.owner);
    const plan = await planRetenanting(database.owner, definition);
    await sql`insert into meters values (${acme}::uuid, 'own 1', 7)`.execute(database.owner);
    const before = await everyRow(database);
    const failure = await applyRetenanting(database.owner, definition, { plan }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'migration_conflict', details: { table: 'meters', keys: ['own 1'] } });
    expect(await everyRow(database)).toEqual(before);
    await rollbackRetenanting(database.owner, definition);
    expect(await everyRow(database)).toEqual(before);
  });
});

describe('a way back after the application went on', () => {
  it('keeps what was written since, takes rows along that belong to one that goes, and leaves the rest', async () => {
    const { program, acme, beta } = await fillShop(database);
    const definition = merge(beta, acme);
    const [mine] = await database.owner
      .selectFrom('projects')
      .selectAll()
      .where('tenant_id', '=', beta)
      .where('slug', '=', 'project-1')
      .execute();
    const [theirs] = await database.owner
      .selectFrom('projects')
      .selectAll()
      .where('tenant_id', '=', acme)
      .where('slug', '=', 'project-1')
      .execute();
    const [blue] = await database.owner
      .selectFrom('labels')
      .select('id')
      .where('tenant_id', '=', beta)
      .where('name', '=', 'BLUE')
      .execute();
    await applyRetenanting(database.owner, definition);
    const scope = program.tenancy.scope(acme);
    const [kept] = await scope.selectFrom('labels').select('id').where('name', '=', 'Blue').execute();
    const note = (project_id: string, body: string) =>
      scope
        .insertInto('notes')
        .values({ id: crypto.randomUUID(), project_id, label_id: kept?.id ?? 0, body })
        .execute();
    await note(mine?.id ?? '', 'since, on what came');
    await note(theirs?.id ?? '', 'since, on what was there');
    await scope
      .updateTable('projects')
      .set({ slug: 'renamed' })
      .where('id', '=', mine?.id ?? '')
      .execute();
    await scope.updateTable('meters').set({ used: 31 }).where('meter', '=', 'calls').execute();

    const { kept: left } = await rollbackRetenanting(database.owner, definition);
    expect(left.map(({ table, reason }) => `${table}: ${reason}`)).toEqual(['projects: written since: slug']);
    const notes = await database.owner
      .selectFrom('notes')
      .select(['tenant_id', 'label_id', 'body'])
      .where('body', 'like', 'since%')
      .orderBy('body')
      .execute();
    expect(notes).toEqual([
      { tenant_id: beta, label_id: blue?.id, body: 'since, on what came' },
      { tenant_id: acme, label_id: kept?.id, body: 'since, on what was there' },
    ]);
    const [project] = await program.tenancy
      .scope(beta)
      .selectFrom('projects')
      .select('slug')
      .where('id', '=', mine?.id ?? '')
      .execute();
    expect(project).toEqual({ slug: 'renamed' });
    const meters = await database.owner
      .selectFrom('meters')
      .select(['tenant_id', 'used'])
      .where('meter', '=', 'calls')
      .orderBy('used')
      .execute();
    expect(meters).toEqual([
      { tenant_id: beta, used: 11 },
      { tenant_id: acme, used: 20 },
    ]);
  });
});

describe('a tenant of many rows', () => {
  it.each([true, false])('moves in batches while it is in maintenance (past foreign keys: %s)', async (free) => {
    const { acme, beta } = await fillShop(database);
    // What may keep triggers from firing is a login of its own: the right holds on the whole server.
    const runner = free ? await openRunner(database) : undefined;
    const db = runner?.db ?? database.owner;
    try {
      const before = await everyRow(database);
      const definition = merge(beta, acme);
      await applyRetenanting(db, definition, { largeUnit: 10, batchSize: 7 });
      expect(await failedChecks({ ...database, owner: db }, definition)).toEqual([]);
      const small = await everyRow(database, { only: true });
      await rollbackRetenanting(db, definition);
      expect(await everyRow(database)).toEqual(before);
      await applyRetenanting(db, definition);
      expect(await everyRow(database, { only: true })).toEqual(small);
    } finally {
      await runner?.db.destroy();
      leaving = runner;
    }
  });
});

describe('late writers', () => {
  it('land where the tenant is now, or are told', async () => {
    const { program, acme, beta } = await fillShop(database);
    const definition = merge(beta, acme);
    await applyRetenanting(database.owner, definition);
    await program.tenancy.scope(beta).insertInto('meters').values({ meter: 'late', used: 1 }).execute();
    expect(
      await program.tenancy.scope(acme).selectFrom('meters').select('used').where('meter', '=', 'late').execute(),
    ).toEqual([{ used: 1 }]);
    const within = (work: 'insert' | 'update') =>
      program.tenancy.transaction(beta, async (tx) => {
        if (work === 'insert')
          await tx.insertInto('meters').values({ tenant_id: beta, meter: 'later', used: 1 }).execute();
        else await tx.updateTable('meters').set({ used: 2 }).execute();
      });
    await sql`update tenantry.tenants set status = 'maintenance' where tenant_id = ${acme}::uuid`.execute(
      database.owner,
    );
    const closed = { code: 'tenant_in_maintenance', status: 503, details: { tenantId: acme, retryAfter: 5 } };
    const write = () => program.tenancy.scope(acme).insertInto('meters').values({ meter: 'closed', used: 1 }).execute();
    await expect(write()).rejects.toMatchObject(closed);
    await expect(
      program.tenancy.transaction(acme, (tx) => tx.updateTable('meters').set({ used: 3 }).execute()),
    ).rejects.toMatchObject(closed);
    await sql`update tenantry.tenants set status = 'active' where tenant_id = ${acme}::uuid`.execute(database.owner);
    for (const work of ['insert', 'update'] as const) {
      await expect(within(work)).rejects.toMatchObject({ code: 'tenant_not_found', status: 404 });
    }
    await finishRetenanting(database.owner, definition);
    expect(await retenantingStatus(database.owner, definition.name)).toMatchObject({
      stage: 'finished',
      unitsTotal: 0,
    });
    await expect(rollbackRetenanting(database.owner, definition)).rejects.toMatchObject({
      code: 'migration_stage_invalid',
    });
    const { rows } = await sql<{
      count: string;
    }>`select count(*)::text as count from pg_trigger where tgname like 'tenantry_retenant%'`.execute(database.owner);
    expect(rows).toEqual([{ count: '0' }]);
  });
});

describe('what a plan refuses', () => {
  it('names tables of which nothing is said, and triggers that would fire', async () => {
    const { acme, beta } = await fillShop(database);
    const { meters: _, ...tables } = merge(beta, acme).tables;
    const short: AnyRetenanting = { ...merge(beta, acme), tables };
    await expect(planRetenanting(database.owner, short)).rejects.toMatchObject({
      code: 'migration_tables_unclassified',
      details: { tables: ['meters'] },
    });
    const wrong = merge(beta, acme, { meters: whole({ uniques: { nothing: 'keepTarget' } }) });
    await expect(planRetenanting(database.owner, wrong)).rejects.toMatchObject({
      code: 'migration_definition_invalid',
    });
    await sql`create function stamp() returns trigger language plpgsql as 'begin NEW.updated_at := now(); return NEW; end'`.execute(
      database.owner,
    );
    await sql`create trigger stamp before update on projects for each row execute function stamp()`.execute(
      database.owner,
    );
    await expect(applyRetenanting(database.owner, merge(beta, acme))).rejects.toMatchObject({
      code: 'migration_right_missing',
      details: { table: 'projects' },
    });
  });
});
