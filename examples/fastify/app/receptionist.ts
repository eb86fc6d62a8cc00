import type { Kysely } from 'kysely';
import { createTenantry, defineEvents, perOrg } from 'tenantry';
import { defaultTemplates, type SendMail } from 'tenantry/auth';
import { type StripeClient, stripeProvider } from 'tenantry/billing';
import type { SecretBox } from 'tenantry/core';
import type { SafeFetchOptions } from 'tenantry/webhooks';
import { type Database, tables } from './data.ts';
import { plans, prices } from './plans.ts';

/** What the product is made from. */
export interface ReceptionistOptions {
  readonly db: Kysely<Database>;
  /** Where browsers find it, such as `https://receptionist.example`. */
  readonly origin: string;
  /** Seals the secrets of webhooks and the keys of access tokens. */
  readonly secrets: SecretBox;
  readonly stripe: StripeClient;
  /** The signing secret of the endpoint at Stripe. */
  readonly stripeWebhookSecret: string;
  readonly sendMail: SendMail;
  /** Where webhooks of customers may go; public addresses by https when absent. */
  readonly webhookFetch?: SafeFetchOptions;
  readonly clock?: () => Date;
}

/** What a customer's program is told of a call. */
export interface CallTold {
  readonly callId: string;
  readonly botId: string;
  readonly caller: string;
  readonly seconds: number;
  readonly outcome: string;
}

const example: CallTold = { callId: 'c-1', botId: 'b-1', caller: '+1 555 0100', seconds: 42, outcome: 'answered' };

/** The data comes from this program alone, so there is nothing to check; zod or valibot would describe it to OpenAPI too. */
const callSchema = {
  '~standard': {
    version: 1,
    vendor: 'receptionist',
    validate: (value: unknown) => ({ value: { ...example, ...Object(value) } }),
    types: { input: example, output: example },
  },
} as const;

const catalogue = defineEvents(
  { 'call.completed': { description: 'A bot took a call.', schema: callSchema, examples: [example] } },
  { own: ['member.*', 'invitation.*'] },
);

/** Wires the product. */
export function createReceptionist(options: ReceptionistOptions) {
  const { db, origin, secrets, stripe, stripeWebhookSecret, sendMail, webhookFetch, clock } = options;
  const product = 'Receptionist';
  const page = (path: string) => `${origin}${path}`;
  const links = { verify: page('/verify'), reset: page('/reset'), change: page('/change') };
  // Without JavaScript a page does not see what stands behind `#`. The pages tell their address to no other site.
  const templates = defaultTemplates({ product, links, tokenIn: 'query' });
  return createTenantry({
    db,
    plans,
    strategy: perOrg({ plan: 'free' }),
    tables,
    apiKeys: { prefix: 'rx', rates: { tenant: { limit: 600, per: 'minute' } } },
    webhooks: {
      catalogue,
      secretBox: secrets,
      limits: async () => ({ endpoints: 5 }),
      ...(webhookFetch !== undefined && { fetch: webhookFetch }),
    },
    auth: {
      issuer: origin,
      audience: origin,
      keys: { secrets },
      mail: { send: sendMail, templates },
      // The steps of seed and set-up: phone number, business type, greeting, and Twilio where it is used.
      setup: {
        phone: {},
        business: { after: ['phone'] },
        greeting: { after: ['business'] },
        twilio: { after: ['greeting'], optional: true },
      },
    },
    billing: {
      provider: stripeProvider({ stripe, livemode: false, webhookSecret: stripeWebhookSecret }),
      prices,
    },
    ...(clock !== undefined && { clock }),
  });
}

/** What {@link createReceptionist} makes. */
export type Receptionist = ReturnType<typeof createReceptionist>;

/** What a request of a customer may do. */
export type ReceptionistAccess = Awaited<ReturnType<Receptionist['access']['forUser']>>;
