/**
 * Webhooks by the Standard Webhooks specification 1.0.0: signing and verifying. It loads nothing but Node's own modules.
 *
 * @packageDocumentation
 */

export type { WebhookBody } from './signature/body.ts';
export { createWebhookSecret } from './signature/create-webhook-secret.ts';
export type { SignedHeaders, SignWebhookInput } from './signature/sign-webhook.ts';
export { signWebhook } from './signature/sign-webhook.ts';
export type { UnwrappedWebhook } from './signature/unwrap-webhook.ts';
export { unwrapWebhook } from './signature/unwrap-webhook.ts';
export type { VerifyWebhookInput, WebhookRefusal, WebhookVerification } from './signature/verify-webhook.ts';
export { verifyWebhook } from './signature/verify-webhook.ts';
export type { WebhookKey, WebhookSecret } from './signature/webhook-key.ts';
export { webhookKey } from './signature/webhook-key.ts';
