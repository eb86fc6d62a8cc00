/**
 * Tells whether any of the patterns allows a permission. Permissions and patterns are words parted by `:`; `*` stands
 * for one word, and as the last word for all that follow.
 *
 * @example
 * ```ts
 * import { permits } from 'tenantry/core';
 *
 * permits(['calls:*'], 'calls:write'); // true
 * permits(['*:read'], 'calls:write'); // false
 * ```
 */
export function permits(patterns: readonly string[], permission: string): boolean {
  return patterns.some((pattern) => matches(pattern.split(':'), permission.split(':')));
}

function matches(pattern: readonly string[], words: readonly string[]): boolean {
  const last = pattern.length - 1;
  if (pattern[last] === '*' ? words.length < pattern.length : words.length !== pattern.length) return false;
  return pattern.every((word, index) => word === '*' || word === words[index]);
}

/**
 * Tells whether one of the patterns allows everything that `pattern` allows: who holds the patterns may hand it on. It
 * errs on the side of no, where only several patterns together would allow it all.
 *
 * @example
 * ```ts
 * import { covers } from 'tenantry/core';
 *
 * covers(['calls:*'], 'calls:write'); // true
 * covers(['*:read', '*:write'], '*'); // false
 * ```
 */
export function covers(patterns: readonly string[], pattern: string): boolean {
  const words = pattern.split(':');
  return patterns.some((one) => contains(one.split(':'), words));
}

/** A word of a pattern that stands for any stays one of the words that `*` matches, so it is compared like a word. */
function contains(outer: readonly string[], inner: readonly string[]): boolean {
  const open = inner.at(-1) === '*';
  return outer.at(-1) === '*' || !open ? matches(outer, inner) : false;
}

const patternForm = /^[^\s:]+(:[^\s:]+)*$/;

/**
 * Tells whether a value is a pattern of permissions: words parted by `:`, at most 255 characters.
 *
 * @example
 * ```ts
 * import { isPermissionPattern } from 'tenantry/core';
 *
 * isPermissionPattern('calls:*'); // true
 * isPermissionPattern('calls write'); // false
 * ```
 */
export function isPermissionPattern(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 255 && patternForm.test(value) && isPlain(value);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
const unstorable = /[\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/u;

function isPlain(value: string): boolean {
  return !unstorable.test(value);
}
