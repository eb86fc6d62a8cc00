import {
  AliasNode,
  FunctionNode,
  IdentifierNode,
  JoinNode,
  type JoinType,
  OnNode,
  type OperationNode,
  RawNode,
  SelectQueryNode,
  TableNode,
} from 'kysely';
import { withinTrust } from '../trusted.ts';
import { aliasTable, tenantPredicate, tenantRowsAs, withPredicates } from './predicate.ts';
import { unmarked, unwrapRaw } from './raw-shape.ts';
import { refuse } from './refuse.ts';
import { isCte, type Place, type Scoper } from './scoper.ts';
import { tableKey } from './table-rules.ts';

/** How the tenant's predicate of a joined table is written. */
const joinPlaces: { readonly [Type in JoinType]?: 'on' | 'where' | 'subquery' } = {
  InnerJoin: 'on',
  LateralInnerJoin: 'on',
  LeftJoin: 'on',
  LateralLeftJoin: 'on',
  CrossJoin: 'where',
  LateralCrossJoin: 'where',
  RightJoin: 'subquery',
  FullJoin: 'subquery',
};

/** What a query reads from, scoped. */
export interface Sources {
  readonly froms: readonly OperationNode[];
  readonly joins: readonly JoinNode[] | undefined;
  /** What the WHERE of the query must hold in addition. */
  readonly predicates: readonly OperationNode[];
  /** The place of everything else in the query. */
  readonly place: Place;
}

/**
 * Scopes what a query reads from. The predicate of a table stands in the WHERE, or in the ON of its join. Where a right
 * or full join can make rows up for either side, neither is right, and each table becomes a subquery of the tenant's
 * rows.
 */
export function scopeSources(
  froms: readonly OperationNode[],
  joins: readonly JoinNode[] | undefined,
  place: Place,
  scoper: Scoper,
): Sources {
  const wrap = joins?.some((join) => joinPlaces[join.joinType] === 'subquery') ?? false;
  const inner = wrap ? withWrapped([...froms, ...(joins ?? []).map((join) => join.table)], place, scoper) : place;
  const predicates: OperationNode[] = [];
  const scoped: OperationNode[] = [];
  for (const from of froms) {
    const source = scopeSource(from, inner, scoper, wrap);
    if (source.predicate !== undefined) predicates.push(source.predicate);
    scoped.push(source.node);
  }
  const joined = joins?.map((join) => scopeJoin(join, inner, scoper, wrap, predicates));
  return { froms: scoped, joins: joined, predicates, place: inner };
}

function scopeJoin(join: JoinNode, place: Place, scoper: Scoper, wrap: boolean, where: OperationNode[]): JoinNode {
  const at = joinPlaces[join.joinType];
  if (at === undefined) refuse(`a join of kind "${join.joinType}"`, 'Use an inner, left, right, full or cross join.');
  const source = scopeSource(join.table, place, scoper, wrap);
  const on = join.on === undefined ? undefined : scoper.visit(join.on.on, place);
  const predicates = source.predicate === undefined ? [] : [source.predicate];
  if (at === 'where') where.push(...predicates);
  const condition = at === 'on' ? withPredicates(predicates, on) : on;
  const scoped = JoinNode.create(join.joinType, source.node);
  return condition === undefined ? scoped : { ...scoped, on: OnNode.create(condition) };
}

interface Source {
  readonly node: OperationNode;
  /** What must hold of its rows, where the node does not say it itself. */
  readonly predicate?: OperationNode;
}

/** Scopes one item that a query reads from. */
function scopeSource(item: OperationNode, place: Place, scoper: Scoper, wrap: boolean): Source {
  const node = unwrapRaw(item);
  if (TableNode.is(node)) {
    const column = tenantColumn(node, place, scoper);
    if (column === undefined) return { node };
    if (wrap) return { node: tenantRowsAs(node, node.table.identifier.name, column, scoper) };
    return { node, predicate: tenantPredicate(node, column, scoper) };
  }
  if (AliasNode.is(node)) return scopeAliased(node, place, scoper, wrap);
  checkReadable(node);
  return { node: scoper.visit(node, place) };
}

function scopeAliased(node: AliasNode, place: Place, scoper: Scoper, wrap: boolean): Source {
  const aliased = unwrapRaw(node.node);
  if (TableNode.is(aliased)) {
    const column = tenantColumn(aliased, place, scoper);
    const alias = unwrapRaw(node.alias);
    if (column === undefined) return { node: AliasNode.create(aliased, scoper.visit(alias, place)) };
    if (!IdentifierNode.is(alias)) refuse('an alias in raw SQL', 'Give the table a plain alias.');
    if (wrap) return { node: tenantRowsAs(aliased, alias.name, column, scoper) };
    return {
      node: AliasNode.create(aliased, alias),
      predicate: tenantPredicate(aliasTable(alias.name), column, scoper),
    };
  }
  checkReadable(aliased);
  return { node: AliasNode.create(scoper.visit(aliased, place), scoper.visit(node.alias, place)) };
}

/** Raw SQL without a mark may be a name (`sql.id`) or a list of names: harmless in an expression, a table here. */
function checkReadable(node: OperationNode): void {
  if (SelectQueryNode.is(node) || FunctionNode.is(node)) return;
  if (RawNode.is(node)) {
    if (withinTrust(node) === undefined) throw unmarked(node);
    return;
  }
  refuse(`"${node.kind}" as something to read from`, 'Name a table, or give a subquery an alias.');
}

/** The column that holds the tenant, or undefined for what needs no predicate. */
export function tenantColumn(table: TableNode, place: Place, scoper: Scoper): string | undefined {
  if (table.table.schema === undefined && isCte(table.table.identifier.name, place)) return undefined;
  const rule = scoper.rules.ruleOf(table);
  return rule.kind === 'own' ? rule.column : undefined;
}

/** A wrapped table is known by its name alone, so references to it lose their schema. */
function withWrapped(sources: readonly OperationNode[], place: Place, scoper: Scoper): Place {
  const tables = sources.map(unwrapRaw).filter((source) => TableNode.is(source));
  const named = tables.filter((table) => table.table.schema !== undefined && tenantColumn(table, place, scoper));
  if (named.length === 0) return place;
  return { ...place, wrapped: new Set([...(place.wrapped ?? []), ...named.map(tableKey)]) };
}
