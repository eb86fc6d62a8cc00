/**
 * HTTP, without a framework: the credential of a request, problems by RFC 9457, and the headers of quotas.
 *
 * @packageDocumentation
 */

export type { Problem, ProblemBody } from './problem-of.ts';
export { problemOf } from './problem-of.ts';
export type { QuotaState } from './rate-limit-headers.ts';
export { rateLimitHeaders } from './rate-limit-headers.ts';
export type { Credential } from './read-credential.ts';
export { readCredential } from './read-credential.ts';
