import { sql } from 'kysely';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AnyRetenanting,
  applyRetenanting,
  copied,
  defineRetenanting,
  finishRetenanting,
  follows,
  listMigrations,
  migrationStatus,
  moveRows,
  ofTarget,
  ofUser,
  planRetenanting,
  retenantingStatus,
  rollbackRetenanting,
  shared,
  splitTenant,
  verifyRetenanting,
  whole,
} from '../../src/migrate/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { everyRow, fillShop, makeShop, retenantingOf, type Shop, shopStrategy } from '../support/retenant-rows.ts';

let database: TestDatabase<Shop>;
beforeEach(async () => {
  database = await postgresDatabase<Shop>();
  await makeShop(database.owner);
});
afterEach(() => database.destroy());

const merge = (beta: string, acme: string, tables: Partial<AnyRetenanting['tables']> = {}) =>
  retenantingOf('merge', acme, beta, tables);

async function failedChecks(definition: AnyRetenanting): Promise<string[]> {
  const { checks } = await verifyRetenanting(database.owner, definition);
  return checks
    .filter(({ status }) => status === 'fail')
    .map(({ name, table, detail }) => `${name} ${table}: ${detail}`);
}

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
    expect(await failedChecks(definition)).toEqual([]);
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
    expect(await failedChecks(definition)).toEqual([]);
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

describe('a split', () => {
  const split = (beta: string, rule: 'user' | 'region', own = false) =>
    defineRetenanting<Shop>()({
      name: 'beta-splits',
      to: shopStrategy,
      changes: [
        splitTenant({
          from: beta,
          into: [
            { key: 'rest', ...(own ? { tenantId: beta } : { name: 'Beta Rest' }), users: [{ userId: 'eve' }] },
            { key: 'north', name: 'Beta North', users: [{ userId: 'bob' }] },
            { key: 'south', name: 'Beta South', users: [{ userId: 'cyd' }] },
          ],
        }),
      ],
      tables: {
        projects: rule === 'user' ? ofUser('owner_id') : ofTarget<'region'>(sql`lower(region)`),
        notes: follows('project_id'),
        labels: copied(),
        invoices: follows('project_id'),
        meters: whole(),
        countries: shared(),
      },
    });

  it.each([
    ['user', false],
    ['region', false],
    ['user', true],
  ] as const)(
    'by %s sends each row where it belongs, copies what is shared, and goes back (the old tenant stays: %s)',
    async (rule, own) => {
      const { program, beta } = await fillShop(database);
      const before = await everyRow(database);
      const definition = split(beta, rule, own);
      const plan = await planRetenanting(database.owner, definition);
      expect(await everyRow(database)).toEqual(before);
      expect(plan.tables.find(({ table }) => table === 'projects')).toMatchObject({
        rows: 12,
        unclaimed: rule === 'user' ? 3 : 4,
      });
      expect(plan.tables.find(({ table }) => table === 'labels')).toMatchObject({ copied: 6 });
      await applyRetenanting(database.owner, definition, { plan });
      expect(await failedChecks(definition)).toEqual([]);

      const [unit] = plan.units;
      const [rest, north, south] = (unit?.targets ?? []).map(({ tenantId }) => tenantId);
      const counts: unknown[] = [];
      for (const tenantId of [rest, north, south]) {
        const scope = program.tenancy.scope(tenantId ?? '');
        const projects = await scope.selectFrom('projects').select(['owner_id', 'region']).execute();
        const notes = await scope
          .selectFrom('notes')
          .innerJoin('projects', 'projects.id', 'notes.project_id')
          .leftJoin('labels', 'labels.id', 'notes.label_id')
          .select(['notes.label_id', 'labels.id as label'])
          .execute();
        expect(notes.every(({ label_id, label }) => label_id === label)).toBe(true);
        const labels = await scope.selectFrom('labels').select('name').execute();
        const of = rule === 'user' ? projects.map(({ owner_id }) => owner_id) : projects.map(({ region }) => region);
        counts.push([projects.length, notes.length, labels.length, [...new Set(of)].toSorted()]);
      }
      expect(counts).toEqual(
        rule === 'user'
          ? [
              [6, 18, 3, ['eve', null]],
              [3, 9, 3, ['bob']],
              [3, 9, 3, ['cyd']],
            ]
          : [
              [4, 12, 3, [null]],
              [4, 12, 3, ['north']],
              [4, 12, 3, ['south']],
            ],
      );
      const scope = program.tenancy.scope(north ?? '');
      const [project] = await scope.selectFrom('projects').select('id').execute();
      const [label] = await scope.selectFrom('labels').select(['id', 'name']).orderBy('id').execute();
      await scope
        .insertInto('notes')
        .values({ id: crypto.randomUUID(), project_id: project?.id ?? '', label_id: label?.id ?? 0, body: 'since' })
        .execute();

      const { kept } = await rollbackRetenanting(database.owner, definition);
      expect(kept).toEqual([]);
      const [since] = await program.tenancy
        .scope(beta)
        .selectFrom('notes')
        .innerJoin('labels', 'labels.id', 'notes.label_id')
        .select('labels.name')
        .where('body', '=', 'since')
        .execute();
      expect(since).toEqual({ name: label?.name });
      await sql`delete from notes where body = 'since'`.execute(database.owner);
      expect(await everyRow(database)).toEqual(before);
    },
  );
});

