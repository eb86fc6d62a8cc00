import {
  AliasNode,
  CastNode,
  ColumnNode,
  DataTypeNode,
  DefaultInsertValueNode,
  FromNode,
  IdentifierNode,
  type InsertQueryNode,
  type OperationNode,
  ParensNode,
  PrimitiveValueListNode,
  RawNode,
  ReferenceNode,
  SelectAllNode,
  SelectionNode,
  SelectQueryNode,
  ValueListNode,
  ValueNode,
  ValuesNode,
} from 'kysely';
import { TenantryError } from '../../core/index.ts';
import { aliasTable } from './predicate.ts';
import { unwrapRaw } from './raw-shape.ts';
import { refuse } from './refuse.ts';
import type { Scoper } from './scoper.ts';

/** The parts of an INSERT that say what is inserted. */
export type StampedRows = Pick<InsertQueryNode, 'columns' | 'values' | 'defaultValues'>;

/** Where the tenant is stamped. */
export interface Stamp {
  readonly table: string;
  /** The column that holds the tenant. */
  readonly column: string;
  /** Its place among the columns that the application named; -1 when it named it not. */
  readonly at: number;
  /** How many columns are inserted, with that of the tenant. */
  readonly columns: number;
}

/** `default values` become a row that names the tenant alone. */
export function stampDefaults(column: string, scoper: Scoper): StampedRows {
  const rows = ValuesNode.create([PrimitiveValueListNode.create([scoper.tenantId])]);
  return { columns: [ColumnNode.create(column)], values: rows, defaultValues: false };
}

/**
 * Stamps the tenant on what is inserted.
 *
 * @throws TenantryError `tenant_mismatch` when the application names another tenant; `scope_unsupported` when it gives
 * the tenant as anything but a plain value.
 */
export function stampRows(values: OperationNode, stamp: Stamp, scoper: Scoper): OperationNode {
  const rows = unwrapRaw(values);
  if (ValuesNode.is(rows)) return ValuesNode.create(rows.values.map((row) => stampRow(row, stamp, scoper)));
  if (SelectQueryNode.is(rows)) return stampSelect(rows, stamp, scoper);
  if (RawNode.is(rows) && stamp.at === -1) return stampAround(ParensNode.create(rows), stamp, scoper);
  refuse(
    `an insert of "${rows.kind}" into "${stamp.table}"`,
    `Insert values or a query, and leave "${stamp.column}" out.`,
  );
}

type Row = ValuesNode['values'][number];

function stampRow(row: Row, stamp: Stamp, scoper: Scoper): Row {
  if (PrimitiveValueListNode.is(row)) {
    if (stamp.at === -1) return PrimitiveValueListNode.create([...row.values, scoper.tenantId]);
    checkTenant(row.values[stamp.at], stamp, scoper);
    return row;
  }
  if (!ValueListNode.is(row)) refuse('a malformed query', 'Build it with Kysely.');
  if (stamp.at === -1) return ValueListNode.create([...row.values, scoper.tenant]);
  const given = row.values[stamp.at];
  if (given === undefined || DefaultInsertValueNode.is(given)) {
    return ValueListNode.create(row.values.map((value, at) => (at === stamp.at ? scoper.tenant : value)));
  }
  checkTenantNode(given, stamp, scoper);
  return row;
}

function stampSelect(select: SelectQueryNode, stamp: Stamp, scoper: Scoper): SelectQueryNode {
  if (stamp.at !== -1) {
    checkTenantNode(selectionAt(select, stamp), stamp, scoper);
    return select;
  }
  // The arms of a set operation would each need the tenant, with a type: the whole is wrapped instead. A plain query is
  // not, since PostgreSQL gives parameters of the outermost query the types of the columns that they go to.
  if (select.setOperations !== undefined) return stampAround(select, stamp, scoper);
  return { ...select, selections: [...(select.selections ?? []), stampOf(stamp, scoper)] };
}

/** `select "s".*, cast($1 as uuid) as "tenant_id" from (…) as "s"`. */
function stampAround(query: OperationNode, stamp: Stamp, scoper: Scoper): SelectQueryNode {
  return {
    kind: 'SelectQueryNode',
    selections: [SelectionNode.createSelectAllFromTable(aliasTable('s')), stampOf(stamp, scoper)],
    from: FromNode.create([AliasNode.create(query, IdentifierNode.create('s'))]),
  };
}

function stampOf(stamp: Stamp, scoper: Scoper): SelectionNode {
  const tenant = CastNode.create(scoper.tenant, DataTypeNode.create('uuid'));
  return SelectionNode.create(AliasNode.create(tenant, IdentifierNode.create(stamp.column)));
}

/** What a query selects for the tenant's column: found from either end, since `*` hides how many columns it gives. */
function selectionAt(select: SelectQueryNode, stamp: Stamp): OperationNode | undefined {
  const selections = select.selections ?? [];
  if (select.setOperations !== undefined) return undefined;
  if (stamp.at === stamp.columns - 1) return selections.at(-1)?.selection;
  return selections.slice(0, stamp.at).some(isStar) ? undefined : selections[stamp.at]?.selection;
}

function isStar({ selection }: SelectionNode): boolean {
  return SelectAllNode.is(selection) || (ReferenceNode.is(selection) && SelectAllNode.is(selection.column));
}

function checkTenantNode(node: OperationNode | undefined, stamp: Stamp, scoper: Scoper): void {
  let value = node;
  while (value !== undefined) {
    const inner = AliasNode.is(value) ? value.node : CastNode.is(value) ? value.expression : unwrapRaw(value);
    if (inner === value) break;
    value = inner;
  }
  if (value === undefined || !ValueNode.is(value)) {
    refuse(`"${stamp.table}"."${stamp.column}" given as an expression`, 'Leave it out: the scope stamps it.');
  }
  checkTenant(value.value, stamp, scoper);
}

function checkTenant(value: unknown, stamp: Stamp, scoper: Scoper): void {
  if (typeof value === 'string' && value.toLowerCase() === scoper.tenantId) return;
  if (typeof value === 'object' && value !== null) {
    refuse(`"${stamp.table}"."${stamp.column}" given as an object`, 'Leave it out: the scope stamps it.');
  }
  throw new TenantryError('tenant_mismatch', { expected: scoper.tenantId, actual: String(value) });
}
