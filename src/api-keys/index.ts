/**
 * API keys: a form with a checksum, issue, verification in one statement or from memory with a typed reason, rotation,
 * revocation, limits, leaks, and keys that another system issued.
 *
 * @packageDocumentation
 */

export type { ApiKey, ApiKeyData, ApiKeyEvent, LeakData } from './api-key.ts';
export { createApiKeys } from './api-keys.ts';
export type {
  ApiKeys,
  ApiKeysOptions,
  ChangeOptions,
  IssueInput,
  KeyCacheOptions,
  KeyPage,
  KeyPageOptions,
  LeakOutcome,
  UpdateInput,
  WhoAmI,
} from './api-keys-interface.ts';
export type { KeyRelay, KeyRelayOptions } from './cache/key-relay.ts';
export { createKeyRelay } from './cache/key-relay.ts';
export type {
  IoredisSubscriber,
  ListenByRedisOptions,
  NodeRedisSubscriber,
  RedisSubscriber,
} from './cache/listen-by-redis.ts';
export { listenByRedis } from './cache/listen-by-redis.ts';
export type { KeyListening, ListeningClient } from './cache/listener.ts';
export { tellKeys } from './cache/tell-keys.ts';
export type { DigestScheme } from './foreign/digest-schemes.ts';
export type { DigestForm, ForeignForm, HashForm } from './foreign/foreign-form.ts';
export { hmacForm, pepperedForm } from './foreign/foreign-form.ts';
export { saltedMatches, scryptMatches } from './foreign/slow-hashes.ts';
export type { ImportInput, KeySettings } from './import-input.ts';
export type { KeyQuestion, StateDenial } from './judge.ts';
export type { KeyOwner, KeyOwnerInput } from './key-owner.ts';
export type { GithubAnswer, GithubReport, GithubReportsOptions } from './leaks/github-reports.ts';
export { createGithubReports } from './leaks/github-reports.ts';
export { findSecrets, secretPattern } from './leaks/secret-pattern.ts';
export type { KeyUses, UsesState } from './limits/key-uses.ts';
export type { RateLimit, RateState } from './limits/rate-limit.ts';
export type { KeyRates } from './limits/spend.ts';
export type { KeyRef, KeysOf } from './store.ts';
export type { KeyEnvironment } from './token.ts';
export type { AcceptedKey, KeyDenial, KeyLeft, KeyVerification, SpendDenial } from './verification.ts';
export type { VerifyOptions } from './verify.ts';
