import { sql } from 'kysely';
import { isolateTable } from '../../src/database/index.ts';
import { createTenantry, definePlans, hybridSeats, own, shared } from '../../src/index.ts';
import {
  type AnyRetenanting,
  copied,
  defineRetenanting,
  follows,
  mergeTenants,
  ofUser,
  shared as sharedRows,
  splitTenant,
  verifyRetenanting,
  whole,
} from '../../src/migrate/index.ts';
import { defineTables } from '../../src/tenancy/index.ts';
import type { TestDatabase } from './databases.ts';
import { everyLibraryRow } from './library-rows.ts';

/** An application with keys of each kind: of all tenants, of one tenant, numbers of one tenant, and shared rows. */
export interface Shop {
  projects: {
    tenant_id: string;
    id: string;
    slug: string;
    owner_id: string | null;
    region: string | null;
    updated_at: string;
  };
  notes: { tenant_id: string; id: string; project_id: string; label_id: number | null; body: string };
  labels: { tenant_id: string; id: number; name: string; color: string; updated_at: string };
  invoices: { tenant_id: string; number: number; project_id: string | null; total: string };
  meters: { tenant_id: string; meter: string; used: number };
  countries: { code: string };
}

const plans = definePlans({ team: { limits: { bots: 50 } } });
export const shopStrategy = hybridSeats({ plan: 'team', seats: 3 });

const shopTables = defineTables({
  projects: own(),
  notes: own(),
  labels: own(),
  invoices: own(),
  meters: own(),
  countries: shared(),
});

function shopProgram(database: TestDatabase<Shop>) {
  return createTenantry({ db: database.app, plans, strategy: shopStrategy, tables: shopTables });
}

/** Makes the tables, with foreign keys that have the tenant in them and row-level security that is forced. */
export async function makeShop(owner: TestDatabase<Shop>['owner']): Promise<void> {
  const statements = [
    'create table countries (code text primary key)',
    `create table projects (tenant_id uuid not null references tenantry.tenants, id uuid not null default gen_random_uuid(), slug text not null,
      owner_id text, region text, updated_at timestamptz not null default now(), primary key (tenant_id, id), unique (tenant_id, slug))`,
    `create table labels (id bigint generated always as identity primary key, tenant_id uuid not null references tenantry.tenants, name text not null,
      color text not null default 'grey', updated_at timestamptz not null default now(), unique (tenant_id, id))`,
    'create unique index labels_name on labels (tenant_id, lower(name))',
    `create table notes (tenant_id uuid not null references tenantry.tenants, id uuid not null default gen_random_uuid() primary key,
      project_id uuid not null, label_id bigint, body text not null,
      foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade,
      foreign key (tenant_id, label_id) references labels (tenant_id, id))`,
    'create index notes_project on notes (tenant_id, project_id)',
    `create table invoices (tenant_id uuid not null references tenantry.tenants, number integer not null, project_id uuid,
      total numeric(12, 2) not null, primary key (tenant_id, number),
      foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete restrict on update restrict)`,
    `create table meters (tenant_id uuid not null references tenantry.tenants, meter text not null, used integer not null, primary key (tenant_id, meter))`,
    `insert into countries values ('NL')`,
    'grant select on countries to tenantry_app, tenantry_service',
    ...['projects', 'notes', 'labels', 'invoices', 'meters'].flatMap((table) => isolateTable({ table })),
  ];
  for (const statement of statements) await sql.raw(statement).execute(owner);
}

const own_tables = ['projects', 'notes', 'labels', 'invoices', 'meters'];

/** Every row of the application and of the library, but what counts on by itself. */
export async function everyRow(database: TestDatabase<Shop>, { only = false } = {}): Promise<unknown[]> {
  const found = await Promise.all([
    ...own_tables.map((table) =>
      sql`select ${table}::text as name, to_jsonb(x) as row from ${sql.id(table)} x order by 2`.execute(database.owner),
    ),
  ]);
  return [...found.flatMap(({ rows }) => rows), ...(only ? [] : await everyLibraryRow(database.owner))];
}

