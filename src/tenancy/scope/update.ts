import { FromNode, type UpdateQueryNode } from 'kysely';
import { tenantPredicate, whereWith } from './predicate.ts';
import type { Place, Scoper } from './scoper.ts';
import { scopeSources } from './sources.ts';
import { scopeUpdates, targetOf } from './target.ts';
import { visitParts } from './visit-parts.ts';
import { scopeWith } from './with.ts';

/** Scopes an UPDATE: the rows that it changes and each table that it reads. */
export function scopeUpdate(node: UpdateQueryNode, outer: Place, scoper: Scoper): UpdateQueryNode {
  const ctes = scopeWith(node.with, outer, scoper);
  const target = targetOf(node.table, scoper);
  const { froms, joins, predicates, place } = scopeSources(node.from?.froms ?? [], node.joins, ctes.place, scoper);
  const own = target.column === undefined ? [] : [tenantPredicate(target.table, target.column, scoper)];
  const condition = node.where === undefined ? undefined : scoper.visit(node.where.where, place);
  const where = whereWith([...own, ...predicates], condition);
  const updates = scopeUpdates(node.updates, target, place, scoper);
  return {
    ...visitParts(node, place, scoper),
    table: target.node,
    ...(ctes.with && { with: ctes.with }),
    ...(node.from && { from: FromNode.create(froms) }),
    ...(joins && { joins }),
    ...(where && { where }),
    ...(updates && { updates }),
  };
}
