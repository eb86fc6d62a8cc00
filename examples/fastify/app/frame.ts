import type { FastifyRequest } from 'fastify';
import { permits } from 'tenantry/core';
import type { MakeForm } from './forms.ts';
import { html } from './html.ts';
import type { Frame } from './layout.ts';
import type { Receptionist } from './receptionist.ts';
import type { Sessions } from './sessions.ts';

/** The pages of a customer, and what it takes to see them. */
const pages: readonly (readonly [href: string, text: string, permission: string])[] = [
  ['/dashboard', 'Overview', 'calls:read'],
  ['/bots', 'Bots', 'bots:read'],
  ['/calls', 'Calls', 'calls:read'],
  ['/team', 'Team', 'members:read'],
  ['/keys', 'API keys', 'keys:manage'],
  ['/webhooks', 'Webhooks', 'webhooks:manage'],
  ['/usage', 'Usage', 'usage:read'],
  ['/billing', 'Billing', 'billing:manage'],
  ['/audit', 'Audit', 'audit:manage'],
];

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
  const organization = tenantId === null ? null : await receptionist.organizations.get(tenantId);
  const standing = tenantId === null ? null : await receptionist.organizations.standingOf({ tenantId, userId });
  const denied = impersonator === null ? [] : ['billing:manage'];
  const allowed = (permission: string): boolean =>
    !denied.includes(permission) && permits(standing?.permissions ?? [], permission);
  const here = request.url.split('?')[0] ?? '';
  const links = pages
    .filter(([, , permission]) => allowed(permission))
    .map(([href, text]) => ({ href, text, current: here === href || here.startsWith(`${href}/`) }));
  const staff = impersonator === null && (await isStaff(userId));
  const adminLink = { href: '/admin', text: 'Super admin', current: here.startsWith('/admin') };
  return {
    organization: organization?.name,
    links: staff ? [...links, adminLink] : links,
    account: html`<a href="/organizations">${user?.email}</a> ${form('/logout', 'Log out', undefined, 'plain')}`,
    banner:
      impersonator !== null &&
      html`<div class="banner" role="region" aria-label="Acting as a customer"><p>You act as <strong>${user?.email}</strong>.
The customer reads in their audit trail what you do.</p>${form('/impersonation/end', 'Stop acting')}</div>`,
  };
}
