import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import Stripe from 'stripe';
import { createSecretBox } from 'tenantry/core';
import { createFakeStripe, type FakeStripe } from 'tenantry/testing';
import { createApp } from './app.ts';
import { type Database, installReceptionist } from './data.ts';
import { createDevTools, type DevTools } from './dev.ts';
import { createReceptionist, type Receptionist } from './receptionist.ts';
import { seedDemo } from './seed.ts';

/** The demo, as it runs. */
export interface Demo {
  /** Where a browser finds it. */
  readonly origin: string;
  readonly receptionist: Receptionist;
  readonly fake: FakeStripe;
  readonly mails: DevTools['mails'];
  stop(): Promise<void>;
}

/**
 * Starts the product with the fake Stripe, the workers and demo data, on a database that has the library's schema.
 * `db` is the product's own login, named `login`; `owner` makes the tables.
 */
export async function startDemo({
  db,
  owner,
  login,
  port,
}: {
  readonly db: Kysely<Database>;
  readonly owner: Kysely<Database>;
  readonly login: string;
  readonly port: number;
}): Promise<Demo> {
  const origin = `http://127.0.0.1:${port}`;
  await installReceptionist(owner, login);

  const clock = (): Date => new Date();
  const fake = createFakeStripe({ clock });
  const stripe = new Stripe('sk_test_demo', { httpClient: Stripe.createFetchHttpClient(fake.fetch) });
  const stripeWebhookSecret = `whsec_${randomBytes(24).toString('hex')}`;
  const dev = createDevTools(fake);
  const receptionist = createReceptionist({
    db,
    origin,
    secrets: createSecretBox([{ id: 'demo', key: randomBytes(32) }]),
    stripe,
    stripeWebhookSecret,
    sendMail: dev.sendMail,
    // The demo's own receiver stands on this machine; without this no webhook leaves for such an address.
    webhookFetch: { allow: ['127.0.0.1'], allowHttp: true, ports: 'any' },
    clock,
  });
  await receptionist.billing.catalogue.apply(await receptionist.billing.catalogue.plan());

  const app = await createApp({
    receptionist,
    db,
    origin,
    secret: randomBytes(32),
    sendInvitation: dev.sendInvitation,
    checkoutAddress: dev.checkoutAddress,
    portalAddress: () => '/dev/portal',
    more: dev,
  });
  await app.listen({ port, host: '127.0.0.1' });

  const disconnect = fake.webhooks.connect({
    secret: stripeWebhookSecret,
    async handler(body, headers) {
      return (await fetch(`${origin}/hooks/stripe`, { method: 'POST', body, headers })).status;
    },
  });
  await seedDemo(receptionist, { owner, fake, hooks: `${origin}/dev/hooks` });
  await fake.webhooks.deliver();

  const ending = new AbortController();
  const billing = receptionist.billing.work({ signal: ending.signal, restMilliseconds: 500 });
  const delivery = receptionist.webhooks.startDelivery();

  return {
    origin,
    receptionist,
    fake,
    mails: dev.mails,
    async stop() {
      disconnect();
      ending.abort();
      await app.close();
      await Promise.all([billing, delivery.stop(), receptionist.auth.flush(), receptionist.apiKeys.close()]);
    },
  };
}
