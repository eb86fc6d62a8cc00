import { describe, expect, it } from 'vitest';
import { rankSources, sourceConfidence } from './choose-source.ts';
import { archives, classify } from './classify.ts';
import type { InspectedColumn, InspectedReference, SchemaTable } from './inspection.ts';
import { chainOf, leadTables, pathText } from './lead-tables.ts';

const column = (name: string, base = 'integer', notNull = true): InspectedColumn => ({
  name,
  base,
  type: base,
  labels: null,
  notNull,
});

function table(name: string, columns: readonly InspectedColumn[] = [], rest: Partial<SchemaTable> = {}): SchemaTable {
  return {
    name,
    kind: 'ordinary',
    partitions: 0,
    rows: 100,
    rowsExact: true,
    bytes: 8192,
    columns: [column('id'), ...columns],
    primaryKey: ['id'],
    foreignKeys: [],
    uniques: [],
    triggers: [],
    policies: [],
    rowSecurity: false,
    owned: true,
    ...rest,
  };
}

/** A foreign key as `orders.customer_id → customers`. */
function leads(text: string, rest: Partial<InspectedReference> = {}): InspectedReference {
  const [from = '', target = ''] = text.split(' → ');
  const [name = '', key = ''] = from.split('.');
  return {
    table: name,
    columns: [key],
    target,
    targetColumns: ['id'],
    constraint: `${name}_${key}_fkey`,
    onDelete: 'nothing',
    nullable: false,
    empty: 0,
    dangling: 0,
    sampled: 0,
    found: 0,
    ...rest,
  };
}

const nothing = { leaves: new Set<string>(), apart: new Set<string>() };
const way = (tables: readonly SchemaTable[], references: readonly InspectedReference[], of: string): string =>
  pathText(chainOf(leadTables(tables, references, 'customers', nothing), of));

describe('the source', () => {
  it('is where most tables lead, and no look-up though these lead there too', () => {
    const tables = [
      table('countries', [column('name', 'text')], { rows: 200 }),
      table('growers', [column('email', 'text'), column('created_at', 'timestamp with time zone')]),
      table('fields'),
      table('crops'),
    ];
    const references = [
      leads('growers.country_id → countries'),
      leads('fields.grower_id → growers'),
      leads('crops.field_id → fields'),
    ];
    const ranked = rankSources(tables, references);
    expect(ranked[0]).toMatchObject({ table: 'growers', leading: 2 });
    expect(sourceConfidence(ranked)).toBeGreaterThan(0.5);
  });

  it('is the organization that users belong to, unless it is empty', () => {
    const tables = [table('organizations'), table('users', [column('email', 'text')]), table('posts')];
    const references = [leads('users.organization_id → organizations'), leads('posts.user_id → users')];
    expect(rankSources(tables, references)[0]?.table).toBe('organizations');
    const empty = tables.map((each) => (each.name === 'organizations' ? { ...each, rows: 0 } : each));
    expect(rankSources(empty, references)[0]?.table).toBe('users');
  });

  it('is nothing where tables are a log and settings', () => {
    expect(rankSources([table('settings'), table('log', [], { primaryKey: [] })], [])).toEqual([]);
  });
});

describe('the way to the source', () => {
  it('is the shortest that is always filled', () => {
    const tables = ['customers', 'projects', 'notes'].map((name) => table(name));
    const projects = leads('projects.customer_id → customers');
    const notes = leads('notes.project_id → projects');
    expect(way(tables, [projects, notes, leads('notes.customer_id → customers')], 'notes')).toBe('customer_id');
    const lossy = leads('notes.customer_id → customers', { nullable: true, empty: 60 });
    expect(way(tables, [projects, notes, lossy], 'notes')).toBe('project_id → customer_id');
  });

  it('says whose a row is rather than who wrote it, however long it is', () => {
    const tables = ['customers', 'a', 'b', 'c'].map((name) => table(name));
    const chain = [leads('a.customer_id → customers'), leads('b.a_id → a'), leads('c.b_id → b')];
    expect(way(tables, [...chain, leads('c.created_by → customers')], 'c')).toBe('b_id → a_id → customer_id');
    expect(way(tables, [leads('c.created_by → customers')], 'c')).toBe('created_by');
  });

  it('ends in circles, and passes nothing through tables without a key or set apart', () => {
    const tables = ['customers', 'a', 'b', 'c'].map((name) => table(name));
    const references = [
      leads('customers.a_id → a'),
      leads('customers.parent_id → customers'),
      leads('a.b_id → b'),
      leads('b.a_id → a'),
      leads('b.customer_id → customers'),
      leads('c.a_id → a'),
    ];
    const led = leadTables(tables, references, 'customers', nothing);
    expect([...led.keys()].sort()).toEqual(['a', 'b', 'c']);
    expect(pathText(chainOf(led, 'c'))).toBe('a_id → b_id → customer_id');
    const leaf = leadTables(tables, references, 'customers', { ...nothing, leaves: new Set(['a']) });
    expect([...leaf.keys()].sort()).toEqual(['a', 'b']);
    expect([...leadTables(tables, references, 'customers', { ...nothing, apart: new Set(['b']) }).keys()]).toEqual([]);
  });
});

it('tables are the source, led, shared or untouched, each with a reason', () => {
  const tables = [
    table('customers'),
    table('orders'),
    table('currencies', [], { rows: 3 }),
    table('continents', [], { rows: 7 }),
    table('orders_old'),
    table('_prisma_migrations'),
    table('marks', [], { primaryKey: [] }),
    table('hits', [], { primaryKey: [], kind: 'partitioned' }),
    table('settings', [], { rows: 1 }),
  ];
  const references = [
    leads('orders.customer_id → customers'),
    leads('orders.currency_id → currencies'),
    leads('currencies.continent_id → continents'),
    leads('marks.customer_id → customers'),
    leads('hits.customer_id → customers'),
  ];
  const leaves = new Set(['marks', 'hits']);
  const led = leadTables(tables, references, 'customers', { leaves, apart: archives(tables) });
  const guesses = classify({
    tables,
    references,
    source: 'customers',
    sourceReason: 'Named.',
    sourceConfidence: 1,
    led,
    common: new Set(),
    unresolved: new Map(),
    others: new Map(),
  });
  expect(Object.fromEntries([...guesses].map(([name, { kind, reason }]) => [name, `${kind}: ${reason}`]))).toEqual({
    customers: 'source: Named.',
    orders: 'via: "customer_id" is a foreign key to "customers", never empty.',
    currencies: 'shared: 3 rows, "orders" refers to it, and no column leads from it to "customers".',
    continents: 'shared: 7 rows, "currencies" refers to it, and no column leads from it to "customers".',
    orders_old: 'untouched: Its name says that it is a copy of what was, and no foreign key ties it to other tables.',
    _prisma_migrations: 'untouched: Prisma keeps it for itself.',
    marks: 'via: "customer_id" is a foreign key to "customers", never empty.',
    hits: 'untouched: "customer_id" is a foreign key to "customers", never empty, but the table is partitioned and has no key, by which rows are told apart.',
    settings: 'untouched: No column leads to a tenant and no table of tenants refers to it: nothing leads anywhere.',
  });
});
