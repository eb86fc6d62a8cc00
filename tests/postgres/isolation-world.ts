import { type Kysely, sql } from 'kysely';
import { appRole, isolateTable } from '../../src/database/index.ts';
import { own, shared } from '../../src/tenancy/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

/** A row of any table of the world: the same columns everywhere, so that generated queries fit together. */
export interface Row {
  tenant_id: string;
  organization_id: string;
  id: number;
  ref: number;
  n: number;
  label: string;
  marker: string;
}
/** Tables by name; which there are is only known to generated queries. */
export type World = Record<string, Row>;

export const tenantA = '0199f3c2-0000-7000-8000-00000000000a';
export const tenantB = '0199f3c2-0000-7000-8000-00000000000b';
/** What every text of tenant B holds, and below which no number of theirs lies. */
const markOfB = 'B#';
const leastOfB = 1e11;

/** What the scope is told of the world. */
export const tables = {
  projects: own(),
  notes: own({ column: 'organization_id' }),
  calls: own(),
  handles: own(),
  'audit.entries': own(),
  countries: shared(),
};
/** The tenants' own tables with the column that holds the tenant. */
export const ownTables = [
  { name: 'projects', schema: 'public', table: 'projects', column: 'tenant_id' },
  { name: 'notes', schema: 'public', table: 'notes', column: 'organization_id' },
  { name: 'calls', schema: 'public', table: 'calls', column: 'tenant_id' },
  { name: 'handles', schema: 'public', table: 'handles', column: 'tenant_id' },
  { name: 'audit.entries', schema: 'audit', table: 'entries', column: 'tenant_id' },
] as const;

const columnsSql = 'id bigint not null, ref bigint, n bigint, label text, marker text';

/**
 * Makes a database with five tables of tenants' own and a shared one. Keys of the two tenants collide, but for
 * `handles`, whose key is unique over all. Leaving tenant B out gives the world as tenant A should see it: the tenant is
 * then a default, so that queries need not name it.
 */
export async function makeWorld({ withB }: { readonly withB: boolean }): Promise<TestDatabase<World>> {
  const database = await postgresDatabase<World>({ connections: 4 });
  const run = (statement: string) => sql.raw(statement).execute(database.owner);
  // A generated query may multiply its rows; it is given up then.
  await run(
    `do $$ begin execute format('alter database %I set statement_timeout = ''4s''', current_database()); end $$`,
  );
  await run('create schema audit');
  await run(`grant usage on schema audit to ${appRole}, tenantry_test_app`);
  await run('create table countries (id bigint primary key, ref bigint, n bigint, label text, marker text)');
  await run(`grant select on countries to ${appRole}, tenantry_test_app`);
  await run(`insert into countries select i, i % 3, i, 'country ' || i, 'shared' from generate_series(1, 4) i`);
  for (const { schema, table, column } of ownTables) {
    const key = table === 'handles' ? 'id' : `${column}, id`;
    const given = withB ? '' : `default '${tenantA}'`;
    const name = `${schema}.${table}`;
    await run(`create table ${name} (${column} uuid not null ${given}, ${columnsSql}, primary key (${key}))`);
    await run(rowsOf(name, column, tenantA, 'A#', '0', 0));
    if (withB) await run(rowsOf(name, column, tenantB, markOfB, '1000000000000', table === 'handles' ? 6 : 0));
    await run(`grant select, insert, update, delete on ${name} to tenantry_test_app`);
    for (const statement of isolateTable({ schema, table, column })) await run(statement);
  }
  return database;
}

function rowsOf(name: string, column: string, tenant: string, mark: string, base: string, from: number): string {
  return `insert into ${name} (${column}, id, ref, n, label, marker)
    select '${tenant}', i + ${from}, (i * 7) % 5, i + ${base}, '${mark}' || i, '${mark}${name}'
    from generate_series(1, 6) i`;
}

/** What the tenants have, as texts that are the same whatever the order of the rows. */
export async function stateOf(db: Kysely<World>): Promise<{ readonly ofA: string; readonly ofB: string }> {
  const parts = ownTables.map(
    ({ schema, table, column }) => sql`
      select ${sql.id(column)} as tenant, ${sql.lit(table)} || t::text as line from ${sql.id(schema, table)} t`,
  );
  const { rows } = await sql<{ ofA: string; ofB: string }>`
    select string_agg(line, ';' order by line) filter (where tenant = ${tenantA}) as "ofA",
      md5(string_agg(line, ';' order by line) filter (where tenant <> ${tenantA})) as "ofB"
    from (${sql.join(parts, sql` union all `)}) as lines`.execute(db.withoutPlugins());
  return rows[0] ?? { ofA: '', ofB: '' };
}

/** A row as text. */
export function textOf(row: unknown): string {
  return JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

/** What of tenant B a result holds. */
export function leaksOf(rows: readonly unknown[]): readonly unknown[] {
  return rows.filter((row) => {
    const text = textOf(row);
    return text.includes(markOfB) || text.includes(tenantB) || numbersIn(text).some((number) => number >= leastOfB);
  });
}

function numbersIn(text: string): readonly number[] {
  return (text.match(/\d{12,}/g) ?? []).map(Number);
}
