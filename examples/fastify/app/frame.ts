import type { FastifyRequest } from 'fastify';
import { permits } from 'tenantry/core';
import type { MakeForm } from './forms.ts';
import { html } from './html.ts';
import type { Frame } from './layout.ts';
import type { Receptionist } from './receptionist.ts';
import type { Sessions } from './sessions.ts';

/** A page of the menu, what it takes to see it, and the outline of its sign. */
type MenuPage = readonly [href: string, text: string, permission: string, sign: string];

const pages: readonly MenuPage[] = [
  ['/dashboard', 'Overview', 'calls:read', 'M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z'],
  [
    '/bots',
    'Bots',
    'bots:read',
    'M12 3v4M5 7h14a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1zM9 12v2M15 12v2',
  ],
  [
    '/calls',
    'Calls',
    'calls:read',
    'M5 4h4l2 5-3 2a11 11 0 0 0 5 5l2-3 5 2v4a2 2 0 0 1-2 2A16 16 0 0 1 3 6a2 2 0 0 1 2-2z',
  ],
  [
    '/team',
    'Team',
    'members:read',
    'M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21a7 7 0 0 1 14 0M16 3a4 4 0 0 1 0 8M18 14a7 7 0 0 1 4 7',
  ],
  ['/keys', 'API keys', 'keys:manage', 'M8 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 12h9M18 12v4M15 12v3'],
  ['/webhooks', 'Webhooks', 'webhooks:manage', 'M4 12h12M12 7l5 5-5 5M20 4v16'],
  ['/usage', 'Usage', 'usage:read', 'M4 19a9 9 0 1 1 16 0M12 15l4-6'],
  ['/billing', 'Billing', 'billing:manage', 'M3 6h18v12H3zM3 10h18M7 15h3'],
  ['/audit', 'Audit', 'audit:manage', 'M9 6h11M9 12h11M9 18h11M4 6h1M4 12h1M4 18h1'],
];
const adminSign = 'M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z';

/** Finds out what stands around a page for whoever looks at it. Links are a courtesy: the gate decides what may be done. */
export async function frameOf(
  {
    receptionist,
    sessions,
    isStaff,
  }: {
    readonly receptionist: Receptionist;
    readonly sessions: Sessions;
    readonly isStaff: (userId: string) => Promise<boolean>;
  },
  request: FastifyRequest,
  form: MakeForm,
): Promise<Omit<Frame, 'note' | 'problem'>> {
  const visitor = sessions.visitorOf(request);
  if (visitor === null) {
    return { links: [], account: html`<a href="/login">Log in</a> <a href="/signup">Sign up</a>` };
  }
  const { userId, tenantId, impersonator } = visitor;
  const user = await receptionist.auth.users.get({ userId });
  const who = user?.name ?? user?.email;
  const organization = tenantId === null ? null : await receptionist.organizations.get(tenantId);
  const standing = tenantId === null ? null : await receptionist.organizations.standingOf({ tenantId, userId });
  const denied = impersonator === null ? [] : receptionist.auth.impersonation.denies;
  const allowed = (permission: string): boolean =>
    !permits(denied, permission) && permits(standing?.permissions ?? [], permission);
  const here = request.url.split('?')[0] ?? '';
  const links = pages
    .filter(([, , permission]) => allowed(permission))
    .map(([href, text, , sign]) => ({ href, text, sign, current: here === href || here.startsWith(`${href}/`) }));
  const staff = impersonator === null && (await isStaff(userId));
  const adminLink = { href: '/admin', text: 'Super admin', sign: adminSign, current: here.startsWith('/admin') };
  return {
    organization: organization?.name,
    links: staff ? [...links, adminLink] : links,
    // The account is the visitor's own, and not that of whomever they act as.
    account: html`${impersonator === null ? html`<a class="who" href="/account">${who}</a>` : html`<span class="who">${who}</span>`}
${form('/logout', 'Log out', undefined, 'plain')}`,
    banner:
      impersonator !== null &&
      html`<div class="banner" role="region" aria-label="Acting as a customer"><p>You act as <strong>${user?.email}</strong>.
The customer reads in their audit trail what you do.</p>${form('/impersonation/end', 'Stop acting')}</div>`,
  };
}
