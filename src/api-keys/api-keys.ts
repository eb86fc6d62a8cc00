import { isUuid, systemClock, TenantryError, uuidv7 } from '../core/index.ts';
import { libraryOf } from '../database/handle.ts';
import {
  type AnyDatabase,
  type CallOptions,
  createCoalescer,
  inTransaction,
  type ModuleDeps,
} from '../database/index.ts';
import type { ApiKey, ApiKeyEvent } from './api-key.ts';
import { type ImportInput, readImport } from './import-input.ts';
import { invalid, readEnvironment, readName, readPage, readScopes, readTime } from './key-input.ts';
import { findKeys, getKey, insertKeys, listKeys, revokeKey } from './store.ts';
import { digestOf, isPrefix, type KeyEnvironment, makeToken, parseToken, startOf } from './token.ts';
import { judge, type KeyVerification, type VerificationPolicy } from './verification.ts';

/** How keys look and when they open. */
export interface ApiKeysOptions {
  /** What keys begin with: letters, digits and single underscores within, at most 32; `key` when absent. */
  readonly prefix?: string;
  /**
   * The form of secrets that another system issued and whose digests were imported. Without it a secret that lacks our
   * checksum is malformed and costs no query.
   */
  readonly foreign?: RegExp;
  /** The states of a subscription in which keys open; `active` and `trialing` when absent. */
  readonly activeStatuses?: readonly string[];
  /** What to do with keys of an organization that has more members than seats; `refuse` when absent. */
  readonly seatsExceeded?: 'refuse' | 'allow';
}

/** A key to issue. */
export interface IssueInput {
  readonly tenantId: string;
  readonly name?: string;
  /** `live` when absent. */
  readonly environment?: KeyEnvironment;
  /** Patterns of permissions, such as `calls:*`; `*` when absent. */
  readonly scopes?: readonly string[];
  /** The member for whom the key acts; without one it is a key of the whole tenant. */
  readonly memberId?: string;
  readonly expiresAt?: Date;
}

/** API keys of tenants. */
export interface ApiKeys {
  /**
   * Issues a key. The secret is in this answer and nowhere else: only its digest is stored.
   *
   * @throws TenantryError `tenant_not_found`, `member_not_found`, `api_key_invalid`, `name_invalid`.
   */
  issue(input: IssueInput, options?: CallOptions): Promise<{ readonly key: ApiKey; readonly secret: string }>;
  /**
   * Tells whether a secret opens, whose it is, and if not, why. One statement; calls of one tick share it. A malformed
   * secret costs none.
   */
  verify(secret: string | null | undefined, options?: CallOptions): Promise<KeyVerification>;
  /**
   * Takes over keys of another system by their digests; all of them, or none.
   *
   * @throws TenantryError `api_key_duplicate`, `api_key_invalid`, `tenant_not_found`, `member_not_found`.
   */
  importKeys(tenantId: string, keys: readonly ImportInput[], options?: CallOptions): Promise<readonly ApiKey[]>;
  /**
   * Revokes a key for ever: once this has resolved, no `verify` that begins accepts it. Doing it again changes nothing.
   *
   * @throws TenantryError `api_key_not_found`, also for a key of another tenant.
   */
  revoke(input: { readonly tenantId: string; readonly keyId: string }, options?: CallOptions): Promise<ApiKey>;
  /**
   * Lists the keys of a tenant, revoked ones too, the newest first. A tenant that does not exist has none.
   *
   * @throws TenantryError `amount_invalid` for a limit, `name_invalid` for a cursor that is none.
   */
  list(tenantId: string, options?: CallOptions & KeyPageOptions): Promise<KeyPage>;
}

/** Which part of a list of keys is wanted. */
export interface KeyPageOptions {
  /** The `nextCursor` of the part before. */
  readonly cursor?: string | null;
  /** How many keys at most, 1 to 1,000; 100 when absent. */
  readonly limit?: number;
}

/** One part of a list of keys. */
export interface KeyPage {
  readonly items: readonly ApiKey[];
  /** Asks for the next part; null at the end. */
  readonly nextCursor: string | null;
}

/**
 * Makes the API keys module.
 *
 * @throws TenantryError `config_invalid` for a prefix that is none.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { createApiKeys } from 'tenantry/api-keys';
 * import { installSchema } from 'tenantry/database';
 * import { createTenancy, perUser } from 'tenantry/tenancy';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const { tenantId } = await createTenancy({ db, strategy: perUser() }).provision({ userId: 'ada', name: 'Ada' });
 *
 * const apiKeys = createApiKeys({ db, prefix: 'hc' });
 * const { secret } = await apiKeys.issue({ tenantId }); // 'hc_live_…', shown once
 * const result = await apiKeys.verify(secret); // { ok: true, key: …, tenant: …, member: null }
 * ```
 */
