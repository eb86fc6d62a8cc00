import type { FastifyRequest } from 'fastify';

import { field } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { paramOf } from '../param.ts';
import { badge, card, named, table, when } from '../parts.ts';
import { refuse } from '../problems.ts';
import { notFound, type Site, type Told } from '../site.ts';
import { updateMemberships } from '../update-memberships.ts';
import { origin, password } from './visitors.ts';

/** The visitor's own: name, address, password, sessions and organizations. It opens to themselves, whomever they act as. */
export function accountPages({ open, receptionist, sessions }: Site): void {
  const { auth, organizations } = receptionist;

  async function ownOf(request: FastifyRequest) {
    const own = sessions.ownOf(request);
    const user = own === null ? null : await auth.users.get({ userId: own.userId });
    return own === null || user === null ? null : { ...own, user };
  }

  /** The visitor of a form: whoever is not logged in has none of it. */
  async function requireOwn(request: FastifyRequest) {
    const own = await ownOf(request);
    if (own === null) throw notFound();
    return own;
  }

  async function show(request: FastifyRequest, { form, tried }: Told): Promise<View | string> {
    const own = await ownOf(request);
    if (own === null) return '/login?next=/account';
    const { user, sessionId } = own;
    const rows = (await auth.sessions.list(user.userId)).map((session) => {
      const from = browserText(session.userAgent);
      const end = form(`/account/sessions/${session.sessionId}/end`, named('Log out', from), undefined, 'plain');
      return [
        from,
        session.ip ?? '–',
        when(session.lastUsedAt),
        session.sessionId === sessionId ? badge('this one') : end,
      ];
    });
    const verified = user.emailVerifiedAt !== null;
    const verify = form('/account/verify', 'Send the mail again', undefined, 'plain');
    const name = field({ name: 'name', label: 'Name', autocomplete: 'name', value: user.name ?? '', most: 200, tried });
    const newEmail = field({ name: 'email', label: 'New address', type: 'email', autocomplete: 'email', tried });
    return {
      title: 'Your account',
      aside: html`<a href="/organizations">Your organizations</a>`,
      body: html`${card('Your name', form('/account/name', 'Save the name', name))}
<div class="pair">${card(
        'Address',
        html`<p>${user.email} ${badge(verified ? 'confirmed' : 'unconfirmed')}</p>${!verified && verify}
${form('/account/email', 'Change the address', newEmail)}`,
      )}
${card(
  'Password',
  form('/account/password', 'Change the password', [
    // By this a keeper of passwords knows whose it is.
    html`<input type="text" name="username" autocomplete="username" value="${user.email}" hidden>`,
    field({ name: 'current', label: 'Password now', type: 'password', autocomplete: 'current-password', tried }),
    password('new-password', tried, 'New password'),
  ]),
)}</div>
${card('Where you are logged in', [
  table('Your sessions', ['Browser', 'Address', 'Last used', 'Change'], rows),
  rows.length > 1 && form('/account/sessions/end', 'Log out everywhere else', undefined, 'danger'),
])}`,
    };
  }

  open.page('/account', show);
  open.form(
    '/account/name',
    async (request, fields) => {
      const { userId } = await requireOwn(request);
      const { name } = await auth.users.update({ userId, name: fields('name') }, { by: { userId } });
      await updateMemberships(receptionist, { userId, name });
      return '/account?note=saved';
    },
    show,
  );
  open.form(
    '/account/verify',
    async (request) => {
      const { userId } = await requireOwn(request);
      if (!(await auth.emailVerification.send({ userId })))
        throw refuse('A mail was sent a moment ago. Look there first.');
      return '/account?note=link-sent';
    },
    show,
  );
  open.form(
    '/account/email',
    async (request, fields) => {
      const { userId, sessionId } = await requireOwn(request);
      await auth.emailChange.request({ userId, sessionId, email: fields('email') });
      return '/account?note=link-sent';
    },
    show,
  );
  open.form(
    '/account/password',
    async (request, fields) => {
      const { userId, sessionId } = await requireOwn(request);
      const [current, next] = [fields('current'), fields('password')];
      await auth.changePassword({ userId, sessionId, current, next, ip: origin(request).ip });
      return '/account?note=password-changed';
    },
    show,
  );
  open.form(
    '/account/sessions/end',
    async (request) => {
      const { userId, sessionId } = await requireOwn(request);
      await auth.sessions.endAll({ userId, except: sessionId }, { by: { userId } });
      return '/account?note=logged-out';
    },
    show,
  );
  open.form(
    '/account/sessions/:id/end',
    async (request) => {
      const { userId } = await requireOwn(request);
      const ended = await auth.sessions.end({ userId, sessionId: paramOf(request, 'id') }, { by: { userId } });
      if (!ended) throw notFound();
      return '/account?note=logged-out';
    },
    show,
  );

  async function showOrganizations(request: FastifyRequest, { form }: Told): Promise<View | string> {
    const own = await ownOf(request);
    if (own === null) return '/login?next=/organizations';
    const { items } = await organizations.ofUser({ userId: own.userId });
    const list = items.map(({ organization, role }) => {
      const { tenantId, name } = organization;
      const choose = form(
        '/organizations',
        named('Open', name),
        html`<input type="hidden" name="tenant" value="${tenantId}">`,
        'plain',
      );
      return html`<li><div><strong>${name}</strong> ${badge(role)}</div>
${tenantId === own.tenantId ? badge('open now') : choose}</li>`;
    });
    return {
      title: 'Your organizations',
      body:
        items.length === 0
          ? html`<p class="empty">You are a member of no organization. Ask somebody to invite you.</p>`
          : html`<div class="card"><ul class="rows">${list}</ul></div>`,
    };
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

const browsers = ['Edg', 'OPR', 'Firefox', 'Chrome', 'Safari', 'curl'] as const;
const systems = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac OS X', 'Linux'] as const;

/** What a browser says that it is, as far as people need it. */
function browserText(userAgent: string | null): string {
  if (userAgent === null) return 'Unknown';
  const browser = browsers.find((name) => userAgent.includes(name));
  const system = systems.find((name) => userAgent.includes(name));
  if (browser === undefined) return userAgent.slice(0, 40);
  const name = { Edg: 'Edge', OPR: 'Opera' }[String(browser)] ?? browser;
  return system === undefined ? name : `${name} on ${system}`;
}
