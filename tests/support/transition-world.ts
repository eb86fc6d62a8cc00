import { type Kysely, sql } from 'kysely';
import { isolateTable } from '../../src/database/index.ts';
import { createTenantry, definePlans, hybridSeats, none, own, perOrg, perUser, shared } from '../../src/index.ts';
import type { Strategy, StrategyName } from '../../src/tenancy/index.ts';
import { defineTables } from '../../src/tenancy/index.ts';
import type { TestDatabase } from './databases.ts';
import { everyLibraryRow } from './library-rows.ts';

/** The application whose tenancy changes: what people made, what hangs on it, and the people themselves. */
export interface World {
  projects: { tenant_id: string; id: number; user_id: string | null; name: string };
  notes: { tenant_id: string; id: number; project_id: number; user_id: string | null; body: string };
  people: { id: string; email: string; company: string };
}

const transitionPlans = definePlans({
  free: { limits: { bots: 20 }, quotas: { calls: { amount: 1000, per: 'month' } } },
  team: { limits: { bots: 50 }, quotas: { calls: { amount: 5000, per: 'month', overage: 'bill' } } },
});

/** The four strategies, each with a plan of the catalogue. */
export const strategyOf: { readonly [Name in StrategyName]: Strategy<Name, 'free' | 'team'> } = {
  none: none({ plan: 'team' }),
  'per-user': perUser({ plan: 'free' }),
  'per-org': perOrg({ plan: 'team' }),
  'hybrid-seats': hybridSeats({ plan: 'team', seats: 2 }),
};

const tables = defineTables({ projects: own(), notes: own(), people: shared() });

/** The program of one strategy: but for that one line all of them are the same. */
export function programOf(database: TestDatabase<World>, strategy: StrategyName) {
  return createTenantry({
    db: database.app,
    plans: transitionPlans,
    strategy: strategyOf[strategy],
    tables,
    apiKeys: { prefix: 'tr' },
  });
}

/** Who is there: two persons with one e-mail in two spellings, one without a company, and one whom no tenant knows. */
export const everybody: readonly World['people'][] = [
  { id: 'ada', email: 'ada@acme.test', company: 'acme' },
  { id: 'bob', email: 'bob@acme.test', company: 'acme' },
  { id: 'bob2', email: ' BOB@acme.test', company: 'acme' },
  { id: 'cyd', email: 'cyd@acme.test', company: 'acme' },
  { id: 'dan', email: 'dan@beta.test', company: 'beta' },
  { id: 'eve', email: 'eve@beta.test', company: 'beta' },
  { id: 'fay', email: 'fay@beta.test', company: 'beta' },
  { id: 'gus', email: 'gus@solo.test', company: 'gus' },
  { id: 'hal', email: 'hal@solo.test', company: '' },
];

/** A user of the application of whom the library knows nothing. */
export const stranger: World['people'] = { id: 'zoe', email: 'zoe@nowhere.test', company: 'nowhere' };

/** What people call a company; one who names none is one by themselves. */
const companyOf = ({ id, company }: World['people']): string => (company === '' ? id : company);

export async function makeTables(owner: Kysely<World>): Promise<void> {
  for (const statement of [
    'create table people (id text primary key, email text not null, company text not null)',
    `create table projects (tenant_id uuid not null, id integer not null, user_id text, name text not null,
      primary key (tenant_id, id))`,
    `create table notes (tenant_id uuid not null, id integer not null, project_id integer not null, user_id text, body text not null,
      primary key (tenant_id, id), foreign key (tenant_id, project_id) references projects (tenant_id, id) deferrable)`,
    'grant select on people to tenantry_app, tenantry_service',
    ...isolateTable({ table: 'projects' }),
    ...isolateTable({ table: 'notes' }),
  ]) {
    await sql.raw(statement).execute(owner);
  }
  for (const person of [...everybody, stranger]) {
    await owner.insertInto('people').values(person).execute();
  }
}

/** What a world was filled with: by user the tenant and a key, and the rows by their number. */
export interface Filled {
  readonly tenantOf: ReadonlyMap<string, string>;
  readonly keys: ReadonlyMap<string, string>;
  readonly keyIds: ReadonlyMap<string, string>;
  readonly suspended: readonly string[];
  readonly pending: readonly string[];
  readonly calls: number;
  readonly rows: number;
}

/** Fills a world through the library itself: tenants, members, keys, usage, and rows of which one in ten is nobody's. */
export async function fillWorld(database: TestDatabase<World>, strategy: StrategyName): Promise<Filled> {
  const { tenancy, organizations, apiKeys, plans } = programOf(database, strategy);
  const withOrganizations = strategy === 'per-org' || strategy === 'hybrid-seats';
  const tenantOf = new Map<string, string>();
  const ofCompany = new Map<string, string>();
  for (const person of everybody) {
    const { id: userId, email } = person;
    const company = companyOf(person);
    const known = withOrganizations ? ofCompany.get(company) : undefined;
    if (known === undefined) {
      const name = withOrganizations ? company : userId;
      const { tenantId } = await tenancy.provision({ userId, name, email });
      tenantOf.set(userId, tenantId);
      ofCompany.set(company, tenantId);
      if (withOrganizations) await organizations.setSeats(tenantId, strategy === 'per-org' ? null : 6);
    } else {
      const role = userId === 'bob' ? 'admin' : 'member';
      await organizations.members.add({
        tenantId: known,
        userId,
        email,
        role,
        status: userId === 'fay' ? 'pending' : 'active',
      });
      tenantOf.set(userId, known);
    }
  }
  const suspended = withOrganizations ? ['bob2'] : [];
  for (const userId of suspended) await organizations.members.suspend({ tenantId: tenantOf.get(userId) ?? '', userId });
  const keys = new Map<string, string>();
  const keyIds = new Map<string, string>();
  let rows = 0;
  let calls = 0;
  for (const [index, { id: userId }] of everybody.entries()) {
    const tenantId = tenantOf.get(userId) ?? '';
    const member = withOrganizations ? await organizations.members.get({ tenantId, userId }) : null;
    if (member === null || member.status === 'active') {
      const { key, secret } = await apiKeys.issue({ tenantId, ...(member !== null && { memberId: member.id }) });
      keys.set(userId, secret);
      keyIds.set(userId, key.id);
    }
    const used = await plans.consume(tenantId, 'calls', index + 1);
    if (used.ok) calls += index + 1;
    const scope = tenancy.scope(tenantId);
    for (let n = 0; n < 10; n += 1) {
      rows += 1;
      const dirty = n === 9;
      const user_id = dirty ? null : userId;
      await scope
        .insertInto('projects')
        .values({ id: rows, user_id, name: `${userId} ${n}` })
        .execute();
      await scope
        .insertInto('notes')
        .values({ id: rows, project_id: rows, user_id, body: `note ${rows}` })
        .execute();
    }
  }
  return { tenantOf, keys, keyIds, suspended, pending: withOrganizations ? ['fay'] : [], calls, rows };
}

/** Everything of the library's and the application's tables, but what counts on by itself. */
export async function everythingOf(database: TestDatabase<World>): Promise<unknown[]> {
  const found = await Promise.all([
    ...['projects', 'notes'].map((table) =>
      sql`select ${table}::text as name, to_jsonb(x) as row from ${sql.id(table)} x order by 2`.execute(database.owner),
    ),
  ]);
  return [...(await everyLibraryRow(database.app)), ...found.flatMap(({ rows }) => rows)];
}
