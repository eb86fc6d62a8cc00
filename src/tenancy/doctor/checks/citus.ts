import { quoteIdentifier } from '../../../database/isolation-sql.ts';
import type { ForeignKeyRow, IndexRow } from '../catalogue.ts';
import { type Examination, mainTables, type OwnRelation } from '../examination.ts';
import { type Finding, findingOf } from '../finding.ts';
import { groupBy } from '../group-by.ts';
import { dropPolicySql, labelOf, replacePolicySql, sqlOf } from '../mend-sql.ts';
import { carriesTenant } from './keys.ts';

/** What keeps tables of tenants from being distributed by Citus, rule by rule, beside what is a hole anyway. */
export function checkCitus(examination: Examination, holes: readonly Finding[]): Finding[] {
  const told = new Set<string>(holes.map(({ object }) => object));
  return [
    ...checkKeys(examination, holes),
    ...examination.catalogue.foreignKeys.flatMap((key) => checkForeignKey(examination, key)),
    ...examination.catalogue.triggers.flatMap(({ name, table, rule }) => {
      const own = examination.own.get(table);
      if (own === undefined || rule) return [];
      const mend = [`drop trigger ${quoteIdentifier(name)} on ${sqlOf(own.relation)}`];
      return [findingOf('citus_trigger', `${labelOf(own.relation)}.${name}`, 'The table has a trigger.', mend)];
    }),
    ...checkSequences(examination),
    ...checkTypes(examination),
    ...[...examination.own.values()]
      .filter(({ relation, below }) => relation.inherited || below === 'inherited')
      .map(({ relation, below }) => {
        const what =
          below === 'inherited' ? 'The table inherits from another.' : 'Other tables inherit from the table.';
        const parent = examination.byOid.get(relation.parent ?? '');
        const mend = parent === undefined ? [] : [`alter table ${sqlOf(relation)} no inherit ${sqlOf(parent)}`];
        return findingOf('citus_inheritance', labelOf(relation), what, mend);
      }),
  ].filter(({ object, code }) => code === 'citus_key' || !told.has(object));
}

/** Keys over all tenants that are no holes are refused all the same. */
function checkKeys({ catalogue, own }: Examination, holes: readonly Finding[]): Finding[] {
  const named = new Map<string, IndexRow>(
    catalogue.indexes.flatMap((index) => {
      const table = own.get(index.table);
      if (table === undefined) return [];
      return [[`${labelOf(table.relation)}.${index.constraint?.name ?? index.name}`, index] as const];
    }),
  );
  return holes
    .filter(({ code, object }) => code === 'key_over_all_tenants' && named.has(object))
    .map(({ object, what, mend }) => findingOf('citus_key', object, what, mend));
}

function checkForeignKey({ own, shared }: Examination, key: ForeignKeyRow): Finding[] {
  const from = own.get(key.from);
  const to = own.get(key.to);
  if (from === undefined) {
    return shared.has(key.from) && to !== undefined ? [fromShared(key, to)] : [];
  }
  const object = `${labelOf(from.relation)}.${key.name}`;
  const drop = `alter table ${sqlOf(from.relation)} drop constraint ${quoteIdentifier(key.name)}`;
  if (to !== undefined && !carriesTenant(key, from, to)) {
    const what = `The foreign key (${key.columns.join(', ')}) leads to ${labelOf(to.relation)} without the tenant.`;
    return [findingOf('citus_foreign_key', object, what, [drop])];
  }
  const sets = ['n', 'd'].includes(key.onDelete) || ['n', 'd'].includes(key.onUpdate);
  if (!sets || !key.columns.includes(from.column.name)) return [];
  const what = 'The foreign key sets columns to NULL or to their default and holds the tenant.';
  const plain = key.definition.replace(/ ON (DELETE|UPDATE) SET (NULL|DEFAULT)( \([^)]*\))?/g, '');
  const add = `alter table ${sqlOf(from.relation)} add constraint ${quoteIdentifier(key.name)} ${plain}`;
  return [findingOf('citus_set_null', object, what, [drop, add])];
}

function fromShared(key: ForeignKeyRow, { relation }: OwnRelation): Finding {
  const what = `A table that all tenants read leads to ${labelOf(relation)}.`;
  return findingOf('citus_foreign_key_shared', `${labelOf(relation)} ← ${key.name}`, what, []);
}

function checkSequences({ catalogue, own }: Examination): Finding[] {
  return catalogue.numbered.flatMap(({ table, column, identity }) => {
    const found = own.get(table);
    if (found === undefined) return [];
    const alter = `alter table ${sqlOf(found.relation)} alter column ${quoteIdentifier(column)}`;
    const mend = [identity ? `${alter} drop identity` : `${alter} drop default`];
    return [findingOf('citus_sequence', `${labelOf(found.relation)}.${column}`, 'The column is numbered.', mend)];
  });
}

/** The type of most tables is taken for the one that is meant. */
function checkTypes(examination: Examination): Finding[] {
  const byType = [...groupBy(mainTables(examination), ({ column }) => column.type)];
  const [most] = byType.sort(([, some], [, others]) => others.length - some.length);
  if (most === undefined) return [];
  const [type] = most;
  return byType.slice(1).flatMap(([other, tables]) =>
    tables.map((own) => {
      const { relation, column } = own;
      const quoted = quoteIdentifier(column.name);
      const changed = { ...own, column: { ...column, type } };
      const policies = (examination.policies.get(relation.oid) ?? []).map((policy) => ({
        drop: dropPolicySql(relation, policy),
        create: replacePolicySql(examination, changed, policy)[1] ?? '',
        service: !policy.roles.includes('public') && !policy.roles.some((role) => examination.roles.has(role)),
        name: policy.name,
      }));
      const tenants = policies.filter(({ service }) => !service);
      return findingOf(
        'citus_tenant_type',
        `${labelOf(relation)}.${column.name}`,
        `The column is ${other}; most are ${type}.`,
        [
          ...tenants.map(({ drop }) => drop),
          `alter table ${sqlOf(relation)} alter column ${quoted} type ${type} using ${quoted}::text::${type}`,
          ...tenants.map(({ create }) => create),
        ],
      );
    }),
  );
}