export function createApiKeys({
  db,
  clock = systemClock,
  ids = uuidv7,
  events,
  prefix = 'key',
  foreign,
  activeStatuses = ['active', 'trialing'],
  seatsExceeded = 'refuse',
}: ModuleDeps<ApiKeyEvent> & ApiKeysOptions): ApiKeys {
  const misconfigured = (option: string, problem: string): TenantryError =>
    new TenantryError('config_invalid', { path: `apiKeys.${option}`, problem });
  if (typeof prefix !== 'string' || !isPrefix(prefix)) {
    throw misconfigured('prefix', 'must be letters and digits with single underscores within, at most 32 characters');
  }
  if (foreign !== undefined && !(foreign instanceof RegExp)) throw misconfigured('foreign', 'must be a RegExp');
  if (!Array.isArray(activeStatuses)) throw misconfigured('activeStatuses', 'must be a list of states');
  if (seatsExceeded !== 'refuse' && seatsExceeded !== 'allow') {
    throw misconfigured('seatsExceeded', 'must be "refuse" or "allow"');
  }
  // A global or sticky expression remembers where it stopped and would refuse every other secret.
  const foreignForm = foreign && new RegExp(foreign.source, foreign.flags.replaceAll(/[gy]/g, ''));
  const policy: VerificationPolicy = {
    activeStatuses: new Set(activeStatuses),
    refuseExceededSeats: seatsExceeded === 'refuse',
  };
  const library = libraryOf(db);
  const find = createCoalescer({
    run: (_key, digests: readonly string[]) => findKeys(library, digests),
    concurrency: 4,
  });

  /** Without a sink a single statement needs no transaction around it. */
  function changing<Result>(options: CallOptions, work: (tx: AnyDatabase) => Promise<Result>): Promise<Result> {
    return events === undefined ? work(options.db ?? db) : inTransaction(db, options.db, work);
  }

  return {
    async issue(input, options = {}) {
      const now = clock();
      const environment = readEnvironment(input.environment);
      const expiresAt = readTime('expiresAt', input.expiresAt);
      if (expiresAt !== null && expiresAt <= now) throw invalid('expiresAt must lie in the future');
      const secret = makeToken({ prefix, environment });
      const key: ApiKey = {
        id: ids(),
        tenantId: input.tenantId,
        name: readName(input.name),
        environment,
        start: startOf(secret),
        scheme: 'sha256',
        scopes: readScopes(input.scopes),
        memberId: input.memberId ?? null,
        enabled: true,
        createdAt: now,
        expiresAt,
        revokedAt: null,
        lastUsedAt: null,
      };
      await changing(options, async (tx) => {
        await insertKeys(tx, input.tenantId, [{ key, digest: digestOf(secret) }]);
        const { id: keyId, name, start, scopes, memberId } = key;
        const data = { keyId, name, start, environment, scopes, memberId, expiresAt };
        await events?.({ id: ids(), name: 'api_key.issued', tenantId: input.tenantId, occurredAt: now, data }, tx);
      });
      return { key, secret };
    },

    async verify(secret, options = {}) {
      if (secret === undefined || secret === null || secret === '') return { ok: false, reason: 'missing' };
      if (!hasKeyForm(secret)) return { ok: false, reason: 'malformed' };
      const digest = digestOf(secret);
      const row =
        options.db === undefined ? await find('', digest) : (await findKeys(libraryOf(options.db), [digest]))[0];
      return judge(row, clock(), policy);
    },

    async importKeys(tenantId, inputs, options = {}) {
      const now = clock();
      const read = inputs.map((input, index) => readImport(tenantId, input, `keys[${index}]`, ids(), now));
      const seen = new Set<string>();
      for (const { digest, key } of read) {
        if (seen.has(digest)) throw new TenantryError('api_key_duplicate', { start: key.start });
        seen.add(digest);
      }
      const keys = read.map(({ key }) => key);
      if (keys.length === 0) return [];
      return changing(options, async (tx) => {
        await insertKeys(tx, tenantId, read);
        for (const { id: keyId, name, start, environment, scopes, memberId } of keys) {
          const data = { keyId, name, start, environment, scopes, memberId };
          await events?.({ id: ids(), name: 'api_key.imported', tenantId, occurredAt: now, data }, tx);
        }
        return keys;
      });
    },

    async revoke({ tenantId, keyId }, options = {}) {
      const now = clock();
      // What is no id is not quoted: it may be a secret that was handed in by mistake.
      if (!isUuid(tenantId) || !isUuid(keyId)) throw new TenantryError('api_key_not_found', { key: '(not an id)' });
      return changing(options, async (tx) => {
        const revoked = await revokeKey(tx, tenantId, keyId, now);
        if (revoked !== undefined) {
          const data = { keyId: revoked.id };
          await events?.({ id: ids(), name: 'api_key.revoked', tenantId, occurredAt: now, data }, tx);
          return revoked;
        }
        const before = await getKey(tx, tenantId, keyId);
        if (before === undefined) throw new TenantryError('api_key_not_found', { key: keyId });
        return before;
      });
    },

    async list(tenantId, { db: joined, ...page } = {}) {
      const { after, limit } = readPage(page);
      if (!isUuid(tenantId)) return { items: [], nextCursor: null };
      const found = await listKeys(joined ?? db, tenantId, after, limit + 1);
      const items = found.slice(0, limit);
      return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
  };

  function hasKeyForm(secret: string): boolean {
    if (secret.length > 512) return false;
    return parseToken(secret)?.prefix === prefix || foreignForm?.test(secret) === true;
  }
}
