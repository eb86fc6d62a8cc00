import {
  AliasNode,
  AndNode,
  BinaryOperationNode,
  ColumnNode,
  FromNode,
  IdentifierNode,
  type OperationNode,
  OperatorNode,
  ParensNode,
  ReferenceNode,
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
  return BinaryOperationNode.create(ReferenceNode.create(ColumnNode.create(column), table), equals, scoper.tenant);
}

/** The name by which a query knows an aliased table. */
export function aliasTable(alias: string): TableNode {
  return TableNode.create(alias);
}

/**
 * Joins the tenant's predicates with a condition of the application's. The condition stands in parentheses: it may be
 * raw SQL with an OR in it.
 */
export function withPredicates(predicates: readonly OperationNode[], condition: OperationNode | undefined) {
  let all: OperationNode | undefined;
  for (const predicate of predicates) all = all === undefined ? predicate : AndNode.create(all, predicate);
  if (condition === undefined || all === undefined) return all ?? condition;
  return AndNode.create(all, ParensNode.is(condition) ? condition : ParensNode.create(condition));
}

/** The WHERE of a query whose condition is scoped already. */
export function whereWith(
  predicates: readonly OperationNode[],
  condition: OperationNode | undefined,
): WhereNode | undefined {
  const all = withPredicates(predicates, condition);
  return all === undefined ? undefined : WhereNode.create(all);
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
