import type { DomainEvent } from '../core/index.ts';
import type { KeyOwner } from './key-owner.ts';
import type { UsesState } from './limits/key-uses.ts';
import type { RateLimit } from './limits/rate-limit.ts';
import type { KeyEnvironment } from './token.ts';

/** Everything about a key but its secret. */
export interface ApiKey {
  readonly id: string;
  readonly tenantId: string;
  readonly name: string | null;
  readonly environment: KeyEnvironment;
  /** What may be shown of the secret: its first characters. */
  readonly start: string;
  /**
   * How the secret was stored: `sha256` by the library; `foreign` as a hash of another system that was not seen since its
   * import; or the {@link DigestScheme} of the import. A secret that was stored with a pepper, an HMAC or a salt is `sha256`
   * once it was seen.
   */
  readonly scheme: string;
  /** What the key may do, as patterns of permissions. */
  readonly scopes: readonly string[];
  readonly owner: KeyOwner;
  /** The application's id of the user who issued it; null where nobody said. */
  readonly createdBy: string | null;
  readonly enabled: boolean;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** When the secret was last replaced; null when it is the first. */
  readonly rotatedAt: Date | null;
  /** When the key was last accepted, to about a minute; null when it never was. */
  readonly lastUsedAt: Date | null;
  /** The addresses and ranges from which it opens; null: any. */
  readonly allowedIps: readonly string[] | null;
  /** The application's own facts of the key. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The key's own rate limit; null: none but those of all keys. */
  readonly rateLimit: RateLimit | null;
  /** How often it opens, and how much of that is used; null: any number of times. */
  readonly uses: UsesState | null;
}

/** What events tell of a key. */
export interface ApiKeyData {
  readonly keyId: string;
  readonly name: string | null;
  readonly start: string;
  readonly environment: KeyEnvironment;
  readonly scopes: readonly string[];
  readonly owner: KeyOwner;
}

/** Where a secret was found that should be known to nobody. */
export interface LeakData {
  /** Who found it, such as `github`. */
  readonly source: string;
  readonly url: string | null;
}

/** What happens to API keys. */
export type ApiKeyEvent =
  | DomainEvent<'api_key.issued', ApiKeyData & { readonly expiresAt: Date | null }>
  | DomainEvent<'api_key.imported', ApiKeyData>
  | DomainEvent<'api_key.updated', ApiKeyData & { readonly changed: readonly string[] }>
  | DomainEvent<'api_key.enabled', ApiKeyData>
  | DomainEvent<'api_key.disabled', ApiKeyData>
  /** The old secret opens until `until`. */
  | DomainEvent<'api_key.rotated', ApiKeyData & { readonly previousStart: string; readonly until: Date }>
  | DomainEvent<'api_key.revoked', ApiKeyData>
  /** The secret was found where it should not be. `ended`: it was the key's newest and the key was revoked with it. */
  | DomainEvent<'api_key.leaked', ApiKeyData & LeakData & { readonly ended: 'key' | 'secret' | 'nothing' }>;

/** What events tell of a key. */
export function dataOf({ id, name, start, environment, scopes, owner }: ApiKey): ApiKeyData {
  return { keyId: id, name, start, environment, scopes, owner };
}
