import { IdentifierNode, type OperationNode, RawNode } from 'kysely';
import { TenantryError } from '../../core/index.ts';

/** What stands within raw SQL that adds no text of its own, such as `sql.table('notes')`; any other node as it is. */
export function unwrapRaw(node: OperationNode): OperationNode {
  let inner = node;
  while (RawNode.is(inner) && inner.parameters.length === 1 && inner.sqlFragments.every((text) => text === '')) {
    const [child] = inner.parameters;
    if (child === undefined) break;
    inner = child;
  }
  return inner;
}

/** What `sql.id` makes. */
export function isIdentifierPath(node: RawNode): boolean {
  return (
    node.parameters.length > 0 &&
    node.parameters.every((parameter) => IdentifierNode.is(parameter)) &&
    node.sqlFragments.every((text) => text === '' || text === '.')
  );
}

/** Raw SQL that bears no mark. */
export function unmarked(node: RawNode): TenantryError {
  const text = node.sqlFragments.join('…').replace(/\s+/g, ' ').trim();
  return new TenantryError('raw_sql_unmarked', { sql: text.length > 80 ? `${text.slice(0, 79)}…` : text });
}
