import type { OperationNode } from 'kysely';
import { shapeOf } from './node-shapes.ts';
import { refuse } from './refuse.ts';
import type { Place, Scoper } from './scoper.ts';

/**
 * Scopes what stands below a node, apart from the parts that the function of its query scopes. Gives the same node when
 * nothing changed.
 *
 * @throws TenantryError `scope_unsupported` for a kind of node or a property that is not known to be safe.
 */
export function visitParts<Node extends OperationNode>(node: Node, place: Place, scoper: Scoper): Node {
  const shape = shapeOf(node.kind);
  if (shape === undefined) refuse(nameOf(node.kind), 'Use a database handle outside of the scope for it.');
  let changed: Record<string, unknown> | undefined;
  for (const property in node) {
    const value: unknown = node[property];
    if (value === undefined || property === 'kind') continue;
    const part = shape.get(property);
    if (part === 'plain' || part === 'query') continue;
    if (part === undefined) {
      if (value === false) continue;
      refuse(`"${property}" of ${nameOf(node.kind)}`, 'Leave it out, or use a database handle outside of the scope.');
    }
    const next = part === 'node' ? visitNode(value, place, scoper) : visitList(value, place, scoper);
    if (next !== value) {
      changed ??= {};
      changed[property] = next;
    }
  }
  return changed === undefined ? node : { ...node, ...changed };
}

/** Scopes each node of a list. Gives the same list when nothing changed. */
function visitList(list: unknown, place: Place, scoper: Scoper): readonly unknown[] {
  if (!Array.isArray(list)) refuse('a malformed query', 'Build it with Kysely.');
  let changed: unknown[] | undefined;
  for (let at = 0; at < list.length; at += 1) {
    const value: unknown = list[at];
    const next = visitNode(value, place, scoper);
    if (next !== value) {
      changed ??= [...list];
      changed[at] = next;
    }
  }
  return changed ?? list;
}

function visitNode(value: unknown, place: Place, scoper: Scoper): OperationNode {
  if (!isNode(value)) refuse('a malformed query', 'Build it with Kysely.');
  return scoper.visit(value, place);
}

function isNode(value: unknown): value is OperationNode {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string';
}

function nameOf(kind: string): string {
  return `a node of kind "${kind}"`;
}
