import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AnyRetenanting,
  applyRetenanting,
  copied,
  defineRetenanting,
  follows,
  moveRows,
  ofTarget,
  ofUser,
  planRetenanting,
  rollbackRetenanting,
  shared,
  splitTenant,
  whole,
} from '../../src/migrate/index.ts';
import type { TestDatabase } from '../support/databases.ts';
import { everyRow, failedChecks, fillShop, type Shop, shopStrategy } from '../support/retenant-rows.ts';
import { shopDatabase } from '../support/shop-database.ts';

let database: TestDatabase<Shop>;
beforeEach(async () => {
  database = await shopDatabase();
});
afterEach(() => database.destroy());

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
      expect(await failedChecks(database, definition)).toEqual([]);

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
    expect(await failedChecks(database, definition)).toEqual([]);
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
    expect(await failedChecks(database, definition)).toEqual([]);
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
