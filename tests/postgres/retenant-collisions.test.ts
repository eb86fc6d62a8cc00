import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AnyRetenanting,
  applyRetenanting,
  copied,
  defineRetenanting,
  follows,
  moveRows,
  ofUser,
  rollbackRetenanting,
  shared,
  splitTenant,
  type UniquePolicy,
  whole,
} from '../../src/migrate/index.ts';
import type { TestDatabase } from '../support/databases.ts';
import { everyRow, fillShop, type Shop, shopStrategy } from '../support/retenant-rows.ts';
import { shopDatabase } from '../support/shop-database.ts';

let database: TestDatabase<Shop>;
beforeEach(async () => {
  database = await shopDatabase();
});
afterEach(() => database.destroy());

/** Bob's projects leave Beta, which goes on. */
const split = (beta: string, slug: UniquePolicy, number: UniquePolicy): AnyRetenanting =>
  defineRetenanting<Shop>()({
    name: 'bob-leaves',
    to: shopStrategy,
    changes: [splitTenant({ from: beta, into: [{ tenantId: beta }, { name: 'North', users: [{ userId: 'bob' }] }] })],
    tables: {
      projects: ofUser('owner_id', { uniques: { slug } }),
      notes: follows('project_id'),
      labels: copied(),
      invoices: follows('project_id', { uniques: { number } }),
      meters: whole(),
      countries: shared(),
    },
  });

/** A project of Bob's with its invoice, and its place in Beta after it left. */
async function takePlaces(beta: string) {
  const own = await database.owner.selectFrom('projects').selectAll().where('tenant_id', '=', beta).execute();
  const project = own.find(({ owner_id, slug }) => owner_id === 'bob' && slug === 'project-1');
  if (project === undefined) throw new Error('bob has a project');
  return {
    project,
    async occupy() {
      const id = crypto.randomUUID();
      const row = {
        tenant_id: beta,
        id,
        slug: 'project-1',
        owner_id: 'eve',
        region: null,
        updated_at: '2026-01-01T00:00:00Z',
      };
      await database.owner.insertInto('projects').values(row).execute();
      await database.owner
        .insertInto('invoices')
        .values({ tenant_id: beta, number: 2, project_id: id, total: '99.00' })
        .execute();
      return id;
    },
  };
}

const projects = (tenantId: string) =>
  database.owner
    .selectFrom('projects')
    .select(['id', 'slug'])
    .where('tenant_id', '=', tenantId)
    .where('slug', 'like', 'project-1%')
    .where('slug', 'not like', 'project-1-%')
    .execute();

describe('a row that was made since where one that goes back stood', () => {
  it('stands beside it by the policy of the key, both with what refers to them', async () => {
    const { beta } = await fillShop(database);
    const definition = split(beta, { suffix: 'slug' }, { renumber: 'number' });
    const before = await everyRow(database, { only: true });
    const { project, occupy } = await takePlaces(beta);
    await applyRetenanting(database.owner, definition);
    const id = await occupy();
    const { kept } = await rollbackRetenanting(database.owner, definition);
    expect(kept.map(({ table, key, reason }) => `${table} ${key}: ${reason}`).toSorted()).toEqual([
      'invoices 2: its place was taken since: it has another one',
      `projects ${project.id}: its place was taken since: it has another one`,
    ]);
    const { rows } = await sql<{
      id: string;
      slug: string;
      number: number;
      notes: string;
    }>`select p.id, p.slug, i.number,
      (select count(*) from notes n where n.tenant_id = p.tenant_id and n.project_id = p.id)::text as notes
      from projects p join invoices i on i.tenant_id = p.tenant_id and i.project_id = p.id
      where p.tenant_id = ${beta}::uuid and p.id in (${id}::uuid, ${project.id}::uuid) order by i.number`.execute(
      database.owner,
    );
    expect(rows).toEqual([
      { id, slug: 'project-1', number: 2, notes: '0' },
      { id: project.id, slug: 'project-1-2', number: 6, notes: '3' },
    ]);
    expect(await everyRow(database, { only: true })).toHaveLength(before.length + 2);
  });

  it('stays where no policy lets both stand; the other is set aside, and what referred to it refers to the one that stays', async () => {
    const { beta } = await fillShop(database);
    const definition = split(beta, 'fail', 'fail');
    const { project, occupy } = await takePlaces(beta);
    await applyRetenanting(database.owner, definition);
    const id = await occupy();
    const { kept } = await rollbackRetenanting(database.owner, definition);
    expect(kept.map(({ table, key, reason }) => `${table} ${key}: ${reason}`).toSorted()).toEqual([
      'invoices 2: its place was taken since',
      `projects ${project.id}: its place was taken since`,
    ]);
    expect(kept.find(({ table }) => table === 'projects')?.row).toMatchObject({ id: project.id, owner_id: 'bob' });
    expect(await projects(beta)).toEqual([{ id, slug: 'project-1' }]);
    const notes = await database.owner
      .selectFrom('notes')
      .select('project_id')
      .where('tenant_id', '=', beta)
      .where('body', 'like', 'note 1 %')
      .execute();
    expect(notes.map(({ project_id }) => project_id)).toEqual([id, id, id]);
    const { rows } = await sql<{
      total: string;
    }>`select row_data ->> 'total' as total from tenantry.retenant_kept where table_name = 'invoices'`.execute(
      database.owner,
    );
    expect(Number(rows[0]?.total)).toBe(12.5);
  });

  it('takes over the amounts of one that was lost, and of several that come back', async () => {
    const { acme, beta } = await fillShop(database);
    const definition = defineRetenanting<Shop>()({
      name: 'calls-move',
      to: shopStrategy,
      changes: [moveRows({ from: beta, to: acme, rows: { meters: ['calls'] } })],
      tables: {
        projects: whole(),
        notes: follows('project_id'),
        labels: copied(),
        invoices: whole(),
        meters: whole({ uniques: { meter: { sum: ['used'] } } }),
        countries: shared(),
      },
    });
    await applyRetenanting(database.owner, definition);
    await database.owner.insertInto('meters').values({ tenant_id: beta, meter: 'calls', used: 5 }).execute();
    const { kept } = await rollbackRetenanting(database.owner, definition);
    expect(kept).toEqual([]);
    const meters = await database.owner
      .selectFrom('meters')
      .select(['tenant_id', 'used'])
      .where('meter', '=', 'calls')
      .orderBy('used')
      .execute();
    expect(meters).toEqual([
      { tenant_id: acme, used: 10 },
      { tenant_id: beta, used: 16 },
    ]);
  });
});
