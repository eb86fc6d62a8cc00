import type { DomainEvent } from '../core/index.ts';
import type { KeyEnvironment } from './token.ts';

/** Everything about a key but its secret. */
export interface ApiKey {
  readonly id: string;
  readonly tenantId: string;
  readonly name: string | null;
  readonly environment: KeyEnvironment;
  /** What may be shown of the secret: its first characters. */
  readonly start: string;
  /** How the digest was given: `sha256` for keys of the library, `sha256-hex` or `sha256-base64` for imported ones. */
  readonly scheme: string;
  /** What the key may do, as patterns of permissions. */
  readonly scopes: readonly string[];
  /** The member for whom the key acts; null for a key of the whole tenant. */
  readonly memberId: string | null;
  readonly enabled: boolean;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** What events tell of a key. */
export interface ApiKeyData {
  readonly keyId: string;
  readonly name: string | null;
  readonly start: string;
  readonly environment: KeyEnvironment;
  readonly scopes: readonly string[];
  readonly memberId: string | null;
}

/** What happens to API keys. */
export type ApiKeyEvent =
  | DomainEvent<'api_key.issued', ApiKeyData & { readonly expiresAt: Date | null }>
  | DomainEvent<'api_key.imported', ApiKeyData>
  | DomainEvent<'api_key.revoked', { readonly keyId: string }>;
