import type { SelectQueryNode } from 'kysely';
import { whereWith } from './predicate.ts';
import type { Place, Scoper } from './scoper.ts';
import { scopeFrom } from './sources.ts';
import { visitParts } from './visit-parts.ts';
import { scopeWith } from './with.ts';

/** Scopes a SELECT: each table that it reads from, and all that stands within it. */
export function scopeSelect(node: SelectQueryNode, outer: Place, scoper: Scoper): SelectQueryNode {
  const ctes = scopeWith(node.with, outer, scoper);
  const { from, joins, predicates, place } = scopeFrom(node.from, node.joins, ctes.place, scoper);
  const condition = node.where === undefined ? undefined : scoper.visit(node.where.where, place);
  const rest = visitParts(node, place, scoper);
  const where = whereWith(predicates, condition);
  return {
    ...rest,
    ...(ctes.with && { with: ctes.with }),
    ...(from && { from }),
    ...(joins && { joins }),
    ...(where && { where }),
  };
}
