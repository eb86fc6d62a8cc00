import { AliasNode, type OperationNode, RawNode, SelectQueryNode, TableNode } from 'kysely';
import { withinTrust } from '../trusted.ts';
import { tenantRows } from './predicate.ts';
import { isIdentifierPath, unmarked, unwrapRaw } from './raw-shape.ts';
import { refuse } from './refuse.ts';
import type { Place, Scoper } from './scoper.ts';
import { tenantColumn } from './sources.ts';

/** Text that Kysely's own builders write: directions, `on true`, and the separator of `sql.join`. */
const plainTexts = new Set(['', 'asc', 'desc', 'true', ', ']);

/** The helpers of `kysely/helpers/postgres`, by their text. The first two read from what is embedded in them. */
const readingHelpers = [
  ["(select coalesce(json_agg(agg), '[]') from ", ' as agg)'],
  ['(select to_json(obj) from ', ' as obj)'],
];
const expressionHelpers = [['json_build_object(', ')']];

/**
 * Scopes raw SQL: what bears the mark of `trusted`, what Kysely's own builders and helpers write, and what adds no text.
 *
 * @throws TenantryError `raw_sql_unmarked` for any other.
 */
export function scopeRaw(node: RawNode, place: Place, scoper: Scoper): RawNode {
  const inner = withinTrust(node);
  if (inner !== undefined) return scopeText(inner, place, scoper);
  if (isOneOf(readingHelpers, node)) return scopeHelper(node, place, scoper);
  if (isIdentifierPath(node)) return node;
  const known = node.parameters.length === 0 ? isPlainText(node) : node.sqlFragments.every((text) => text === '');
  if (!known && !isOneOf(expressionHelpers, node)) throw unmarked(node);
  return withParameters(node, (parameter) => scoper.visit(parameter, place));
}

/** Within trusted text further raw SQL is its author's as well; nodes of other kinds are scoped. */
function scopeText(node: RawNode, place: Place, scoper: Scoper): RawNode {
  return withParameters(node, (parameter) => scopeEmbedded(parameter, place, scoper));
}

function scopeEmbedded(node: OperationNode, place: Place, scoper: Scoper): OperationNode {
  if (RawNode.is(node)) return scopeText(withinTrust(node) ?? node, place, scoper);
  if (TableNode.is(node)) return embeddedTable(node, place, scoper);
  if (AliasNode.is(node)) return AliasNode.create(scopeEmbedded(node.node, place, scoper), node.alias);
  return scoper.visit(node, place);
}

/** The text around a table may read from it: it becomes the tenant's rows. */
function embeddedTable(table: TableNode, place: Place, scoper: Scoper): OperationNode {
  const column = tenantColumn(table, place, scoper);
  return column === undefined ? table : tenantRows(table, column, scoper);
}

function scopeHelper(node: RawNode, place: Place, scoper: Scoper): RawNode {
  return withParameters(node, (parameter) => {
    const source = unwrapRaw(parameter);
    if (TableNode.is(source)) return embeddedTable(source, place, scoper);
    const trusted = RawNode.is(source) ? withinTrust(source) : undefined;
    if (trusted !== undefined) return scopeText(trusted, place, scoper);
    if (SelectQueryNode.is(source)) return scoper.visit(source, place);
    refuse(`"${source.kind}" within a JSON helper`, 'Give the helper a query.');
  });
}

function withParameters(node: RawNode, scope: (parameter: OperationNode) => OperationNode): RawNode {
  return node.parameters.length === 0 ? node : RawNode.create(node.sqlFragments, node.parameters.map(scope));
}

function isPlainText(node: RawNode): boolean {
  return node.sqlFragments.length === 1 && plainTexts.has(node.sqlFragments[0] ?? '');
}

function isOneOf(helpers: readonly (readonly string[])[], node: RawNode): boolean {
  const texts = node.sqlFragments;
  return helpers.some((helper) => helper.length === texts.length && helper.every((text, at) => text === texts[at]));
}
