/** A value in a PostgreSQL expression tree: a node, a list, or the words of a plain value. */
export type TreeValue = TreeNode | readonly TreeValue[] | string;

/** A node of a PostgreSQL expression tree. */
export interface TreeNode {
  /** Such as `OPEXPR`, `VAR`, `CONST`. */
  readonly kind: string;
  readonly fields: ReadonlyMap<string, TreeValue>;
}

/**
 * Reads the text of a `pg_node_tree`, as catalogues keep expressions. Unlike printed SQL it names functions and columns
 * by number, so that nothing depends on how an expression was written or on the search path.
 */
export function parseNodeTree(text: string): TreeValue {
  const tokens = text.match(/[(){}]|(?:\\[\s\S]|[^\s(){}\\])+/g) ?? [];
  let at = 0;
  function value(): TreeValue {
    const token = tokens[at] ?? '';
    at += 1;
    if (token === '{') return node();
    if (token === '(') return list();
    const words = [token];
    while (at < tokens.length && !/^[:(){}]/.test(tokens[at] ?? '')) {
      words.push(tokens[at] ?? '');
      at += 1;
    }
    return words.join(' ');
  }
  function node(): TreeNode {
    const kind = tokens[at] ?? '';
    at += 1;
    const fields = new Map<string, TreeValue>();
    while (at < tokens.length && tokens[at] !== '}') {
      const name = (tokens[at] ?? '').slice(1);
      at += 1;
      fields.set(name, value());
    }
    at += 1;
    return { kind, fields };
  }
  function list(): TreeValue[] {
    const items: TreeValue[] = [];
    while (at < tokens.length && tokens[at] !== ')') items.push(value());
    at += 1;
    return items;
  }
  return value();
}

/** Tells whether a value is a node. */
export function isNode(value: TreeValue | undefined): value is TreeNode {
  return typeof value === 'object' && !Array.isArray(value);
}

/** The items of a list; none of anything else. */
export function itemsOf(value: TreeValue | undefined): readonly TreeValue[] {
  return typeof value === 'object' && 'length' in value ? value : [];
}

/** All nodes within a value, itself included, from the outside in. */
export function nodesIn(value: TreeValue | undefined): TreeNode[] {
  if (value === undefined || typeof value === 'string') return [];
  if (isNode(value)) return [value, ...[...value.fields.values()].flatMap(nodesIn)];
  return value.flatMap(nodesIn);
}

/** The text of a constant of a type whose values PostgreSQL keeps as text; undefined for NULL and other nodes. */
export function constantText(value: TreeValue | undefined): string | undefined {
  const bytes = constantBytes(value);
  // The first four bytes hold the length.
  return bytes === undefined ? undefined : Buffer.from(bytes.slice(4)).toString('utf8');
}

/** The bytes of a constant; undefined for NULL and other nodes. */
export function constantBytes(value: TreeValue | undefined): number[] | undefined {
  if (!isNode(value) || value.kind !== 'CONST') return undefined;
  const written = value.fields.get('constvalue');
  const bytes = typeof written === 'string' ? /\[ ([^\]]*)\]/.exec(written)?.[1] : undefined;
  return bytes
    ?.trim()
    .split(' ')
    .map((byte) => Number(byte) & 0xff);
}
