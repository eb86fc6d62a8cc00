import type { Actor } from '../core/index.ts';
import type { CallOptions } from '../database/index.ts';
import type { ApiKey } from './api-key.ts';
import type { KeyListening, ListeningClient } from './cache/listener.ts';
import type { ForeignForm } from './foreign/foreign-form.ts';
import type { ImportInput, KeySettings } from './import-input.ts';
import type { KeyRates } from './limits/spend.ts';
import type { KeyRef, KeysOf } from './store.ts';
import type { KeyEnvironment } from './token.ts';
import type { AcceptedKey, KeyVerification } from './verification.ts';
import type { VerifyOptions } from './verify.ts';

/** What a process remembers of keys between requests. */
export interface KeyCacheOptions {
  /**
   * Gives a connection of its own, connected, for as long as the process lives: `async () => { const client = new
   * Client(…); await client.connect(); return client; }`, or `() => pool.connect()`. On it the process hears what others
   * change. While it is broken, nothing that is remembered is used. {@link listenByRedis} hears by a Redis instead.
   */
  readonly listen: () => Promise<ListeningClient | KeyListening>;
  /** How many keys are remembered; 50,000 when absent. */
  readonly max?: number;
  /** How long, in milliseconds; 60,000 when absent. It bounds what nobody told, such as rows written by hand. */
  readonly maxAge?: number;
  /** How often the connection is tried, in milliseconds; 1,000 when absent. It is trusted for three times as long. */
  readonly heartbeat?: number;
  /** Told when the connection breaks; it is made again in any case. */
  readonly onError?: (error: unknown) => void;
}

/** How keys look and when they open. */
export interface ApiKeysOptions {
  /** What keys begin with: letters, digits and single underscores within, at most 32; `key` when absent. */
  readonly prefix?: string;
  /**
   * The form of secrets that other systems issued and whose digests or hashes were imported; a pattern alone means that
   * the SHA-256 of the whole secret was stored. A secret of no form, which lacks our checksum too, is malformed and costs
   * no query.
   */
  readonly foreign?: RegExp | ForeignForm | readonly (RegExp | ForeignForm)[];
  /** The states of a subscription in which keys open; `active` and `trialing` when absent. */
  readonly activeStatuses?: readonly string[];
  /** What to do with keys of an organization that has more members than seats; `refuse` when absent. */
  readonly seatsExceeded?: 'refuse' | 'allow';
  /** How often keys may be used; as often as one likes when absent. */
  readonly rates?: KeyRates;
  /** How often it is written when keys were last used, in milliseconds; 60,000 when absent, never when `false`. */
  readonly lastUsed?: number | false;
  /** Remembers keys in the process; every verification is a statement when absent. */
  readonly cache?: KeyCacheOptions;
}

/** Options of what changes keys. */
export interface ChangeOptions extends CallOptions {
  /** Who does it, for the events; whether they may is not asked here. */
  readonly by?: Actor;
}

/** A key to issue. */
export interface IssueInput extends KeySettings {
  readonly tenantId: string;
}

/** What is to change of a key; what is absent stays. */
export interface UpdateInput extends KeyRef, Omit<KeySettings, 'environment'> {}

/** Which part of a list of keys is wanted. */
export interface KeyPageOptions {
  /** The `nextCursor` of the part before. */
  readonly cursor?: string | null;
  /** How many keys at most, 1 to 1,000; 100 when absent. */
  readonly limit?: number;
  /** Only those of a member. */
  readonly memberId?: string;
  /** Only those of a team. */
  readonly teamId?: string;
  readonly environment?: KeyEnvironment;
  /** True leaves out what is revoked or has expired. */
  readonly live?: boolean;
}

/** One part of a list of keys. */
export interface KeyPage {
  readonly items: readonly ApiKey[];
  /** Asks for the next part; null at the end. */
  readonly nextCursor: string | null;
}

/** What a key is told of itself. */
export type WhoAmI = Pick<AcceptedKey, 'ok' | 'tenant' | 'member'> & { readonly key: ApiKey };

/** What became of a report that a secret was found where it should not be. */
export interface LeakOutcome {
  readonly key: ApiKey;
  /** What was ended: the key, a secret that had been replaced, or nothing, since it was closed before. */
  readonly ended: 'key' | 'secret' | 'nothing';
}

