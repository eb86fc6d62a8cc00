import type { FastifyRequest } from 'fastify';
import { field } from '../forms.ts';
import { type Html, html } from '../html.ts';
import type { View } from '../layout.ts';
import { refuse } from '../problems.ts';
import type { Site, Told } from '../site.ts';
import { password } from './visitors.ts';

/** Pages to which mails lead, and the choice of an organization. Links only show a page; what they are for is a form. */
export function accountPages({ open, receptionist, sessions }: Site): void {
  const { auth, organizations } = receptionist;

  const showForgot = (_request: FastifyRequest, { form, tried }: Told): View => ({
    title: 'Forgot the password',
    body: form('/forgot', 'Send a mail', [
      field({ name: 'email', label: 'Email', type: 'email', autocomplete: 'username', tried }),
    ]),
  });
  open.page('/forgot', showForgot);
  open.form(
    '/forgot',
    async (_request, fields) => {
      await auth.passwordReset.request({ email: fields('email') });
      return '/login?note=mail-sent';
    },
    showForgot,
  );

  const showReset = (request: FastifyRequest, { form, tried }: Told): View => ({
    title: 'Choose a password',
    body: form('/reset', 'Set the password', [token(request, tried?.fields('token')), password('new-password', tried)]),
  });
  open.page('/reset', showReset);
  open.form(
    '/reset',
    async (_request, fields) => {
      const done = await auth.passwordReset.complete({ token: fields('token'), password: fields('password') });
      if (!done.ok) throw refuse('This link is over. Ask for another mail.');
      return '/login?note=password-set';
    },
    showReset,
  );

  const showVerify = (request: FastifyRequest, { form, tried }: Told): View => ({
    title: 'Confirm your address',
    body: form('/verify', 'Confirm', token(request, tried?.fields('token'))),
  });
  open.page('/verify', showVerify);
  open.form(
    '/verify',
    async (_request, fields) => {
      const done = await auth.emailVerification.confirm({ token: fields('token') });
      if (!done.ok) throw refuse('This link is over, or was used.');
      return '/?note=verified';
    },
    showVerify,
  );

  async function showOrganizations(request: FastifyRequest, { form }: Told): Promise<View> {
    const visitor = sessions.ownOf(request);
    if (visitor === null) return { title: 'Your organizations', body: html`<p><a href="/login">Log in</a> first.</p>` };
    const { items } = await organizations.ofUser({ userId: visitor.userId });
    const list = items.map(
      ({ organization, role }) =>
        html`<li>${form(
          '/organizations',
          organization.name,
          html`<input type="hidden" name="tenant" value="${organization.tenantId}">`,
          'plain',
        )} as ${role}${organization.tenantId === visitor.tenantId && ', open now'}</li>`,
    );
    const none = html`<p class="empty">You are a member of no organization.</p>`;
    return { title: 'Your organizations', body: items.length === 0 ? none : html`<ul class="rows">${list}</ul>` };
  }
  open.page('/organizations', showOrganizations);
  open.form(
    '/organizations',
    async (request, fields, { reply }) => {
      if (!(await sessions.switchTenant(request, reply, fields('tenant'))))
        throw refuse('There is no such organization.');
      return '/dashboard';
    },
    showOrganizations,
  );
}

/** The token of a link, on its way from the address into the form. */
export function token({ query }: FastifyRequest, tried?: string): Html {
  const { token: given }: { token?: unknown } = Object(query);
  return html`<input type="hidden" name="token" value="${tried ?? (typeof given === 'string' ? given : '')}">`;
}
