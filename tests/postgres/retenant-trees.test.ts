import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isolateTable } from '../../src/database/index.ts';
import { createTenantry, definePlans, hybridSeats } from '../../src/index.ts';
import {
  applyRetenanting,
  defineRetenanting,
  follows,
  mergeTenants,
  moveRows,
  ofUser,
  planRetenanting,
  rollbackRetenanting,
  splitTenant,
  verifyRetenanting,
} from '../../src/migrate/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { everyLibraryRow } from '../support/library-rows.ts';

/** Folders that stand in folders, by a key of their own and by one of two columns, and files in them. */
interface Drive {
  folders: { tenant_id: string; id: number; parent_id: number | null; owner_id: string | null };
  pages: {
    tenant_id: string;
    book: string;
    number: number;
    above_book: string | null;
    above_number: number | null;
    owner_id: string;
  };
  files: { tenant_id: string; id: number; folder_id: number | null; member_id: string | null };
}

const strategy = hybridSeats({ plan: 'team', seats: 5 });
let database: TestDatabase<Drive>;
beforeAll(async () => {
  database = await postgresDatabase<Drive>();
  for (const statement of [
    `create table folders (tenant_id uuid not null references tenantry.organizations on delete cascade, id integer not null, parent_id integer,
      owner_id text, primary key (tenant_id, id), foreign key (tenant_id, parent_id) references folders (tenant_id, id) on delete cascade)`,
    `create table pages (tenant_id uuid not null, book text not null, number integer not null, above_book text, above_number integer, owner_id text not null,
      primary key (tenant_id, book, number), foreign key (tenant_id, above_book, above_number) references pages (tenant_id, book, number))`,
    `create table files (tenant_id uuid not null, id integer not null, folder_id integer, member_id uuid, primary key (tenant_id, id),
      foreign key (tenant_id, folder_id) references folders (tenant_id, id),
      foreign key (tenant_id, member_id) references tenantry.members (tenant_id, id) on delete cascade)`,
    ...['folders', 'pages', 'files'].flatMap((table) => isolateTable({ table })),
  ]) {
    await sql.raw(statement).execute(database.owner);
  }
});
afterAll(() => database.destroy());

const plans = definePlans({ team: {} });
const everything = async (): Promise<unknown[]> => {
  const own = await Promise.all(
    ['folders', 'pages', 'files'].map((table) =>
      sql`select ${table}::text as name, to_jsonb(x) as row from ${sql.id(table)} x order by 2`.execute(database.owner),
    ),
  );
  return [...own.flatMap(({ rows }) => rows), ...(await everyLibraryRow(database.owner))];
};

/** Acme and Beta with a member in both; Beta has a folder of Eve's and one of Bob's, three levels deep, and pages alike. */
async function drive(count: number) {
  const { organizations } = createTenantry({ db: database.app, plans, strategy });
  const acme = await organizations.create({ name: `Acme ${count}`, owner: { userId: 'ada' } });
  const beta = await organizations.create({ name: `Beta ${count}`, owner: { userId: 'eve' } });
  await organizations.members.add({ tenantId: acme.tenantId, userId: 'bob' });
  const { member: bob } = await organizations.members.add({ tenantId: beta.tenantId, userId: 'bob' });
  const tenant_id = beta.tenantId;
  const base = count * 100;
  const folder = (id: number, parent: number | null, owner_id: string | null) =>
    database.owner
      .insertInto('folders')
      .values({ tenant_id, id: base + id, parent_id: parent === null ? null : base + parent, owner_id })
      .execute();
  await folder(1, null, 'eve');
  await folder(2, 1, null);
  await folder(3, 2, 'bob');
  await folder(11, null, 'bob');
  await folder(12, 11, 'eve');
  await folder(13, 12, null);
  const page = (number: number, above: number | null, owner_id: string) =>
    database.owner
      .insertInto('pages')
      .values({
        tenant_id,
        book: 'b',
        number: base + number,
        above_book: above === null ? null : 'b',
        above_number: above === null ? null : base + above,
        owner_id,
      })
      .execute();
  await page(1, null, 'eve');
  await page(2, 1, 'bob');
  await page(11, null, 'bob');
  await page(12, 11, 'eve');
  for (const id of [3, 13]) {
    const member_id = id === 13 ? bob.id : null;
    await database.owner
      .insertInto('files')
      .values({ tenant_id, id: base + id, folder_id: base + id, member_id })
      .execute();
  }
  return { acme: acme.tenantId, beta: beta.tenantId, base };
}

const tables = {
  folders: follows('parent_id', { roots: ofUser('owner_id') }),
  pages: follows(['above_book', 'above_number'], { roots: ofUser('owner_id') }),
  files: follows('folder_id'),
} as const;

