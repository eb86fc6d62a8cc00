import { expect } from 'vitest';
import { applyCatalogueSync, manualProvider, planCatalogueSync, stripeProvider } from '../../src/billing/index.ts';
import { recordPayment } from '../../src/billing/manual/ledger.ts';
import { uuidv7 } from '../../src/core/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { unwrapStripeWebhook } from '../../src/webhooks/index.ts';
import type { TestDatabase } from '../support/databases.ts';
import { openSandbox, type SandboxAccess } from '../support/stripe-sandbox.ts';
import { startStandIn } from '../support/stripe-stand-in.ts';
import { conformancePrices, type ProviderWorld, providerSuite, tenantsOf } from './provider-suite.ts';

/** Stripe, or what answers in its place: only the address and the key differ. */
async function stripeWorld(database: TestDatabase<unknown>, access: SandboxAccess): Promise<ProviderWorld> {
  const sandbox = openSandbox(access);
  const prices = conformancePrices(sandbox.prefix);
  const tools = { db: database.app, clock: sandbox.now, ids: uuidv7, unwrapStripe: unwrapStripeWebhook };
  const provider = stripeProvider({ stripe: sandbox.stripe, livemode: false, webhookSecret: 'whsec_conformance' })(
    tools,
  );
  await applyCatalogueSync(provider, await planCatalogueSync(provider, prices));
  return {
    provider,
    prices,
    now: sandbox.now,
    ...tenantsOf(database),
    advance: sandbox.advance,
    fund: sandbox.fund,
    async payAll(_, customerId) {
      const { invoices } = await provider.money.documents({ customerId });
      for (const { id, status } of invoices) if (status === 'open') await sandbox.payInvoice(id);
    },
    beginTest: sandbox.leaveBehind,
    end: () => sandbox.cleanUp(prices),
  };
}

async function standInWorld(database: TestDatabase<unknown>): Promise<ProviderWorld> {
  const standIn = await startStandIn();
  const world = await stripeWorld(database, standIn);
  return {
    ...world,
    async end() {
      await world.end();
      await standIn.close();
      expect(standIn.problems).toEqual([]);
      console.log(standIn.summary());
    },
  };
}

async function manualWorld(database: TestDatabase<unknown>): Promise<ProviderWorld> {
  const clock = fixedClock('2026-01-31T10:00:00Z');
  const db = database.app;
  const prices = conformancePrices();
  const provider = manualProvider({ prices })({ db, clock, ids: uuidv7 });
  return {
    provider,
    prices,
    now: clock,
    ...tenantsOf(database),
    advance: async (days) => clock.advance(days * 86_400_000),
    fund: async () => undefined,
    async payAll(tenantId, customerId) {
      const { invoices } = await provider.money.documents({ customerId });
      for (const { id, status } of invoices) {
        if (status !== 'open') continue;
        await db.transaction().execute(async (tx) => {
          const desk = { tx, tenantId, now: clock(), ids: uuidv7, options: {} };
          await recordPayment(desk, { invoiceId: id, method: 'bank_transfer', status: 'succeeded' });
        });
      }
    },
    end: async () => undefined,
  };
}

/** A key of a sandbox, for whoever has one: nothing of real money is touched, and what the run makes is taken away. */
const sandboxKey = process.env.TENANTRY_STRIPE_KEY;
if (sandboxKey === undefined) {
  console.log('Stripe itself was not reached: TENANTRY_STRIPE_KEY is not set, and the tests of a sandbox are skipped');
}

providerSuite('the provider manual', { name: 'manual', make: manualWorld });
providerSuite('the provider stripe, with the fake behind an address', { name: 'stripe', make: standInWorld });
providerSuite("the provider stripe, with Stripe's sandbox (TENANTRY_STRIPE_KEY)", {
  name: 'stripe',
  make: (database) => stripeWorld(database, { key: sandboxKey ?? '', url: process.env.TENANTRY_STRIPE_URL }),
  skip: sandboxKey === undefined,
  patience: 600_000,
});
