/** `npm run example:host-manager [port]`: the application on a converted database, on a PostgreSQL of its own. Ctrl+C ends both. */
import Stripe from 'stripe';
import { stripeProvider } from 'tenantry/billing';
import { applyMigration } from 'tenantry/migrate';
import { createFakeStripe } from 'tenantry/testing';
import { openPlace, serve } from '../place.ts';
import { createHostManager, createHostService } from './app.ts';
import { commercialUpgrade } from './definition.ts';
import { generateHosts } from './generate.ts';
import { countHosts } from './hosts.ts';
import type { HostDatabase } from './legacy-schema.ts';

const place = await openPlace<HostDatabase>('hosts');
await generateHosts(place.owner, { users: 40 });
await applyMigration(place.owner, commercialUpgrade, { to: 'contract' });
await place.letIn();

// A Stripe that is none: no money moves.
const fake = createFakeStripe({ clock: () => new Date() });
const stripe = new Stripe('sk_test_fake', { httpClient: Stripe.createFetchHttpClient(fake.fetch) });
const provider = stripeProvider({ stripe, livemode: false, webhookSecret: 'whsec_fake' });
const hostManager = createHostManager(place.app, { provider });
const { apiKeys, billing, organizations } = hostManager;
await billing.catalogue.apply(await billing.catalogue.plan());
await countHosts(hostManager, place.app);

/** A key of the first member in a role: the old application had passwords of its own. */
async function keyOf(role: string): Promise<string> {
  const { items } = await hostManager.platform.members({ by: { userId: 'example' } });
  const found = items.find((member) => member.role === role && member.status === 'active');
  if (found === undefined) throw new Error(`nobody is ${role}`);
  const { tenantId, userId } = found;
  const membership = await organizations.membershipOf(tenantId, userId);
  if (membership === null) throw new Error(`${userId} is no member`);
  return (await apiKeys.issue({ tenantId, memberId: membership.memberId, name: role })).secret;
}
const owner = await keyOf('owner');
const member = await keyOf('member');

await serve(createHostService(hostManager, place.app), {
  text: (base) => `The host manager listens at ${base}: its users and hosts became an organization with teams. Try:

export OWNER=${owner} MEMBER=${member}
curl -s -H "X-API-Key: $OWNER" ${base}/api/organizations
curl -s -H "X-API-Key: $OWNER" ${base}/api/teams
curl -s -H "X-API-Key: $MEMBER" ${base}/api/hosts          # those of the member's own teams
curl -s -H "X-API-Key: $OWNER" ${base}/api/subscription
curl -si -H "X-API-Key: $MEMBER" -X DELETE ${base}/api/subscription      # 403: members pay nothing
curl -s ${base}/api/sign-up -H 'Content-Type: application/json' -d '{"email":"eve@second.example","organization":"Second"}'`,
  async close() {
    await apiKeys.close();
    await place.close();
  },
});
