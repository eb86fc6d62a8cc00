import { quoteIdentifier } from '../../../database/isolation-sql.ts';
import type { ForeignKeyRow, IndexRow } from '../catalogue.ts';
import { type Examination, mainTables, type OwnRelation } from '../examination.ts';
import { type Finding, findingOf } from '../finding.ts';
import { groupBy } from '../group-by.ts';
import { columnsSql, labelOf, sqlOf } from '../mend-sql.ts';

/** Foreign keys, unique keys and indexes that do not keep to one tenant. */
export function checkKeys(examination: Examination): Finding[] {
  const indexes = groupBy(examination.catalogue.indexes, ({ table }) => table);
  const foreignKeys = groupBy(examination.catalogue.foreignKeys, ({ from }) => from);
  return [
    ...[...examination.own.values()].flatMap((own) =>
      checkForeignKeys(examination, own, foreignKeys.get(own.relation.oid) ?? [], indexes),
    ),
    ...mainTables(examination).flatMap((own) => {
      const { oid } = own.relation;
      return checkIndexes(examination, own, indexes.get(oid) ?? [], foreignKeys.get(oid) ?? []);
    }),
  ];
}

/** Whether a foreign key leads from the tenant of one table to the tenant of another. */
export function carriesTenant(key: ForeignKeyRow, from: OwnRelation, to: OwnRelation): boolean {
  const place = key.columns.indexOf(from.column.name);
  return place >= 0 && key.targets[place] === to.column.name;
}

/** Whether another foreign key says the same and carries the tenant as well, so that this one cannot cross. */
function isCovered(key: ForeignKeyRow, all: readonly ForeignKeyRow[], from: OwnRelation, to: OwnRelation): boolean {
  const pairs = key.columns.map((column, place) => `${column} ${key.targets[place]}`);
  return all.some((other) => {
    if (other === key || other.to !== key.to || !carriesTenant(other, from, to)) return false;
    const others = other.columns.map((column, place) => `${column} ${other.targets[place]}`);
    return pairs.every((pair) => others.includes(pair));
  });
}

const actions: Readonly<Record<string, string>> = { c: ' on delete cascade', r: ' on delete restrict' };

function checkForeignKeys(
  { own: tables }: Examination,
  from: OwnRelation,
  keys: readonly ForeignKeyRow[],
  indexes: ReadonlyMap<string, readonly IndexRow[]>,
): Finding[] {
  return keys.flatMap((key) => {
    const to = tables.get(key.to);
    if (to === undefined || carriesTenant(key, from, to) || isCovered(key, keys, from, to)) return [];
    // What consists of the tenant alone says whose the row is, and leads nowhere else.
    if (key.columns.every((column) => column === from.column.name)) return [];
    const target = [to.column.name, ...key.targets];
    const has = (indexes.get(key.to) ?? []).some(
      (index) => index.unique && !index.partial && sameSet(index.columns, target),
    );
    const setsNull = key.onDelete === 'n' ? ` on delete set null (${columnsSql(key.columns)})` : undefined;
    const cascades = key.onUpdate === 'c' ? ' on update cascade' : '';
    const action = `${setsNull ?? actions[key.onDelete] ?? ''}${cascades}`;
    const what = `The foreign key (${key.columns.join(', ')}) leads to ${labelOf(to.relation)} without the tenant.`;
    return [
      findingOf('foreign_key_crosses', `${labelOf(from.relation)}.${key.name}`, what, [
        ...(has ? [] : [`alter table ${sqlOf(to.relation)} add unique (${columnsSql(target)})`]),
        `alter table ${sqlOf(from.relation)} drop constraint ${quoteIdentifier(key.name)}`,
        `alter table ${sqlOf(from.relation)} add constraint ${quoteIdentifier(key.name)} foreign key (${columnsSql([from.column.name, ...key.columns])}) references ${sqlOf(to.relation)} (${columnsSql(target)})${action}`,
      ]),
    ];
  });
}

function sameSet(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && others.every((name) => some.includes(name));
}

