/** Parameters as the form encoding carries them, before their types are known. */
export type FormValue = string | FormValue[] | { [name: string]: FormValue };

/** Decodes `a=1&b[c]=2&d[0]=3&e[]=4` into nested values, lists where the keys are numbers. */
export function decodeForm(text: string): { [name: string]: FormValue } {
  const root = node();
  for (const [key, value] of new URLSearchParams(text)) {
    const path = key.split('[').map((part) => (part.endsWith(']') ? part.slice(0, -1) : part));
    place(root, path, value);
  }
  return Object.fromEntries([...root.children].map(([name, child]) => [name, decoded(child)]));
}

interface Node {
  value: string | undefined;
  readonly children: Map<string, Node>;
}

function node(): Node {
  return { value: undefined, children: new Map() };
}

function place(root: Node, path: readonly string[], value: string): void {
  let at = root;
  for (const part of path) {
    const name = part === '' ? String(at.children.size) : part;
    const child = at.children.get(name) ?? node();
    at.children.set(name, child);
    at = child;
  }
  at.value = value;
}

function decoded(from: Node): FormValue {
  if (from.children.size === 0) return from.value ?? '';
  const names = [...from.children.keys()];
  if (names.every((name) => /^\d+$/.test(name))) {
    return names.sort((one, other) => Number(one) - Number(other)).map((name) => childOf(from, name));
  }
  const hash: { [name: string]: FormValue } = {};
  for (const name of names) hash[name] = childOf(from, name);
  return hash;
}

function childOf(from: Node, name: string): FormValue {
  const child = from.children.get(name);
  return child === undefined ? '' : decoded(child);
}
