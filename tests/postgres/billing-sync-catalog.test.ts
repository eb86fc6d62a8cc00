import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { sayCommand } from '../support/recording-terminal.ts';

let database: TestDatabase<Record<never, never>>;
let folder: string;
let words: string[];

beforeAll(async () => {
  database = await postgresDatabase();
  folder = await mkdtemp(join(tmpdir(), 'tenantry-catalogue-'));
  const source = (path: string) => join(import.meta.dirname, '../../src', path);
  const config = join(folder, 'tenantry.config.ts');
  await writeFile(
    config,
    `import Stripe from '${join(import.meta.dirname, '../../node_modules/stripe/esm/stripe.esm.node.js')}';
    import { createTenantry, definePlans, hybridSeats } from '${source('index.ts')}';
    import { definePrices, stripeProvider } from '${source('billing/index.ts')}';
    import { createFakeStripe } from '${source('testing/index.ts')}';
    const fake = createFakeStripe();
    const stripe = new Stripe('sk_test_x', { httpClient: Stripe.createFetchHttpClient(fake.fetch) });
    const plans = definePlans({ free: {}, team: {} });
    const prices = definePrices(plans, { plans: { team: { month: { base: 2000, seat: 500 } } } });
    export default ({ db }) => createTenantry({
      db, plans, strategy: hybridSeats({ plan: 'free' }),
      billing: { provider: stripeProvider({ stripe, livemode: false, webhookSecret: 'whsec_x' }), prices },
    });`,
  );
  words = ['billing', 'sync-catalog', '--url', database.urls?.owner ?? '', '--config', config];
});
afterAll(async () => {
  await database.destroy();
  await rm(folder, { recursive: true, force: true });
});

it('tells first what would be done, does nothing unasked, and then does it once', async () => {
  const checked = await sayCommand([...words, '--check', '--json']);
  expect(checked.exit).toBe(4);
  expect(JSON.parse(checked.out).result.steps.map((step: { do: string }) => step.do)).toEqual([
    'create-product',
    'create-product',
    'create-price',
    'create-price',
  ]);
  expect((await sayCommand(words)).exit).toBe(2);
  expect((await sayCommand([...words, '--check'])).exit).toBe(4);
  const done = await sayCommand([...words, '--yes']);
  expect(done.exit).toBe(0);
  expect(done.notes).toContain('make price tenantry.team.seat.month: 500 usd');
  expect(await sayCommand([...words, '--check'])).toMatchObject({ exit: 0 });
});
