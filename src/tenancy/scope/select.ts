import { FromNode, type SelectQueryNode } from 'kysely';
import { whereWith } from './predicate.ts';
import type { Place, Scoper } from './scoper.ts';
import { scopeSources } from './sources.ts';
import { visitParts } from './visit-parts.ts';
import { scopeWith } from './with.ts';

/** Scopes a SELECT: each table that it reads from, and all that stands within it. */
export function scopeSelect(node: SelectQueryNode, outer: Place, scoper: Scoper): SelectQueryNode {
  const ctes = scopeWith(node.with, outer, scoper);
  const { froms, joins, predicates, place } = scopeSources(node.from?.froms ?? [], node.joins, ctes.place, scoper);
  const condition = node.where && scoper.visit(node.where.where, place);
  const where = whereWith(predicates, condition);
  const scoped: { -readonly [Name in keyof SelectQueryNode]: SelectQueryNode[Name] } = {
    ...visitParts(node, place, scoper),
  };
  if (ctes.with !== undefined) scoped.with = ctes.with;
  if (node.from !== undefined) scoped.from = FromNode.create(froms);
  if (joins !== undefined) scoped.joins = joins;
  if (where !== undefined) scoped.where = where;
  return scoped;
}
