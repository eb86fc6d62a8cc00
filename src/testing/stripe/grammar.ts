/** What one parameter may be. */
export type Shape =
  | { readonly kind: 'text' }
  | { readonly kind: 'number' }
  | { readonly kind: 'flag' }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'map'; readonly of: Shape | undefined }
  | { readonly kind: 'hash'; readonly fields: ReadonlyMap<string, Field> }
  | { readonly kind: 'any'; readonly of: readonly Shape[] };

/** A parameter by its name. */
export interface Field {
  readonly shape: Shape;
  readonly required: boolean;
}

/**
 * Reads the shape of an operation's parameters from its short form: `s` text, `n` number, `b` boolean, `<a,b>` one of,
 * `{name:s other!:n}` a hash (`!` is required), `{*}` any keys, `{*:s}` any keys of
 * one shape, `x[]` a list, `x|y` either.
 */
export function readGrammar(text: string): Shape {
  let at = 0;

  function shape(): Shape {
    const either = [single()];
    while (text[at] === '|') {
      at += 1;
      either.push(single());
    }
    const [only] = either;
    return either.length === 1 && only !== undefined ? only : { kind: 'any', of: either };
  }

  function single(): Shape {
    let found = base();
    while (text.startsWith('[]', at)) {
      at += 2;
      found = { kind: 'list', of: found };
    }
    return found;
  }

  function base(): Shape {
    const sign = text[at];
    at += 1;
    if (sign === 's') return { kind: 'text' };
    if (sign === 'n') return { kind: 'number' };
    if (sign === 'b') return { kind: 'flag' };
    if (sign === '<') return { kind: 'choice', of: until('>').split(',') };
    if (sign !== '{') throw new Error(`no shape at ${at - 1} of ${text}`);
    if (text[at] !== '*') return hash();
    at += 1;
    if (text[at] === '}') {
      at += 1;
      return { kind: 'map', of: undefined };
    }
    at += 1;
    const of = shape();
    at += 1;
    return { kind: 'map', of };
  }

  function hash(): Shape {
    const fields = new Map<string, Field>();
    skip();
    while (text[at] !== '}') {
      const name = until(':');
      const required = name.endsWith('!');
      fields.set(required ? name.slice(0, -1) : name, { required, shape: shape() });
      skip();
    }
    at += 1;
    return { kind: 'hash', fields };
  }

  function until(sign: string): string {
    const end = text.indexOf(sign, at);
    if (end < 0) throw new Error(`no ${sign} after ${at} in ${text}`);
    const found = text.slice(at, end);
    at = end + 1;
    return found;
  }

  function skip(): void {
    while (text[at] === ' ' || text[at] === '\n') at += 1;
  }

  skip();
  return text.trim() === '' ? { kind: 'hash', fields: new Map() } : shape();
}
