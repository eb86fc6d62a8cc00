import { type DigestScheme, readDigest } from './foreign-digest.ts';
import { invalid, readEnvironment, readName, readScopes, readTime } from './key-input.ts';
import type { NewKey } from './store.ts';
import type { KeyEnvironment } from './token.ts';

/** A key that another system issued, of which only the digest is known. */
export interface ImportInput {
  readonly digest: string;
  readonly scheme: DigestScheme;
  /** What may be shown of the secret: its first characters, at most 32. */
  readonly start: string;
  readonly memberId?: string | null;
  readonly name?: string | null;
  readonly environment?: KeyEnvironment;
  readonly scopes?: readonly string[];
  readonly createdAt?: Date | null;
  readonly expiresAt?: Date | null;
  readonly revokedAt?: Date | null;
  readonly lastUsedAt?: Date | null;
}

/**
 * Checks a key of another system and gives what is stored of it.
 *
 * @throws TenantryError `api_key_invalid`, `name_invalid`.
 */
export function readImport(tenantId: string, input: ImportInput, path: string, id: string, now: Date): NewKey {
  const start = typeof input.start === 'string' ? input.start.trim() : '';
  if (!/^[\x21-\x7e]{1,32}$/.test(start)) throw invalid(`${path}.start must be 1 to 32 visible ASCII characters`);
  return {
    digest: readDigest(input.digest, input.scheme, `${path}.digest`),
    key: {
      id,
      tenantId,
      name: readName(input.name),
      environment: readEnvironment(input.environment),
      start,
      scheme: input.scheme,
      scopes: readScopes(input.scopes),
      memberId: input.memberId ?? null,
      enabled: true,
      createdAt: readTime(`${path}.createdAt`, input.createdAt) ?? now,
      expiresAt: readTime(`${path}.expiresAt`, input.expiresAt),
      revokedAt: readTime(`${path}.revokedAt`, input.revokedAt),
      lastUsedAt: readTime(`${path}.lastUsedAt`, input.lastUsedAt),
    },
  };
}
