import type { OperationNode } from 'kysely';
import type { TableRules } from './table-rules.ts';

/** Tells of a query that it was scoped: a query of a scope may be embedded in another, and passes by a second time. */
export interface ScopeMark {
  readonly tenantId: string;
  readonly rules: TableRules;
  /** The query as it was before. */
  readonly original: OperationNode;
  /** The query that is marked. A copy of it, which may have been changed, bears the mark of another. */
  readonly marked: OperationNode;
}

/** A property of the node and not a WeakMap, which would cost more than all the rest. */
const key = Symbol('tenantry.scope');

/**
 * Gives a copy of a scoped query that bears the mark. It is always a copy: what needed no change is the application's
 * own node, which it may use for another tenant.
 */
export function withMark<Node extends OperationNode>(
  scoped: Node,
  tenantId: string,
  rules: TableRules,
  original: OperationNode,
): Node {
  const mark: { -readonly [Name in keyof ScopeMark]: ScopeMark[Name] } = { tenantId, rules, original, marked: scoped };
  const marked = { ...scoped, [key]: mark };
  mark.marked = marked;
  return marked;
}

/** The mark of a query, if it is its own. */
export function readMark(query: OperationNode): ScopeMark | undefined {
  if (!(key in query)) return undefined;
  const mark: unknown = query[key];
  return isMarkOf(mark, query) ? mark : undefined;
}

function isMarkOf(mark: unknown, query: OperationNode): mark is ScopeMark {
  return typeof mark === 'object' && mark !== null && 'marked' in mark && mark.marked === query;
}
