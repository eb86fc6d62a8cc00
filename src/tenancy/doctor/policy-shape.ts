import {
  constantBytes,
  constantText,
  isNode,
  itemsOf,
  nodesIn,
  parseNodeTree,
  type TreeNode,
  type TreeValue,
} from './node-tree.ts';

/** The functions `current_setting(text)` and `current_setting(text, boolean)`; PostgreSQL never renumbers its own. */
const readers = new Set(['2077', '3294']);
const textTypes = /^(text|character varying|character|citext|name)\b/;

/** What {@link policyShape} needs to know of the table and the database. */
export interface PolicyTable {
  /** The number of the tenant's column in the table. */
  readonly column: number;
  /** The type of the tenant's column. */
  readonly type: string;
  /** The numbers of the operators named `=`. */
  readonly equalities: ReadonlySet<string>;
  /** The setting that holds the tenant. */
  readonly setting: string;
  /** The bodies of the application's own functions, by their numbers. */
  readonly bodies: ReadonlyMap<string, string>;
}

/** What the expression of a policy does. */
export interface PolicyShape {
  /** True for `true` alone. */
  readonly always: boolean;
  /** What the tenant's column must equal for a row to pass: the tenant that is set, something else, or nothing. */
  readonly boundTo: 'setting' | 'other' | 'nothing';
  /** Whether the column is cast where it is compared. */
  readonly cast: boolean;
  readonly or: boolean;
  readonly subquery: boolean;
  /** Whether a setting is read that fails when it was never set. */
  readonly strict: boolean;
  /** Whether an empty setting reaches a cast that refuses it. */
  readonly emptyFails: boolean;
}

/** Reads the expression of a policy. A row passes only where every part joined by AND holds, so one such part binds. */
export function policyShape(expression: string, table: PolicyTable): PolicyShape {
  const tree = parseNodeTree(expression);
  const nodes = nodesIn(tree);
  const bindings = conjuncts(tree).flatMap((part) => bindingOf(part, table));
  const binding = bindings.find(({ reads }) => reads) ?? bindings[0];
  return {
    always: isNode(tree) && tree.kind === 'CONST' && constantBytes(tree)?.[0] === 1,
    boundTo: binding === undefined ? 'nothing' : binding.reads ? 'setting' : 'other',
    cast: binding?.cast ?? false,
    or: nodes.some((node) => node.kind === 'BOOLEXPR' && node.fields.get('boolop') === 'or'),
    subquery: nodes.some((node) => node.kind === 'SUBLINK'),
    strict: nodes.some(isStrict),
    emptyFails: binding?.emptyFails ?? false,
  };
}

/** The numbers of the application's own functions that an expression calls. */
export function functionsOf(expression: string): string[] {
  const found = expression.matchAll(/:(?:op)?funcid (\d+)/g);
  return [...found].flatMap(([, oid]) => (oid !== undefined && Number(oid) >= 16_384 ? [oid] : []));
}

function conjuncts(tree: TreeValue): TreeNode[] {
  if (!isNode(tree)) return [];
  if (tree.kind !== 'BOOLEXPR' || tree.fields.get('boolop') !== 'and') return [tree];
  return itemsOf(tree.fields.get('args')).flatMap(conjuncts);
}

interface Binding {
  readonly reads: boolean;
  readonly cast: boolean;
  readonly emptyFails: boolean;
}

/** A part binds when it says that the column equals something in which no column stands. */
function bindingOf(part: TreeNode, table: PolicyTable): Binding[] {
  const operator = part.fields.get('opno');
  if (part.kind !== 'OPEXPR' || typeof operator !== 'string' || !table.equalities.has(operator)) return [];
  const [left, right] = itemsOf(part.fields.get('args'));
  for (const [side, other] of [
    [left, right],
    [right, left],
  ]) {
    const column = columnIn(side, table);
    if (column === undefined || other === undefined) continue;
    const nodes = nodesIn(other);
    if (nodes.some((node) => node.kind === 'VAR' && !isInQuery(other))) return [];
    const settings = nodes.flatMap(settingRead);
    const own = nodes.some((node) => node.kind === 'FUNCEXPR' && mentions(table, node));
    const guarded = nodes.some((node) => node.kind === 'NULLIFEXPR') || (column.cast && !isCast(other));
    return [
      {
        reads: settings.some((name) => name.toLowerCase() === table.setting.toLowerCase()) || own,
        cast: column.cast,
        emptyFails: settings.length > 0 && !guarded && !textTypes.test(table.type),
      },
    ];
  }
  return [];
}

function isInQuery(value: TreeValue): boolean {
  return isNode(value) && nodesIn(value).some((node) => node.kind === 'SUBLINK');
}

function isCast(value: TreeValue): boolean {
  return nodesIn(value).some((node) => node.kind === 'COERCEVIAIO');
}

/** The tenant's column, bare or in a cast. Another type of text costs nothing and is not counted as a cast. */
function columnIn(value: TreeValue | undefined, table: PolicyTable): { cast: boolean } | undefined {
  if (!isNode(value)) return undefined;
  if (value.kind === 'VAR') {
    const mine = value.fields.get('varattno') === String(table.column) && value.fields.get('varlevelsup') === '0';
    return mine ? { cast: false } : undefined;
  }
  if (value.kind === 'RELABELTYPE') return columnIn(value.fields.get('arg'), table);
  if (value.kind === 'COERCEVIAIO') return columnIn(value.fields.get('arg'), table) && { cast: true };
  const args = itemsOf(value.fields.get('args'));
  if (value.kind === 'FUNCEXPR' && args.length > 0) return columnIn(args[0], table) && { cast: true };
  return undefined;
}

function settingRead(node: TreeNode): string[] {
  const called = node.fields.get('funcid');
  if (node.kind !== 'FUNCEXPR' || typeof called !== 'string' || !readers.has(called)) return [];
  return [constantText(itemsOf(node.fields.get('args'))[0]) ?? ''];
}

function isStrict(node: TreeNode): boolean {
  if (settingRead(node).length === 0) return false;
  const [, missingOk] = itemsOf(node.fields.get('args'));
  return constantBytes(missingOk)?.[0] !== 1;
}

function mentions(table: PolicyTable, { fields }: TreeNode): boolean {
  const called = fields.get('funcid');
  const body = typeof called === 'string' ? table.bodies.get(called) : undefined;
  return body?.toLowerCase().includes(`'${table.setting.toLowerCase()}'`) ?? false;
}
