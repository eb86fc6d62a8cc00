/**
 * API keys: a form with a checksum, issue, verification in one statement with a typed reason, revocation, and keys that
 * another system issued.
 *
 * @packageDocumentation
 */

export type { ApiKey, ApiKeyData, ApiKeyEvent } from './api-key.ts';
export type { ApiKeys, ApiKeysOptions, IssueInput, KeyPage, KeyPageOptions } from './api-keys.ts';
export { createApiKeys } from './api-keys.ts';
export type { DigestScheme } from './foreign-digest.ts';
export type { ImportInput } from './import-input.ts';
export type { KeyEnvironment } from './token.ts';
export type { AcceptedKey, KeyDenial, KeyVerification } from './verification.ts';
