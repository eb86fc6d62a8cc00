import type { FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import type { Database } from '../data.ts';
import { field } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { refuse } from '../problems.ts';
import type { Site, Told } from '../site.ts';
import { token } from './mail-links.ts';
import { origin, password } from './visitors.ts';

/** Where the link of an invitation leads: with an account, or to make one. */
export function invitationPages({ open, receptionist, sessions }: Site, db: Kysely<Database>): void {
  const { auth, organizations } = receptionist;

  async function show(request: FastifyRequest, { form, tried }: Told): Promise<View> {
    const visitor = sessions.ownOf(request);
    const user = visitor === null ? null : await auth.users.get({ userId: visitor.userId });
    const given = token(request, tried?.fields('token'));
    if (user !== null) {
      const join = form('/invitations/accept', 'Join the team', given);
      const body = html`<div class="card"><p>You are logged in as ${user.email}.</p>${join}</div>`;
      return { title: 'Join a team', narrow: true, body };
    }
    const { email = '' }: { email?: unknown } = Object(request.query);
    const here = request.method === 'GET' ? request.url : '/dashboard';
    const join = form('/invitations/join', 'Make an account and join', [
      given,
      field({ name: 'name', label: 'Your name', autocomplete: 'name', tried }),
      field({
        name: 'email',
        label: 'Email',
        type: 'email',
        autocomplete: 'email',
        value: String(email),
        tried,
        hint: 'The address to which the invitation was sent.',
      }),
      password('new-password', tried),
    ]);
    return {
      title: 'Join a team',
      narrow: true,
      body: html`<div class="card">${join}</div>
<p>You have an account? <a href="/login?next=${encodeURIComponent(here)}">Log in</a> to join with it.</p>`,
    };
  }

  open.page('/invitations/accept', show);

  open.form(
    '/invitations/accept',
    async (request, fields, { reply }) => {
      const visitor = sessions.ownOf(request);
      const user = visitor === null ? null : await auth.users.get({ userId: visitor.userId });
      if (user === null) throw refuse('Log in first.');
      // Whoever holds the token reads the mails of the invited address, so it counts as verified where it is theirs.
      const { userId, email, name } = user;
      const { member } = await organizations.invitations.accept({
        token: fields('token'),
        userId,
        verifiedEmail: email,
        name,
      });
      await sessions.switchTenant(request, reply, member.tenantId);
      return '/dashboard?note=joined';
    },
    show,
  );

  open.form(
    '/invitations/join',
    async (request, fields, { reply }) => {
      const credentials = { email: fields('email'), password: fields('password') };
      const name = fields('name');
      // The account and the membership stand or fall together.
      await db.transaction().execute(async (tx) => {
        const made = await auth.signUp({ ...credentials, name, tenant: null }, { db: tx });
        if (!made.ok) throw refuse('Log in, and follow the link again.', 'email');
        const { userId, email } = made.user;
        const accepting = { token: fields('token'), userId, verifiedEmail: email, name };
        await organizations.invitations.accept(accepting, { db: tx });
      });
      const entered = await auth.login({ ...credentials, ...origin(request) });
      if (!entered.ok) return '/login';
      sessions.begin(reply, entered.tokens);
      return '/dashboard?note=joined';
    },
    show,
  );
}
