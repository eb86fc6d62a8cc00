import type { OperationNode, ValueNode } from 'kysely';
import type { TableRules } from './table-rules.ts';

/** The names of common table expressions that are visible at a place, innermost first. */
export interface CteNames {
  readonly name: string;
  readonly outer: CteNames | undefined;
}

/** What is to be known of a place in a query. */
export interface Place {
  readonly ctes: CteNames | undefined;
  /** Tables with a schema that were wrapped in a subquery, whose columns are now named without the schema. */
  readonly wrapped: ReadonlySet<string> | undefined;
}

/** The outermost place. */
export const outermost: Place = { ctes: undefined, wrapped: undefined };

/** Puts queries within one tenant. */
export interface Scoper {
  readonly tenantId: string;
  /** The tenant as a parameter of a query. */
  readonly tenant: ValueNode;
  readonly rules: TableRules;
  /** Scopes a node in expression position and all below it. */
  visit(node: OperationNode, place: Place): OperationNode;
}

/** Tells whether a name without a schema is a common table expression here. */
export function isCte(name: string, place: Place): boolean {
  for (let at = place.ctes; at !== undefined; at = at.outer) if (at.name === name) return true;
  return false;
}
