import { type DeleteQueryNode, FromNode, UsingNode } from 'kysely';
import { tenantPredicate, whereWith } from './predicate.ts';
import { refuse } from './refuse.ts';
import type { Place, Scoper } from './scoper.ts';
import { scopeSources } from './sources.ts';
import { targetOf } from './target.ts';
import { visitParts } from './visit-parts.ts';
import { scopeWith } from './with.ts';

/** Scopes a DELETE: the rows that it removes and each table that it reads. */
export function scopeDelete(node: DeleteQueryNode, outer: Place, scoper: Scoper): DeleteQueryNode {
  const ctes = scopeWith(node.with, outer, scoper);
  if (node.from.froms.length !== 1) refuse('a delete from several tables', 'Name one table.');
  const target = targetOf(node.from.froms[0], scoper);
  const { froms, joins, predicates, place } = scopeSources(node.using?.tables ?? [], node.joins, ctes.place, scoper);
  const own = target.column === undefined ? [] : [tenantPredicate(target.table, target.column, scoper)];
  const condition = node.where === undefined ? undefined : scoper.visit(node.where.where, place);
  const where = whereWith([...own, ...predicates], condition);
  return {
    ...visitParts(node, place, scoper),
    from: FromNode.create([target.node]),
    ...(ctes.with && { with: ctes.with }),
    ...(node.using && { using: UsingNode.create(froms) }),
    ...(joins && { joins }),
    ...(where && { where }),
  };
}
