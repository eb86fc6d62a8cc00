/**
 * Webhooks: signing and verifying by the Standard Webhooks specification 1.0.0, receiving those of others, and requests
 * to addresses that others chose. It loads nothing but Node's own modules.
 *
 * @packageDocumentation
 */

export type { Inbox, InboxMessage, InboxOptions, InboxOutcome } from './inbox/inbox.ts';
export { createInbox } from './inbox/inbox.ts';
export type { BodyRead, ExpressRequest, FastifyRequest, FetchRequest, NodeRequest } from './receiver/read-body.ts';
export { readFetchBody, readFrameworkBody } from './receiver/read-body.ts';
export type {
  FetchedSecret,
  ReceivedWebhook,
  ReceiverRules,
  SchemeAndSecret,
  WebhookScheme,
} from './receiver/received-webhook.ts';
export type {
  FastifyReply,
  NodeResponse,
  WebhookAnswer,
  WebhookHandling,
  WebhookReceiver,
  WebhookReceiverOptions,
} from './receiver/webhook-receiver.ts';
export { createWebhookReceiver } from './receiver/webhook-receiver.ts';
export type { AddressRuleOptions } from './safe-fetch/address-rules.ts';
export type {
  SafeFetch,
  SafeFetchInit,
  SafeFetchOptions,
  SafeResponse,
  UrlCheck,
  UrlCheckReason,
} from './safe-fetch/safe-fetch.ts';
export { createSafeFetch, safeFetch } from './safe-fetch/safe-fetch.ts';
export type { FetchFailure, UrlRefusal } from './safe-fetch/target.ts';
export type { WebhookBody } from './signature/body.ts';
export type { WebhookKeyPair } from './signature/create-webhook-key-pair.ts';
export { createWebhookKeyPair } from './signature/create-webhook-key-pair.ts';
export { createWebhookSecret } from './signature/create-webhook-secret.ts';
export type { GithubHeaders, GithubVerification, VerifyGithubInput } from './signature/github-webhook.ts';
export { signGithubWebhook, unwrapGithubWebhook, verifyGithubWebhook } from './signature/github-webhook.ts';
export type { SignedHeaders, SignWebhookInput } from './signature/sign-webhook.ts';
export { signWebhook } from './signature/sign-webhook.ts';
export type { SignStripeInput, StripeVerification, VerifyStripeInput } from './signature/stripe-webhook.ts';
export { signStripeWebhook, unwrapStripeWebhook, verifyStripeWebhook } from './signature/stripe-webhook.ts';
export type { UnwrappedWebhook } from './signature/unwrap-webhook.ts';
export { unwrapWebhook, unwrapWebhookAsync } from './signature/unwrap-webhook.ts';
export type { RefusedWebhook, WebhookRefusal, WebhookRequest } from './signature/verification-rules.ts';
export type { VerifyWebhookInput, WebhookVerification } from './signature/verify-webhook.ts';
export { verifyWebhook } from './signature/verify-webhook.ts';
export type { VerifyWebhookAsyncInput } from './signature/verify-webhook-async.ts';
export { verifyWebhookAsync } from './signature/verify-webhook-async.ts';
export type { WebhookKey, WebhookSecret } from './signature/webhook-key.ts';
export { webhookKey } from './signature/webhook-key.ts';
