import { invalid } from './refusal.ts';
import { isHash, type Value } from './wire.ts';

/** The checked parameters of a request. What was not sent is `undefined`, what was unset with an empty text is `null`. */
export interface Params {
  /** The names that were sent. */
  readonly names: readonly string[];
  has(name: string): boolean;
  raw(name: string): Value | undefined;
  text(name: string): string | undefined;
  textOrNull(name: string): string | null | undefined;
  number(name: string): number | undefined;
  flag(name: string): boolean | undefined;
  hash(name: string): Params | undefined;
  hashes(name: string): readonly Params[] | undefined;
  texts(name: string): readonly string[] | undefined;
  /** A text that must be there. */
  need(name: string): string;
  /** Metadata after this request: keys are merged, an empty value takes its key away. */
  metadata(before?: Readonly<Record<string, string>>): Record<string, string>;
}

/** Makes the checked values readable by type. */
export function createParams(values: { readonly [name: string]: Value }): Params {
  const raw = (name: string): Value | undefined => (Object.hasOwn(values, name) ? values[name] : undefined);
  function text(name: string): string | undefined {
    const value = raw(name);
    return typeof value === 'string' ? value : undefined;
  }
  function number(name: string): number | undefined {
    const value = raw(name);
    return typeof value === 'number' ? value : undefined;
  }
  return {
    names: Object.keys(values),
    has: (name) => raw(name) !== undefined,
    raw,
    text,
    textOrNull: (name) => (raw(name) === null ? null : text(name)),
    number,
    flag(name) {
      const value = raw(name);
      return typeof value === 'boolean' ? value : undefined;
    },
    hash(name) {
      const value = raw(name);
      return isHash(value) ? createParams(value) : undefined;
    },
    hashes(name) {
      const value = raw(name);
      if (value === null) return [];
      return Array.isArray(value) ? value.filter(isHash).map(createParams) : undefined;
    },
    texts(name) {
      const value = raw(name);
      if (value === null) return [];
      return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : undefined;
    },
    need(name) {
      const found = text(name);
      if (found !== undefined) return found;
      throw invalid(`Missing required param: ${name}.`, { code: 'parameter_missing', param: name });
    },
    metadata(before = {}) {
      const value = raw('metadata');
      if (value === null) return {};
      const after = { ...before };
      if (!isHash(value)) return after;
      for (const [key, entry] of Object.entries(value)) {
        if (entry === '' || entry === null) delete after[key];
        else after[key] = String(entry);
        if (key.length > 40) throw invalid('Metadata keys can have up to 40 characters.', { param: 'metadata' });
        if (String(entry).length > 500) {
          throw invalid('Metadata values can have up to 500 characters.', { param: 'metadata' });
        }
      }
      if (Object.keys(after).length > 50) {
        throw invalid('Metadata can have up to 50 keys.', { param: 'metadata' });
      }
      return after;
    },
  };
}
