import { ColumnNode, type InsertQueryNode, type OnConflictNode, TableNode } from 'kysely';
import { tenantPredicate, whereWith } from './predicate.ts';
import { refuse } from './refuse.ts';
import type { Place, Scoper } from './scoper.ts';
import { type StampedRows, stampDefaults, stampRows } from './stamp-rows.ts';
import { scopeUpdates, type Target, targetOf } from './target.ts';
import { visitParts } from './visit-parts.ts';
import { scopeWith } from './with.ts';

/** Scopes an INSERT: stamps the tenant on every row, and keeps an upsert to the tenant's rows. */
export function scopeInsert(node: InsertQueryNode, outer: Place, scoper: Scoper): InsertQueryNode {
  const { with: ctes, place } = scopeWith(node.with, outer, scoper);
  const target = targetOf(node.into, scoper);
  if (!TableNode.is(target.node)) refuse('an insert into an aliased table', 'Name the table alone.');
  const onConflict = node.onConflict && scopeConflict(node.onConflict, target, place, scoper);
  return {
    ...visitParts(node, place, scoper),
    into: target.node,
    ...(ctes && { with: ctes }),
    ...(onConflict && { onConflict }),
    ...scopeRows(node, target, place, scoper),
  };
}

function scopeRows(
  node: InsertQueryNode,
  target: Target,
  place: Place,
  scoper: Scoper,
): StampedRows | Pick<InsertQueryNode, 'values'> {
  const values = node.values && scoper.visit(node.values, place);
  const { name, column } = target;
  if (column === undefined) return values === undefined ? {} : { values };
  if (values === undefined) return node.defaultValues === true ? stampDefaults(column, scoper) : {};
  if (node.columns === undefined) {
    refuse(`an insert into "${name}" without a list of columns`, 'Name the columns with .columns([…]).');
  }
  const at = node.columns.findIndex((each) => each.column.name === column);
  const columns = at === -1 ? [...node.columns, ColumnNode.create(column)] : node.columns;
  return { columns, values: stampRows(values, { table: name, column, at, columns: columns.length }, scoper) };
}

/** An upsert meets a row of another tenant where a key is unique over all: that row stays as it is. */
function scopeConflict(node: OnConflictNode, target: Target, place: Place, scoper: Scoper): OnConflictNode {
  const updates = scopeUpdates(node.updates, target, place, scoper);
  const condition = node.updateWhere && scoper.visit(node.updateWhere.where, place);
  const own =
    updates === undefined || target.column === undefined ? [] : [tenantPredicate(target.table, target.column, scoper)];
  const updateWhere = whereWith(own, condition);
  return { ...visitParts(node, place, scoper), ...(updates && { updates }), ...(updateWhere && { updateWhere }) };
}
