import type { ApiKey } from './api-key.ts';
import { type DigestScheme, readDigest } from './foreign/digest-schemes.ts';
import { invalid, readEnvironment, readMetadata, readName, readScopes, readTime } from './key-input.ts';
import { type KeyOwnerInput, readOwner } from './key-owner.ts';
import { readIpRanges } from './limits/ip-ranges.ts';
import { type KeyUses, readUses, usesStateOf } from './limits/key-uses.ts';
import { type RateLimit, readRateLimit } from './limits/rate-limit.ts';
import { hashPlace, isLookup } from './look-up.ts';
import type { NewKey } from './store.ts';
import type { KeyEnvironment } from './token.ts';

/** What a key may and how long, whether it is issued or imported. */
export interface KeySettings extends KeyOwnerInput {
  readonly name?: string | null;
  /** `live` when absent. */
  readonly environment?: KeyEnvironment;
  /** Patterns of permissions, such as `calls:*`; `*` when absent. */
  readonly scopes?: readonly string[];
  readonly expiresAt?: Date | null;
  /** The addresses and ranges from which it opens, such as `10.0.0.0/8`; any when absent. */
  readonly allowedIps?: readonly string[] | null;
  /** The application's own facts, at most 4,096 bytes as JSON. */
  readonly metadata?: Readonly<Record<string, unknown>> | null;
  readonly rateLimit?: RateLimit | null;
  readonly uses?: KeyUses | null;
}

/** A key that another system issued, of which only the digest or the hash is known. */
export type ImportInput = KeySettings & {
  /** What may be shown of the secret: its first characters, at most 32. */
  readonly start: string;
  /** False: it stays closed until it is enabled. */
  readonly enabled?: boolean;
  readonly createdAt?: Date | null;
  readonly revokedAt?: Date | null;
  readonly lastUsedAt?: Date | null;
} & (
    | { readonly digest: string; readonly scheme: DigestScheme }
    | {
        /** A hash that a {@link HashForm} verifies: bcrypt, scrypt, or with a salt. */
        readonly hash: string;
        /** The part of the secret by which the hash is found; what the form's `lookupOf` gives. */
        readonly lookup: string;
      }
  );

/** What {@link readSettings} read. */
export type ReadSettings = Pick<
  ApiKey,
  'name' | 'environment' | 'scopes' | 'owner' | 'allowedIps' | 'metadata' | 'rateLimit' | 'uses'
>;

/**
 * Checks what a key shall be.
 *
 * @throws TenantryError `api_key_invalid`, `name_invalid`, `member_not_found`.
 */
export function readSettings(input: KeySettings, now: Date): ReadSettings {
  const uses = input.uses == null ? null : readUses(input.uses);
  return {
    name: readName(input.name),
    environment: readEnvironment(input.environment),
    scopes: readScopes(input.scopes),
    owner: readOwner(input),
    allowedIps: readIpRanges(input.allowedIps),
    metadata: readMetadata(input.metadata) ?? {},
    rateLimit: input.rateLimit == null ? null : readRateLimit('rateLimit', input.rateLimit),
    uses: uses && usesStateOf(uses, { count: 0, period: null }, now, now),
  };
}

/**
 * Checks a key of another system and gives what is stored of it.
 *
 * @throws TenantryError `api_key_invalid`, `name_invalid`.
 */
export function readImport(tenantId: string, input: ImportInput, path: string, id: string, now: Date): NewKey {
  if (typeof input !== 'object' || input === null) throw invalid(`${path} must be an object`);
  const { enabled = true } = input;
  if (typeof enabled !== 'boolean') throw invalid(`${path}.enabled must be true or false`);
  const start = typeof input.start === 'string' ? input.start.trim() : '';
  if (!/^[\x21-\x7e]{1,32}$/.test(start)) throw invalid(`${path}.start must be 1 to 32 visible ASCII characters`);
  const createdAt = readTime(`${path}.createdAt`, input.createdAt) ?? now;
  const foreign = 'hash' in input ? readHash(input, path) : undefined;
  const scheme = 'scheme' in input ? input.scheme : 'foreign';
  return {
    digest:
      'digest' in input
        ? readDigest(input.digest, input.scheme, `${path}.digest`)
        : hashPlace(foreign?.lookup ?? '', id),
    ...(foreign !== undefined && { foreign }),
    key: {
      id,
      tenantId,
      ...readSettings(input, createdAt),
      start,
      scheme,
      createdBy: null,
      enabled,
      createdAt,
      expiresAt: readTime(`${path}.expiresAt`, input.expiresAt),
      revokedAt: readTime(`${path}.revokedAt`, input.revokedAt),
      rotatedAt: null,
      lastUsedAt: readTime(`${path}.lastUsedAt`, input.lastUsedAt),
    },
  };
}

function readHash(
  { hash, lookup }: { readonly hash: string; readonly lookup: string },
  path: string,
): { readonly hash: string; readonly lookup: string } {
  if (!isLookup(lookup)) throw invalid(`${path}.lookup must be 1 to 64 visible ASCII characters without "~"`);
  if (typeof hash !== 'string' || !/^[\x20-\x7e]{1,500}$/.test(hash)) {
    throw invalid(`${path}.hash must be 1 to 500 visible ASCII characters`);
  }
  return { hash, lookup };
}
