import { CommonTableExpressionNode, type WithNode } from 'kysely';
import { refuse } from './refuse.ts';
import type { CteNames, Place, Scoper } from './scoper.ts';

/**
 * Scopes the common table expressions of a query and tells the place of its other parts. A name is visible to what
 * comes after it, and under RECURSIVE to all of them; before that, the same name is the table.
 */
export function scopeWith(
  node: WithNode | undefined,
  place: Place,
  scoper: Scoper,
): { readonly with: WithNode | undefined; readonly place: Place } {
  if (node === undefined) return { with: undefined, place };
  const names = node.expressions.map(nameOf);
  const all = names.reduce(withName, place);
  let seen = node.recursive === true ? all : place;
  const expressions = node.expressions.map((expression, at) => {
    const scoped = CommonTableExpressionNode.create(expression.name, scoper.visit(expression.expression, seen));
    if (node.recursive !== true) seen = withName(seen, names[at] ?? '');
    return expression.materialized === undefined ? scoped : { ...scoped, materialized: expression.materialized };
  });
  return { with: { ...node, expressions }, place: all };
}

function nameOf(expression: CommonTableExpressionNode): string {
  const { schema, identifier } = expression.name.table.table;
  if (schema !== undefined) refuse('a common table expression with a schema', 'Give it a name without a dot.');
  return identifier.name;
}

function withName(place: Place, name: string): Place {
  const ctes: CteNames = { name, outer: place.ctes };
  return { ...place, ctes };
}
