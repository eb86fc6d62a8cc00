/**
 * HTTP: the way of a request through the gate for any framework, and without one for fetch handlers; the credential of a
 * request, problems by RFC 9457, and the headers of quotas.
 *
 * @packageDocumentation
 */

export { answerClientError } from './answer-client-error.ts';
export type { BillingReceiver, RawRequest } from './billing-receiver.ts';
export { receiveBilling } from './billing-receiver.ts';
export type { Demands, Units } from './demands.ts';
export type { FetchAdapter, FetchAdapterOptions } from './fetch-adapter.ts';
export { createFetchAdapter } from './fetch-adapter.ts';
export type { Front, FrontDeps, FrontOptions, KnownUser } from './front.ts';
export { createFront } from './front.ts';
export type { Problem, ProblemBody } from './problem-of.ts';
export { problemOf } from './problem-of.ts';
export type { QuotaState } from './rate-limit-headers.ts';
export { rateLimitHeaders } from './rate-limit-headers.ts';
export type { Credential } from './read-credential.ts';
export { readCredential } from './read-credential.ts';
export type { ReadJsonOptions } from './read-json.ts';
export { readJson } from './read-json.ts';
export type { Caller, Exchange } from './visit.ts';
