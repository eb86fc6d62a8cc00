import { cleanText, TenantryError } from '../core/index.ts';
import { isMoment } from '../core/moment.ts';
import { storableJson } from '../core/storable-json.ts';
import type { KeyEnvironment } from './token.ts';

/** Everything of the tenant and of the member's role: scopes only narrow that. */
const allScopes: readonly string[] = ['*'];

const scopePattern = /^(?:\*|[a-z0-9_.-]+)(?::(?:\*|[a-z0-9_.-]+))*$/i;
const mostScopes = 100;
const mostMetadata = 4096;

/**
 * Checks the scopes of a key: patterns of permissions such as `calls:write` and `calls:*`.
 *
 * @throws TenantryError `api_key_invalid`.
 */
export function readScopes(scopes: readonly string[] = allScopes): readonly string[] {
  if (!Array.isArray(scopes) || scopes.length > mostScopes) throw invalid(`a key has at most ${mostScopes} scopes`);
  const wrong = scopes.find((scope) => typeof scope !== 'string' || scope.length > 100 || !scopePattern.test(scope));
  if (wrong !== undefined)
    throw invalid('a scope must be words parted by ":", each of letters, digits, "_", "." and "-", or "*"');
  return [...new Set(scopes)];
}

/** Checks the environment; `live` when absent. */
export function readEnvironment(environment: KeyEnvironment = 'live'): KeyEnvironment {
  if (environment !== 'live' && environment !== 'test') throw invalid('the environment of a key is live or test');
  return environment;
}

/** Checks a name that may be absent. */
export function readName(name: string | null | undefined): string | null {
  return name === undefined || name === null ? null : cleanText('name', name, 200);
}

/** Checks a time that may be absent. */
export function readTime(field: string, time: Date | null | undefined): Date | null {
  if (time === undefined || time === null) return null;
  if (!isMoment(time)) throw invalid(`${field} must be a valid Date`);
  return time;
}

/** Checks a time that may be absent and must lie ahead. */
export function readFuture(field: string, time: Date | null | undefined, now: Date): Date | null {
  const read = readTime(field, time);
  if (read !== null && read <= now) throw invalid(`${field} must lie in the future`);
  return read;
}

/** Checks the application's own facts of a key and gives them as JSON would; null when there are none. */
export function readMetadata(
  metadata: Readonly<Record<string, unknown>> | null | undefined,
): Readonly<Record<string, unknown>> | null {
  if (metadata === undefined || metadata === null) return null;
  const json = storableJson(metadata, mostMetadata, (problem) => invalid(`metadata ${problem}`));
  return json === '{}' ? null : JSON.parse(json);
}

/** The error for data of a key that cannot be. */
export function invalid(problem: string): TenantryError {
  return new TenantryError('api_key_invalid', { problem });
}