async function failed(definition: Parameters<typeof verifyRetenanting>[1]): Promise<unknown[]> {
  const { checks } = await verifyRetenanting(database.owner, definition);
  return checks.filter(({ status }) => status !== 'pass');
}

it('sends each tree where its root goes, with one column and with two, and takes it back', async () => {
  const { beta, base } = await drive(1);
  const before = await everything();
  const definition = defineRetenanting<Drive>()({
    name: 'trees-split',
    to: strategy,
    changes: [
      splitTenant({
        from: beta,
        into: [
          { key: 'rest', name: 'Rest' },
          { key: 'bob', name: 'Bobs', users: [{ userId: 'bob' }] },
        ],
      }),
    ],
    tables,
  });
  const plan = await planRetenanting(database.owner, definition);
  expect(plan.conflicts).toEqual([]);
  expect(await everything()).toEqual(before);
  await applyRetenanting(database.owner, definition, { plan });
  expect(await failed(definition)).toEqual([]);
  const south = plan.units[0]?.targets[1]?.tenantId ?? '';
  const ids = async (table: 'folders' | 'files') =>
    (await database.owner.selectFrom(table).select('id').where('tenant_id', '=', south).orderBy('id').execute()).map(
      ({ id }) => id - base,
    );
  expect(await ids('folders')).toEqual([11, 12, 13]);
  expect(await ids('files')).toEqual([13]);
  const pages = await database.owner
    .selectFrom('pages')
    .select('number')
    .where('tenant_id', '=', south)
    .orderBy('number')
    .execute();
  expect(pages.map(({ number }) => number - base)).toEqual([11, 12]);
  // A folder that is made since within one that goes back goes along.
  await database.owner
    .insertInto('folders')
    .values({ tenant_id: south, id: base + 99, parent_id: base + 13, owner_id: null })
    .execute();
  const { kept } = await rollbackRetenanting(database.owner, definition);
  expect(kept.filter(({ table }) => !table.includes('audit'))).toEqual([]);
  await database.owner
    .deleteFrom('folders')
    .where('id', '=', base + 99)
    .where('tenant_id', '=', beta)
    .executeTakeFirstOrThrow();
  expect(await everything()).toEqual(before);
});

it('takes the branch of a chosen row along, and refuses to tear it from what stays above', async () => {
  const { acme, beta, base } = await drive(2);
  const before = await everything();
  const move = (id: number) =>
    defineRetenanting<Drive>()({
      name: `branch-${id}`,
      to: strategy,
      changes: [moveRows({ from: beta, to: acme, rows: { folders: [base + id] } })],
      tables: {
        ...tables,
        folders: follows('parent_id', { references: { parent_id: 'fail' } }),
        files: follows('folder_id', { references: { member_id: 'clear' } }),
      },
    });
  await expect(applyRetenanting(database.owner, move(12))).rejects.toMatchObject({
    code: 'migration_conflict',
    details: { table: 'folders', keys: [String(base + 12)] },
  });
  expect(await everything()).toEqual(before);
  const definition = move(11);
  await applyRetenanting(database.owner, definition);
  expect(await failed(definition)).toEqual([]);
  const moved = await database.owner
    .selectFrom('folders')
    .select('id')
    .where('tenant_id', '=', acme)
    .orderBy('id')
    .execute();
  expect(moved.map(({ id }) => id - base)).toEqual([11, 12, 13]);
  const files = await database.owner
    .selectFrom('files')
    .select(['id', 'member_id'])
    .where('tenant_id', '=', acme)
    .execute();
  expect(files).toEqual([{ id: base + 13, member_id: null }]);
  await rollbackRetenanting(database.owner, definition);
  expect(await everything()).toEqual(before);
});

it('carries rows that hang on an organization and on members before those end, and follows a member who becomes another', async () => {
  const { acme, beta, base } = await drive(3);
  const before = await everything();
  const definition = defineRetenanting<Drive>()({
    name: 'trees-merge',
    to: strategy,
    changes: [mergeTenants({ from: [beta], into: acme })],
    tables,
  });
  for (const largeUnit of [5000, 3]) {
    await applyRetenanting(database.owner, definition, { largeUnit });
    expect(await failed(definition)).toEqual([]);
    const { rows } = await sql<{ user_id: string }>`select m.user_id from files f
      join tenantry.members m on m.tenant_id = f.tenant_id and m.id = f.member_id where f.tenant_id = ${acme}::uuid and f.id = ${base + 13}`.execute(
      database.owner,
    );
    expect(rows).toEqual([{ user_id: 'bob' }]);
    expect(
      await database.owner.selectFrom('folders').select('id').where('tenant_id', '=', acme).execute(),
    ).toHaveLength(6);
    await rollbackRetenanting(database.owner, definition);
    expect(await everything()).toEqual(before);
  }
});
