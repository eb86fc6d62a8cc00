import {
  AliasNode,
  AndNode,
  BinaryOperationNode,
  type ColumnNode,
  FromNode,
  IdentifierNode,
  type OperationNode,
  OperatorNode,
  ParensNode,
  type ReferenceNode,
  SelectAllNode,
  SelectionNode,
  type SelectQueryNode,
  TableNode,
  WhereNode,
} from 'kysely';
import type { Scoper } from './scoper.ts';

const equals = OperatorNode.create('=');
const everything = [SelectionNode.create(SelectAllNode.create())];

/** `"table"."tenant_id" = $1`, with the name by which the query knows the table. */
export function tenantPredicate(table: TableNode, column: string, scoper: Scoper): BinaryOperationNode {
  const name: ColumnNode = { kind: 'ColumnNode', column: { kind: 'IdentifierNode', name: column } };
  const leftOperand: ReferenceNode = { kind: 'ReferenceNode', column: name, table };
  return { kind: 'BinaryOperationNode', leftOperand, operator: equals, rightOperand: scoper.tenant };
}

/** The name by which a query knows an aliased table. */
export function aliasTable(alias: string): TableNode {
  return TableNode.create(alias);
}

/**
 * Joins the tenant's predicates with a condition of the application's. The condition stands in parentheses unless it is
 * seen to be a conjunction: it may be raw SQL with an OR in it.
 */
export function withPredicates(
  predicates: readonly OperationNode[],
  condition: OperationNode | undefined,
): OperationNode | undefined {
  let all: OperationNode | undefined;
  for (const predicate of predicates) all = all === undefined ? predicate : and(all, predicate);
  if (condition === undefined || all === undefined) return all ?? condition;
  return and(all, isConjunction(condition) ? condition : ParensNode.create(condition));
}

function and(left: OperationNode, right: OperationNode): AndNode {
  return { kind: 'AndNode', left, right };
}

/** Operands that are one term, whatever stands beside them. */
const terms: ReadonlySet<string> = new Set(['ReferenceNode', 'ValueNode', 'PrimitiveValueListNode', 'SelectQueryNode']);

function isConjunction(node: OperationNode): boolean {
  if (AndNode.is(node)) return isConjunction(node.left) && isConjunction(node.right);
  if (!BinaryOperationNode.is(node)) return ParensNode.is(node);
  return terms.has(node.leftOperand.kind) && OperatorNode.is(node.operator) && terms.has(node.rightOperand.kind);
}

/** The WHERE of a query whose condition is scoped already. */
export function whereWith(
  predicates: readonly OperationNode[],
  condition: OperationNode | undefined,
): WhereNode | undefined {
  const all = withPredicates(predicates, condition);
  return all === undefined ? undefined : { kind: 'WhereNode', where: all };
}

/** `select * from "table" where "table"."tenant_id" = $1`. */
export function tenantRows(table: TableNode, column: string, scoper: Scoper): SelectQueryNode {
  return {
    kind: 'SelectQueryNode',
    from: FromNode.create([table]),
    selections: everything,
    where: WhereNode.create(tenantPredicate(table, column, scoper)),
  };
}

/** The tenant's rows of a table as a subquery that bears a name. */
export function tenantRowsAs(table: TableNode, alias: string, column: string, scoper: Scoper): AliasNode {
  return AliasNode.create(tenantRows(table, column, scoper), IdentifierNode.create(alias));
}
