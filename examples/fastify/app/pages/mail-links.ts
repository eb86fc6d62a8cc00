import type { FastifyRequest } from 'fastify';
import { field } from '../forms.ts';
import { type Html, html } from '../html.ts';
import type { View } from '../layout.ts';
import { refuse } from '../problems.ts';
import type { Site, Told } from '../site.ts';
import { updateMemberships } from '../update-memberships.ts';
import { password } from './visitors.ts';

/** Pages to which mails lead. A link only shows a page; what it is for is a form. */
export function mailLinkPages({ open, receptionist }: Site): void {
  const { auth } = receptionist;

  const showForgot = (_request: FastifyRequest, { form, tried }: Told): View => ({
    title: 'Forgot the password',
    narrow: true,
    body: html`<div class="card">${form('/forgot', 'Send a mail', [
      field({ name: 'email', label: 'Email', type: 'email', autocomplete: 'username', tried }),
    ])}</div><p><a href="/login">Back to the log-in</a></p>`,
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
    narrow: true,
    body: html`<div class="card">${form('/reset', 'Set the password', [
      token(request, tried?.fields('token')),
      password('new-password', tried),
    ])}</div>`,
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
    narrow: true,
    body: html`<div class="card">${form('/verify', 'Confirm', token(request, tried?.fields('token')))}</div>`,
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

  const showChange = (request: FastifyRequest, { form, tried }: Told): View => ({
    title: 'Confirm your new address',
    narrow: true,
    body: html`<div class="card">${form('/change', 'Confirm', token(request, tried?.fields('token')))}</div>`,
  });
  open.page('/change', showChange);
  open.form(
    '/change',
    async (_request, fields) => {
      const done = await auth.emailChange.confirm({ token: fields('token') });
      if (!done.ok) throw refuse('This link is over, or was used.');
      const { userId, email } = done.user;
      await updateMemberships(receptionist, { userId, email });
      return '/?note=email-changed';
    },
    showChange,
  );
}

/** The token of a link, on its way from the address into the form. */
export function token({ query }: FastifyRequest, tried?: string): Html {
  const { token: given }: { token?: unknown } = Object(query);
  return html`<input type="hidden" name="token" value="${tried ?? (typeof given === 'string' ? given : '')}">`;
}
