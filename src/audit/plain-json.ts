import { TenantryError } from '../core/index.ts';
import type { JsonValue } from './entry.ts';

/** What PostgreSQL's jsonb cannot hold. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the NUL is what this refuses.
const unstorable = /\u0000|\p{Surrogate}/u;
const deepest = 8;

/** An error that says which part of an entry cannot be. */
export function invalid(path: string, problem: string): TenantryError {
  return new TenantryError('audit_entry_invalid', { path, problem });
}

/**
 * Returns a copy of a value as JSON can hold it: moments become ISO 8601 texts, what is undefined is left out.
 *
 * @throws TenantryError `audit_entry_invalid` for what JSON or PostgreSQL would change, drop or refuse.
 */
function plainJson(path: string, value: unknown, depth = 0): JsonValue {
  if (depth > deepest) throw invalid(path, `is nested more than ${deepest} deep`);
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    if (unstorable.test(value)) throw invalid(path, 'holds a character that cannot be stored');
    return value;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw invalid(path, 'is no number that JSON can hold');
    return value;
  }
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw invalid(path, 'is no moment');
    return value.toISOString();
  }
  if (Array.isArray(value)) return value.map((item, index) => plainJson(`${path}[${index}]`, item ?? null, depth + 1));
  if (typeof value === 'object') return plainObject(path, value, depth);
  throw invalid(path, `is a ${typeof value}, which JSON cannot hold`);
}

/** The same for an object, of which the keys are kept and looked at too. */
export function plainObject(path: string, value: unknown, depth = 0): Record<string, JsonValue> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(path, 'must be an object');
  if (depth > deepest) throw invalid(path, `is nested more than ${deepest} deep`);
  const copy: Record<string, JsonValue> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    if (unstorable.test(key)) throw invalid(path, 'has a name with a character that cannot be stored');
    // A plain assignment to `__proto__` would set the prototype and lose the value.
    Object.defineProperty(copy, key, {
      value: plainJson(`${path}.${key.slice(0, 40)}`, item, depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return copy;
}