describe('a move of chosen rows', () => {
  const move = (
    acme: string,
    beta: string,
    rows: Parameters<typeof moveRows>[0]['rows'],
    invoices: AnyRetenanting['tables'][string],
  ) =>
    defineRetenanting<Shop>()({
      name: 'projects-move',
      to: shopStrategy,
      changes: [moveRows({ from: beta, to: acme, rows })],
      tables: {
        projects: whole({ uniques: { slug: { suffix: 'slug' } } }),
        notes: follows('project_id'),
        labels: copied({ uniques: { labels_name: 'keepTarget' } }),
        meters: whole(),
        countries: shared(),
        ...{ invoices },
      } as never,
    });

  it('takes along what follows, and a copy of what it refers to, or the row that the target has of it', async () => {
    const { program, acme, beta } = await fillShop(database);
    const before = await everyRow(database);
    const definition = move(
      acme,
      beta,
      { projects: sql`x.slug in ('project-0', 'project-1-11')` },
      follows('project_id', { uniques: { number: { renumber: 'number' } } }),
    );
    const plan = await planRetenanting(database.owner, definition);
    expect(
      Object.fromEntries(plan.tables.map(({ table, moved, copied, joined }) => [table, [moved, copied, joined]])),
    ).toEqual({
      projects: [2, 0, 0],
      notes: [6, 0, 0],
      invoices: [1, 0, 0],
      labels: [0, 1, 2],
      meters: [0, 0, 0],
    });
    await applyRetenanting(database.owner, definition, { plan });
    expect(await failedChecks(definition)).toEqual([]);
    expect(await program.tenancy.get(beta)).toMatchObject({ name: 'Beta', status: 'active' });
    const scope = program.tenancy.scope(acme);
    expect((await scope.selectFrom('projects').select('slug').execute()).map(({ slug }) => slug)).toEqual(
      expect.arrayContaining(['project-0-2', 'project-1-11']),
    );
    expect((await scope.selectFrom('labels').select('name').orderBy('id').execute()).map(({ name }) => name)).toEqual([
      'urgent',
      'Blue',
      'only 0',
      'only 1',
    ]);
    const { kept } = await rollbackRetenanting(database.owner, definition);
    expect(kept).toEqual([]);
    expect(await everyRow(database)).toEqual(before);
  });

  it('refuses to tear references apart, unless they may be emptied', async () => {
    const { acme, beta } = await fillShop(database);
    const before = await everyRow(database);
    const [project] = await database.owner
      .selectFrom('projects')
      .select('id')
      .where('tenant_id', '=', beta)
      .where('slug', '=', 'project-2')
      .execute();
    const rows = { projects: [project?.id ?? ''] };
    await expect(applyRetenanting(database.owner, move(acme, beta, rows, whole()))).rejects.toMatchObject({
      code: 'migration_conflict',
      details: { table: 'invoices', rows: 1 },
    });
    const definition = move(acme, beta, rows, whole({ references: { project_id: 'clear' } }));
    await applyRetenanting(database.owner, definition);
    expect(await failedChecks(definition)).toEqual([]);
    const invoices = await database.owner
      .selectFrom('invoices')
      .select(['number', 'project_id'])
      .where('tenant_id', '=', beta)
      .where('number', '=', 3)
      .execute();
    expect(invoices).toEqual([{ number: 3, project_id: null }]);
    await rollbackRetenanting(database.owner, definition);
    expect(await everyRow(database)).toEqual(before);
    await expect(
      applyRetenanting(database.owner, move(acme, beta, { projects: [acme] }, whole())),
    ).rejects.toMatchObject({ code: 'migration_rows_unresolved' });
  });
});

describe('a tenant of many rows', () => {
  it.each([true, false])('moves in batches while it is in maintenance (past foreign keys: %s)', async (free) => {
    const { acme, beta } = await fillShop(database);
    if (free) await superuser('grant set on parameter session_replication_role to tenantry_test_owner');
    try {
      const before = await everyRow(database);
      const definition = merge(beta, acme);
      await applyRetenanting(database.owner, definition, { largeUnit: 10, batchSize: 7 });
      expect(await failedChecks(definition)).toEqual([]);
      const small = await everyRow(database, { only: true });
      await rollbackRetenanting(database.owner, definition);
      expect(await everyRow(database)).toEqual(before);
      await applyRetenanting(database.owner, definition);
      expect(await everyRow(database, { only: true })).toEqual(small);
    } finally {
      if (free) await superuser('revoke set on parameter session_replication_role from tenantry_test_owner');
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

async function superuser(statement: string): Promise<void> {
  const client = new Client({ connectionString: database.urls?.superuser ?? '' });
  await client.connect();
  await client.query(statement);
  await client.end();
}
