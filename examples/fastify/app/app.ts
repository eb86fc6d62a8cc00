import { readFile } from 'node:fs/promises';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Kysely } from 'kysely';
import { answerClientError } from 'tenantry/http';
import { apiRoutes } from './api.ts';
import type { Database } from './data.ts';
import { accountPages } from './pages/account.ts';
import { adminPages } from './pages/admin.ts';
import { customerPages } from './pages/admin-customer.ts';
import { auditPages } from './pages/audit.ts';
import { billingPages } from './pages/billing.ts';
import { botPages } from './pages/bots.ts';
import { callPages } from './pages/calls.ts';
import { dashboardPages } from './pages/dashboard.ts';
import { invitationPages } from './pages/invitation.ts';
import { keyPages } from './pages/keys.ts';
import { mailLinkPages } from './pages/mail-links.ts';
import { setupPages } from './pages/setup.ts';
import { type InviteMail, teamPages } from './pages/team.ts';
import { usagePages } from './pages/usage.ts';
import { visitorPages } from './pages/visitors.ts';
import { webhookPages } from './pages/webhooks.ts';
import type { Receptionist } from './receptionist.ts';
import { createCsrf, securityHeaders } from './security.ts';
import { createSessions } from './sessions.ts';
import { adapterOf, createSite, type Site } from './site.ts';

/** What the application is made from. */
export interface AppOptions {
  readonly receptionist: Receptionist;
  readonly db: Kysely<Database>;
  /** Where browsers find it; forms of other origins are refused. */
  readonly origin: string;
  /** Makes the tokens of forms: the same in every process. */
  readonly secret: Uint8Array;
  readonly sendInvitation: InviteMail;
  /** Where a payer is sent; the provider's page when absent. */
  readonly checkoutAddress?: Site['checkoutAddress'];
  /** Where a payer looks after cards; the provider's page when absent. */
  readonly portalAddress?: Site['portalAddress'];
  /** Further pages, such as those of a developer's machine. */
  readonly more?: { readonly pages: (site: Site) => void; readonly routes: (app: FastifyInstance) => void };
}

/** Makes the application: pages for people, an API for programs, and a door for the payment provider. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { receptionist, db, origin, secret, sendInvitation, more } = options;
  const { checkoutAddress = ({ url }) => url, portalAddress = ({ url }) => url } = options;
  const adapter = adapterOf(receptionist);
  const app = Fastify({
    bodyLimit: 100_000,
    requestIdHeader: false,
    clientErrorHandler: answerClientError,
    frameworkErrors: adapter.frameworkErrors,
  });
  await app.register(adapter.plugin);

  const headers = securityHeaders(origin);
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(headers);
  });

  const assets = [
    ['/assets/style.css', 'text/css; charset=utf-8', 'style.css'],
    ['/assets/icon.svg', 'image/svg+xml', 'icon.svg'],
  ] as const;
  for (const [path, type, file] of assets) {
    const content = await readFile(new URL(`./${file}`, import.meta.url));
    app.get(path, async (_request, reply) => reply.type(type).header('cache-control', 'max-age=300').send(content));
  }

  more?.routes(app);
  await app.register(async (scope) => apiRoutes(scope, receptionist, adapter));
  await app.register(adapter.billing('/hooks/stripe', receptionist.billing));

  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, parsed) =>
      parsed(null, new URLSearchParams(String(body))),
    );
    const sessions = createSessions(receptionist, origin);
    const csrf = createCsrf({ origin, secret });
    const isStaff = async (userId: string): Promise<boolean> => {
      const found = await db.selectFrom('staff').select('user_id').where('user_id', '=', userId).executeTakeFirst();
      return found !== undefined;
    };
    const addresses = { origin, checkoutAddress, portalAddress };
    const site = createSite(scope, { receptionist, sessions, csrf, adapter, isStaff, ...addresses });
    visitorPages(site);
    accountPages(site);
    mailLinkPages(site);
    invitationPages(site, db);
    setupPages(site);
    dashboardPages(site);
    botPages(site);
    callPages(site);
    teamPages(site, sendInvitation);
    keyPages(site);
    webhookPages(site);
    usagePages(site);
    billingPages(site);
    auditPages(site);
    adminPages(site);
    customerPages(site);
    more?.pages(site);
  });
  return app;
}