/** API keys of tenants. All methods throw `database_unavailable` where there is no connection. */
export interface ApiKeys {
  /** What keys begin with. */
  readonly prefix: string;
  /**
   * Issues a key. The secret is in this answer and nowhere else: only its digest is stored.
   *
   * @throws TenantryError `tenant_not_found`, `member_not_found`, `api_key_invalid`, `name_invalid`.
   */
  issue(input: IssueInput, options?: ChangeOptions): Promise<{ readonly key: ApiKey; readonly secret: string }>;
  /**
   * Tells whether a secret opens, whose it is, and if not, why. One statement; calls of one tick share it. A malformed
   * secret costs none, nor does one that is remembered. A key with a rate limit or uses costs one more, shared with the
   * other calls of its tenant: it is sent last, when nothing else stands in the way, and a call that one limit refuses is
   * counted in none.
   *
   * @throws TenantryError `database_unavailable`: nothing was granted.
   */
  verify(secret: string | null | undefined, options?: VerifyOptions): Promise<KeyVerification>;
  /** Tells a key about itself, and spends nothing. */
  whoami(
    secret: string | null | undefined,
    options?: VerifyOptions,
  ): Promise<WhoAmI | Extract<KeyVerification, { readonly ok: false }>>;
  /** Reads a key; null when the tenant has none with this id. */
  get(ref: KeyRef, options?: CallOptions): Promise<ApiKey | null>;
  /**
   * Takes over keys of another system by their digests or hashes; all of them, or none.
   *
   * @throws TenantryError `api_key_duplicate`, `api_key_invalid`, `tenant_not_found`, `member_not_found`.
   */
  importKeys(tenantId: string, keys: readonly ImportInput[], options?: ChangeOptions): Promise<readonly ApiKey[]>;
  /**
   * Changes what a key may. New `uses` are a full balance. `memberId` and `teamId` hand the key over, and `memberId: null`
   * to the tenant.
   *
   * @throws TenantryError `api_key_not_found`, also for one that is revoked; `api_key_invalid`, `name_invalid`,
   * `member_not_found`.
   */
  update(input: UpdateInput, options?: ChangeOptions): Promise<ApiKey>;
  /**
   * Lets a key open again that was disabled.
   *
   * @throws TenantryError `api_key_not_found`, also for one that is revoked.
   */
  enable(ref: KeyRef, options?: ChangeOptions): Promise<ApiKey>;
  /**
   * Closes a key until it is enabled.
   *
   * @throws TenantryError `api_key_not_found`, also for one that is revoked.
   */
  disable(ref: KeyRef, options?: ChangeOptions): Promise<ApiKey>;
  /**
   * Gives a key a new secret. Old secrets open for `grace` milliseconds more (0 when absent: not at all), and share the
   * limits of the key with the new one. It stays the same key, with its id, settings and history.
   *
   * @throws TenantryError `api_key_not_found`, also for one that is revoked or has expired; `api_key_invalid` for the
   * grace.
   */
  rotate(
    input: KeyRef & { readonly grace?: number },
    options?: ChangeOptions,
  ): Promise<{ readonly key: ApiKey; readonly secret: string }>;
  /**
   * Revokes a key for ever: once this has resolved, no `verify` of this process that begins accepts it, nor any of a
   * process without a cache; those that remember keys hear of it within milliseconds. Doing it again changes nothing.
   *
   * @throws TenantryError `api_key_not_found`, also for a key of another tenant.
   */
  revoke(ref: KeyRef, options?: ChangeOptions): Promise<ApiKey>;
  /** Revokes all keys of a tenant, a member or a team that are not revoked, and gives them. */
  revokeAll(which: KeysOf, options?: ChangeOptions): Promise<readonly ApiKey[]>;
  /**
   * Ends a secret that was found where it should not be: a key with its newest secret, or a secret that had been replaced
   * alone. Null when nobody has it.
   */
  reportLeak(
    input: { readonly secret: string; readonly source: string; readonly url?: string | null },
    options?: ChangeOptions,
  ): Promise<LeakOutcome | null>;
  /**
   * Lists the keys of a tenant, revoked ones too, the newest first. A tenant that does not exist has none.
   *
   * @throws TenantryError `amount_invalid` for a limit, `name_invalid` for a cursor that is none.
   */
  list(tenantId: string, options?: CallOptions & KeyPageOptions): Promise<KeyPage>;
  /** Writes when keys were last used, and waits for what was begun beside the calls. */
  flush(): Promise<void>;
  /** How the memory of the process stands: whether it is used at this moment, and how much it holds. */
  cacheState(): { readonly trusted: boolean; readonly size: number };
  /** Forgets what the process remembers: of a tenant, or all. Needed only after rows were written by hand. */
  forget(tenantId?: string): void;
  /** Ends the connection that listens and writes what is left to write. The keys go on working without both. */
  close(): Promise<void>;
}
