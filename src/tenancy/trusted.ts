import { type OperationNode, type RawBuilder, RawNode, sql } from 'kysely';

/**
 * The mark of trusted raw SQL: an operator without text. It compiles to nothing, and plugins that copy a tree hand
 * operators on as they are, so the mark is recognised by its identity and cannot be written by hand.
 */
const mark: OperationNode & { readonly operator: '' } = Object.freeze({ kind: 'OperatorNode', operator: '' });
const markSource = { toOperationNode: (): OperationNode => mark };

/**
 * Marks raw SQL as checked by its author, so that a tenant's scope lets it pass. Use it for an expression within a query
 * or for a whole statement. The text itself is not looked at: what it reads and writes is its author's to restrict to
 * the tenant. What is embedded in it is still scoped: a query of the query builder, and a table given by `sql.table`,
 * which becomes a subquery in parentheses and wants an alias behind it.
 *
 * Never put text in it that a user can shape.
 *
 * @example
 * ```ts
 * import { sql } from 'kysely';
 * import { trusted } from 'tenantry/tenancy';
 *
 * const today = trusted(sql<boolean>`created_at > current_date`);
 * // tenancy.scope(tenantId).selectFrom('notes').selectAll().where(today)
 * ```
 */
export function trusted<Type>(raw: RawBuilder<Type>): RawBuilder<Type> {
  return sql<Type>`${markSource}${raw}`;
}

/** The raw SQL within a mark, or undefined when the node bears none. */
export function withinTrust(node: RawNode): RawNode | undefined {
  if (node.parameters[0] !== mark) return undefined;
  const inner = node.parameters[1];
  return inner !== undefined && RawNode.is(inner) ? inner : undefined;
}
