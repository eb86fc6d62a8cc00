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