/** Two organizations whose rows are alike: slugs, labels in two spellings, numbers of invoices, meters. */
export async function fillShop(database: TestDatabase<Shop>) {
  const program = shopProgram(database);
  const create = (name: string, userId: string) => program.organizations.create({ name, seats: 5, owner: { userId } });
  const acme = (await create('Acme', 'ada')).tenantId;
  const beta = (await create('Beta', 'eve')).tenantId;
  for (const userId of ['bob', 'cyd']) await program.organizations.members.add({ tenantId: beta, userId });
  const users: Record<string, (string | null)[]> = { [acme]: ['ada'], [beta]: ['eve', 'bob', 'cyd', null] };
  for (const [place, tenantId] of [acme, beta].entries()) {
    const scope = program.tenancy.scope(tenantId);
    for (const [index, name] of ['urgent', place === 0 ? 'Blue' : 'BLUE', `only ${place}`].entries()) {
      const updated_at = new Date(Date.UTC(2024, place, index + 1)).toISOString();
      await sql`insert into labels (tenant_id, name, color, updated_at) values (${tenantId}, ${name}, ${`color ${place}`}, ${updated_at})`.execute(
        database.owner,
      );
    }
    const labels = await scope.selectFrom('labels').select(['id']).orderBy('id').execute();
    for (let n = 0; n < 12; n += 1) {
      const owner_id = users[tenantId]?.[n % (users[tenantId]?.length ?? 1)] ?? null;
      const region = [null, 'north', 'south'][n % 3] ?? null;
      const slug = n < 4 ? `project-${n}` : `project-${place}-${n}`;
      const { id } = await scope
        .insertInto('projects')
        .values({ id: crypto.randomUUID(), slug, owner_id, region, updated_at: '2024-01-01T00:00:00Z' })
        .returning('id')
        .executeTakeFirstOrThrow();
      for (let m = 0; m < 3; m += 1) {
        const label_id = m === 2 ? null : (labels[(n + m) % labels.length]?.id ?? null);
        await scope
          .insertInto('notes')
          .values({ id: crypto.randomUUID(), project_id: id, label_id, body: `note ${n} ${m}` })
          .execute();
      }
      if (n < 5)
        await scope
          .insertInto('invoices')
          .values({ number: n + 1, project_id: n === 4 ? null : id, total: '12.50' })
          .execute();
    }
    await scope
      .insertInto('meters')
      .values({ meter: 'calls', used: 10 + place })
      .execute();
    await scope
      .insertInto('meters')
      .values({ meter: `own ${place}`, used: 1 })
      .execute();
  }
  return { program, acme, beta };
}

/** The merge of Beta into Acme, or the split of Beta by its users. */
export const retenantingOf = (
  kind: 'merge' | 'split',
  acme: string,
  beta: string,
  tables: Partial<AnyRetenanting['tables']> = {},
): AnyRetenanting =>
  defineRetenanting<Shop>()({
    name: kind === 'merge' ? 'acme-buys-beta' : 'beta-splits',
    to: shopStrategy,
    changes:
      kind === 'merge'
        ? [mergeTenants({ from: [beta], into: acme })]
        : [
            splitTenant({
              from: beta,
              into: [
                { key: 'rest', name: 'Beta Rest', users: [{ userId: 'eve' }] },
                { key: 'north', name: 'Beta North', users: [{ userId: 'bob' }] },
                { key: 'south', name: 'Beta South', users: [{ userId: 'cyd' }] },
              ],
            }),
          ],
    tables: {
      projects: kind === 'merge' ? whole({ uniques: { slug: { suffix: 'slug' } } }) : ofUser('owner_id'),
      notes: follows('project_id'),
      labels: copied({ uniques: { labels_name: 'keepTarget' } }),
      invoices: kind === 'merge' ? whole({ uniques: { number: { renumber: 'number' } } }) : follows('project_id'),
      meters: whole({ uniques: { meter: { sum: ['used'] } } }),
      countries: sharedRows(),
      ...tables,
    },
  });

/** What the verification of a change finds wrong. */
export async function failedChecks(database: TestDatabase<Shop>, definition: AnyRetenanting): Promise<string[]> {
  const { checks } = await verifyRetenanting(database.owner, definition);
  return checks
    .filter(({ status }) => status === 'fail')
    .map(({ name, table, detail }) => `${name} ${table}: ${detail}`);
}
