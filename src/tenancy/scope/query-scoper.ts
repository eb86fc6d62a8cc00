import {
  AggregateFunctionNode,
  DeleteQueryNode,
  ExplainNode,
  FunctionNode,
  InsertQueryNode,
  type OperationNode,
  RawNode,
  SelectQueryNode,
  TableNode,
  UpdateQueryNode,
  ValueNode,
} from 'kysely';
import { TenantryError } from '../../core/index.ts';
import { scopeDelete } from './delete.ts';
import { checkFunction } from './functions.ts';
import { scopeInsert } from './insert.ts';
import { aliasTable } from './predicate.ts';
import { scopeRaw } from './raw.ts';
import { refuse } from './refuse.ts';
import { readMark, type ScopeMark, withMark } from './scope-mark.ts';
import { outermost, type Place, type Scoper } from './scoper.ts';
import { scopeSelect } from './select.ts';
import { type TableRules, tableKey } from './table-rules.ts';
import { scopeUpdate } from './update.ts';
import { visitParts } from './visit-parts.ts';

/** Puts whole queries within one tenant. */
export interface QueryScoper {
  readonly tenantId: string;
  /**
   * Scopes a query. One that was scoped for the same tenant is given back as it is.
   *
   * @throws TenantryError `tenant_mismatch` for one that was scoped for another; `table_unknown`, `tenant_column_write`,
   * `raw_sql_unmarked`, `scope_unsupported`.
   */
  scope<Node extends OperationNode>(query: Node): Node;
  /** Tells whether a query was scoped for this tenant. */
  isScoped(query: OperationNode): boolean;
}

/** Makes what scopes queries for one tenant. */
export function queryScoper(tenantId: string, rules: TableRules): QueryScoper {
  const scoper: Scoper = { tenantId, rules, tenant: ValueNode.create(tenantId), visit };

  function markOf(query: OperationNode): ScopeMark | undefined {
    const mark = readMark(query);
    if (mark !== undefined && mark.tenantId !== tenantId) {
      throw new TenantryError('tenant_mismatch', { expected: tenantId, actual: mark.tenantId });
    }
    return mark;
  }

  /** What was scoped alone is scoped anew where it stands: there its names may mean common table expressions. */
  function originalOf(query: OperationNode): OperationNode {
    return markOf(query)?.original ?? query;
  }

  function visit(node: OperationNode, place: Place): OperationNode {
    switch (node.kind) {
      case 'IdentifierNode':
      case 'ColumnNode':
      case 'OperatorNode':
      case 'SelectAllNode':
      case 'ValueNode':
      case 'PrimitiveValueListNode':
        return node;
      case 'SelectQueryNode':
      case 'InsertQueryNode':
      case 'UpdateQueryNode':
      case 'DeleteQueryNode':
      case 'RawNode':
        return visitQuery(originalOf(node), place);
      default:
        return visitOther(node, place);
    }
  }

  function visitQuery(node: OperationNode, place: Place): OperationNode {
    if (SelectQueryNode.is(node)) return scopeSelect(node, place, scoper);
    if (InsertQueryNode.is(node)) return scopeInsert(node, place, scoper);
    if (UpdateQueryNode.is(node)) return scopeUpdate(node, place, scoper);
    if (DeleteQueryNode.is(node)) return scopeDelete(node, place, scoper);
    return RawNode.is(node) ? scopeRaw(node, place, scoper) : visitParts(node, place, scoper);
  }

  function visitOther(node: OperationNode, place: Place): OperationNode {
    if (TableNode.is(node)) return place.wrapped?.has(tableKey(node)) ? aliasTable(node.table.identifier.name) : node;
    if (FunctionNode.is(node) || AggregateFunctionNode.is(node)) checkFunction(node.func);
    if (ExplainNode.is(node)) checkExplain(node);
    return visitParts(node, place, scoper);
  }

  const isScoped = (query: OperationNode): boolean => markOf(query)?.rules === rules;
  return {
    tenantId,
    isScoped,
    scope(query) {
      if (isScoped(query)) return query;
      const original = originalOf(query);
      const scoped = visit(original, outermost);
      if (!isAlike(query, scoped)) refuse(`a query of kind "${query.kind}"`, 'Build it with the scope.');
      return withMark(scoped, tenantId, rules, original);
    },
  };
}

function isAlike<Node extends OperationNode>(query: Node, node: OperationNode): node is Node {
  return node.kind === query.kind;
}

/** Kysely writes the format into the query as it is. */
function checkExplain({ format }: ExplainNode): void {
  if (format !== undefined && !/^[a-z]+$/.test(format))
    refuse(`"${format}" as a format of EXPLAIN`, 'Use json or text.');
}
