import type { OperationNodeKind } from 'kysely';

/**
 * What a property of a node holds: a node in expression position, a list of them, data without nodes, or a part of a
 * query that its own function scopes.
 */
export type Part = 'node' | 'list' | 'plain' | 'query';

type Shape = Readonly<Record<string, Part>>;

const nothing: Shape = {};
const items: Shape = { items: 'list' };
const values: Shape = { values: 'list' };

/**
 * The kinds of nodes that a scope lets through, each with all its properties. What is not written here is refused, a
 * kind and a property alike, so that a later version of Kysely cannot bring in a table that nobody scopes.
 */
const shapes: { readonly [Kind in OperationNodeKind]?: Shape } = {
  SelectQueryNode: {
    from: 'query',
    joins: 'query',
    where: 'query',
    with: 'query',
    selections: 'list',
    distinctOn: 'list',
    groupBy: 'node',
    orderBy: 'node',
    frontModifiers: 'list',
    endModifiers: 'list',
    limit: 'node',
    offset: 'node',
    having: 'node',
    explain: 'node',
    setOperations: 'list',
    fetch: 'node',
  },
  InsertQueryNode: {
    into: 'query',
    columns: 'query',
    values: 'query',
    defaultValues: 'query',
    onConflict: 'query',
    with: 'query',
    returning: 'node',
    explain: 'node',
    endModifiers: 'list',
  },
  UpdateQueryNode: {
    table: 'query',
    from: 'query',
    joins: 'query',
    where: 'query',
    updates: 'query',
    with: 'query',
    returning: 'node',
    explain: 'node',
    endModifiers: 'list',
    limit: 'node',
    orderBy: 'node',
  },
  DeleteQueryNode: {
    from: 'query',
    using: 'query',
    joins: 'query',
    where: 'query',
    with: 'query',
    returning: 'node',
    explain: 'node',
    endModifiers: 'list',
    limit: 'node',
    orderBy: 'node',
  },
  OnConflictNode: {
    columns: 'plain',
    constraint: 'plain',
    indexExpression: 'node',
    indexWhere: 'node',
    updates: 'query',
    updateWhere: 'query',
    doNothing: 'plain',
  },
  SelectionNode: { selection: 'node' },
  ReturningNode: { selections: 'list' },
  AliasNode: { node: 'node', alias: 'node' },
  WhereNode: { where: 'node' },
  HavingNode: { having: 'node' },
  OnNode: { on: 'node' },
  GroupByNode: items,
  GroupByItemNode: { groupBy: 'node' },
  OrderByNode: items,
  OrderByItemNode: { orderBy: 'node', direction: 'node', nulls: 'plain', collation: 'node' },
  CollateNode: { collation: 'node' },
  LimitNode: { limit: 'node' },
  OffsetNode: { offset: 'node' },
  FetchNode: { rowCount: 'node', modifier: 'plain' },
  SetOperationNode: { operator: 'plain', expression: 'node', all: 'plain' },
  SelectModifierNode: { modifier: 'plain', rawModifier: 'node', of: 'list' },
  ExplainNode: { format: 'plain', options: 'node' },
  ColumnUpdateNode: { column: 'node', value: 'node' },

  AndNode: { left: 'node', right: 'node' },
  OrNode: { left: 'node', right: 'node' },
  ParensNode: { node: 'node' },
  ListNode: items,
  TupleNode: values,
  ValuesNode: values,
  ValueListNode: values,
  PrimitiveValueListNode: { values: 'plain' },
  ValueNode: { value: 'plain', immediate: 'plain' },
  DefaultInsertValueNode: nothing,
  BinaryOperationNode: { leftOperand: 'node', operator: 'node', rightOperand: 'node' },
  UnaryOperationNode: { operator: 'node', operand: 'node' },
  OperatorNode: { operator: 'plain' },
  FunctionNode: { func: 'plain', arguments: 'list' },
  AggregateFunctionNode: {
    func: 'plain',
    aggregated: 'list',
    distinct: 'plain',
    orderBy: 'node',
    withinGroup: 'node',
    filter: 'node',
    over: 'node',
  },
  OverNode: { orderBy: 'node', partitionBy: 'node' },
  PartitionByNode: items,
  PartitionByItemNode: { partitionBy: 'node' },
  CaseNode: { value: 'node', when: 'list', else: 'node', isStatement: 'plain' },
  WhenNode: { condition: 'node', result: 'node' },
  CastNode: { expression: 'node', dataType: 'node' },
  DataTypeNode: { dataType: 'plain' },
  JSONReferenceNode: { reference: 'node', traversal: 'node' },
  JSONPathNode: { inOperator: 'node', pathLegs: 'list' },
  JSONPathLegNode: { type: 'plain', value: 'plain' },
  JSONOperatorChainNode: { operator: 'node', values: 'list' },

  ReferenceNode: { column: 'plain', table: 'node' },
  ColumnNode: { column: 'plain' },
  SelectAllNode: nothing,
  IdentifierNode: { name: 'plain' },
  TableNode: { table: 'plain' },
};

const byKind: ReadonlyMap<string, ReadonlyMap<string, Part>> = new Map(
  Object.entries(shapes).map(([kind, shape]) => [kind, new Map(Object.entries(shape))]),
);

/** The properties of a kind of node that may pass, or undefined when the kind may not. */
export function shapeOf(kind: string): ReadonlyMap<string, Part> | undefined {
  return byKind.get(kind);
}
