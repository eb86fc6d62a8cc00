import { TenantryError } from '../core/index.ts';

const mostWords = 8;

/**
 * All patterns that allow a permission, so that a statement can look for them: `a:b` is allowed by `a:b`, `a:*`, `*:b`,
 * `*:*` and `*`.
 *
 * @throws TenantryError `name_invalid` for more than 8 words.
 */
export function patternsThatPermit(permission: string): readonly string[] {
  const words = permission.split(':');
  if (words.length > mostWords) {
    throw new TenantryError('name_invalid', { field: 'permission', problem: `must have at most ${mostWords} words` });
  }
  const found = new Set<string>();
  let starts: readonly string[] = [''];
  for (const [index, word] of words.entries()) {
    const longer = starts.flatMap((start) => [`${start}${word}`, `${start}*`]);
    const last = index === words.length - 1;
    for (const pattern of longer) if (last || pattern.endsWith('*')) found.add(pattern);
    starts = longer.map((start) => `${start}:`);
  }
  return [...found];
}
