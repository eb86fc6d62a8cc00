/**
 * For the tests of applications: a real PostgreSQL server, a clock that stands still, identifiers that count up, a Stripe
 * that runs in this process.
 *
 * @packageDocumentation
 */

export type { EmbeddedPostgres, StartPostgresOptions } from './embedded-postgres.ts';
export { startPostgres } from './embedded-postgres.ts';
export type { FixedClock } from './fixed.ts';
export { fixedClock, sequentialIds } from './fixed.ts';
export type { Purchase } from './stripe/complete-checkout.ts';
export { createFakeStripe } from './stripe/fake-stripe.ts';
export type { CardNow, Duration, FakeExchange, FakeStripe, FakeStripeOptions } from './stripe/fake-stripe-interface.ts';
export type { FaultKind, FaultOptions } from './stripe/faults.ts';
export type { PortalAct } from './stripe/use-portal.ts';
export type {
  DeliveryPolicy,
  DeliveryReport,
  FakeWebhooks,
  WebhookConnection,
  WebhookHandler,
} from './stripe/webhooks.ts';
export type { Wire } from './stripe/wire.ts';