function checkIndexes(
  examination: Examination,
  own: OwnRelation,
  indexes: readonly IndexRow[],
  keys: readonly ForeignKeyRow[],
): Finding[] {
  const { relation, column } = own;
  const findings: Finding[] = [];
  for (const index of indexes) {
    const object = `${labelOf(relation)}.${index.constraint?.name ?? index.name}`;
    const named = index.columns.map((name) => (name === '' ? 'an expression' : name)).join(', ');
    if ((index.unique || index.exclusion) && !index.columns.includes(column.name)) {
      const harmless = isHarmless(examination, own, index, indexes, keys);
      const code = harmless ? 'key_over_all_tenants' : 'unique_crosses';
      findings.push(findingOf(code, object, `(${named}) is unique over all tenants.`, withTenantSql(own, index)));
    } else if (index.method === 'btree' && index.columns[0] !== column.name) {
      const what = `The index on (${named}) does not begin with the tenant.`;
      findings.push(findingOf('index_not_by_tenant', object, what, withTenantSql(own, index)));
    }
  }
  const led = indexes.some((index) => index.columns[0] === column.name && !index.partial);
  if (!led) {
    const concurrently = relation.kind === 'p' ? '' : 'concurrently ';
    const mend = [`create index ${concurrently}on ${sqlOf(relation)} (${quoteIdentifier(column.name)})`];
    const what = 'No index of the table begins with the tenant.';
    findings.push(findingOf('tenant_index_missing', labelOf(relation), what, mend));
  }
  return findings;
}

/** How columns are named that hold what nobody can guess. */
const unguessable = /(^|_|[a-z])(hash|digest|token|secret)$/i;

/**
 * A key over all tenants tells little when its values are made by the database or cannot be guessed, when a key with the
 * tenant stands beside it for the same columns, or when a foreign key with the tenant rules which values are taken.
 */
function isHarmless(
  { own: tables }: Examination,
  own: OwnRelation,
  index: IndexRow,
  indexes: readonly IndexRow[],
  keys: readonly ForeignKeyRow[],
): boolean {
  if (index.surrogate || index.columns.some((name) => unguessable.test(name))) return true;
  if (index.columns.includes('') || index.exclusion) return false;
  const wanted = [own.column.name, ...index.columns];
  const primary = index.constraint?.type === 'p';
  if (primary && indexes.some((other) => other.unique && !other.partial && sameSet(other.columns, wanted))) return true;
  return keys.some((key) => {
    const to = tables.get(key.to);
    if (to === undefined || !carriesTenant(key, own, to)) return false;
    return key.columns.every((name) => name === own.column.name || index.columns.includes(name));
  });
}

/** Puts the tenant in front of a key or an index. */
function withTenantSql({ relation, column }: OwnRelation, index: IndexRow): string[] {
  const table = sqlOf(relation);
  const { constraint } = index;
  const columns = [column.name, ...index.columns.filter((name) => name !== column.name)];
  if (constraint !== null && constraint.type !== 'x') {
    const kind = constraint.type === 'p' ? 'primary key' : 'unique';
    return [
      `alter table ${table} drop constraint ${quoteIdentifier(constraint.name)}`,
      `alter table ${table} add constraint ${quoteIdentifier(constraint.name)} ${kind} (${columnsSql(columns)})`,
    ];
  }
  if (constraint !== null) return [`alter table ${table} drop constraint ${quoteIdentifier(constraint.name)}`];
  // What the index says of its other columns, such as an order or an expression, stays as it is.
  const made = index.columns.includes(column.name)
    ? `create ${index.unique ? 'unique ' : ''}index on ${table} (${columnsSql(columns)})`
    : index.definition
        .replace(/ INDEX .*? ON (ONLY )?/, ' INDEX ON ')
        .replace(/ USING (\w+) \(/, (_, method: string) => ` USING ${method} (${quoteIdentifier(column.name)}, `);
  const drop = sqlOf({ schema: index.schema, name: index.name });
  if (relation.kind === 'p') return [made, `drop index ${drop}`];
  return [made.replace(/index on/i, 'index concurrently on'), `drop index concurrently ${drop}`];
}
