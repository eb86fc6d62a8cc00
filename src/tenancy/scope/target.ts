import {
  AliasNode,
  ColumnNode,
  type ColumnUpdateNode,
  IdentifierNode,
  type OperationNode,
  ReferenceNode,
  TableNode,
} from 'kysely';
import { TenantryError } from '../../core/index.ts';
import { aliasTable } from './predicate.ts';
import { unwrapRaw } from './raw-shape.ts';
import { refuse } from './refuse.ts';
import type { Place, Scoper } from './scoper.ts';
import { tableKey } from './table-rules.ts';

/** The table that a statement writes to. */
export interface Target {
  readonly node: OperationNode;
  /** The name by which the statement knows it. */
  readonly table: TableNode;
  /** The name for messages. */
  readonly name: string;
  /** The column that holds the tenant; undefined for a shared table. */
  readonly column: string | undefined;
}

/**
 * Reads the target of a statement. It is always a table: PostgreSQL does not look among common table expressions for it.
 *
 * @throws TenantryError `scope_unsupported` when it is no single table, or shared and not writable.
 */
export function targetOf(item: OperationNode | undefined, scoper: Scoper): Target {
  const node = item === undefined ? item : unwrapRaw(item);
  const alias = node !== undefined && AliasNode.is(node) ? unwrapRaw(node.alias) : undefined;
  const table = node !== undefined && AliasNode.is(node) ? unwrapRaw(node.node) : node;
  if (node === undefined || table === undefined || !TableNode.is(table)) {
    refuse('a write to anything but one table', 'Name one table.');
  }
  if (alias !== undefined && !IdentifierNode.is(alias)) refuse('an alias in raw SQL', 'Give the table a plain alias.');
  const name = tableKey(table);
  const rule = scoper.rules.ruleOf(table);
  if (rule.kind === 'shared' && !rule.writable) {
    refuse(
      `a write to the shared table "${name}"`,
      'Declare it as shared({ writable: true }) if tenants may write it.',
    );
  }
  return {
    node: alias === undefined ? table : AliasNode.create(table, alias),
    table: alias === undefined ? table : aliasTable(alias.name),
    name,
    column: rule.kind === 'own' ? rule.column : undefined,
  };
}

/**
 * Scopes the assignments of an update or of an upsert.
 *
 * @throws TenantryError `tenant_column_write` when one sets the column that holds the tenant.
 */
export function scopeUpdates(
  updates: readonly ColumnUpdateNode[] | undefined,
  target: Target,
  place: Place,
  scoper: Scoper,
): readonly ColumnUpdateNode[] | undefined {
  return updates?.map((update) => {
    checkColumn(update.column, target);
    return { ...update, value: scoper.visit(update.value, place) };
  });
}

function checkColumn(node: OperationNode, target: Target): void {
  const unwrapped = unwrapRaw(node);
  const column = ReferenceNode.is(unwrapped) ? unwrapped.column : unwrapped;
  // `set "a"."b"` writes field b of column a, so the first name counts as well.
  const names =
    ReferenceNode.is(unwrapped) && unwrapped.table !== undefined ? tableKey(unwrapped.table).split('.') : [];
  if (!ColumnNode.is(column)) {
    refuse('an assignment to anything but a column', 'Name the column, so that it can be checked.');
  }
  if (target.column !== undefined && [column.column.name, ...names].includes(target.column)) {
    throw new TenantryError('tenant_column_write', { table: target.name, column: target.column });
  }
}
