import { dayText, titleText } from '../format.ts';
import { choice, field } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { paramOf } from '../param.ts';
import { badge, card, named, nextPage, pageOf, sure, table } from '../parts.ts';
import { refuse } from '../problems.ts';
import { type Guarded, notFound, type Site, type Told } from '../site.ts';

const roles = [
  ['member', 'Member'],
  ['admin', 'Admin'],
] as const;

/** The team and who is invited to it. */
export function teamPages({ guarded, receptionist, origin }: Site, sendMail: InviteMail): void {
  const { members, invitations } = receptionist.organizations;

  async function show(request: Guarded, { form, tried }: Told): Promise<View> {
    const { access } = request;
    const tenantId = access.tenant.id;
    const manages = access.can('members:manage');
    const { items: people, nextCursor } = await members.list({ tenantId, ...pageOf(request) });
    const invited = await invitations.list({ tenantId, ...pageOf(request, 'invited') });
    const rows = people.map(({ id, role, userId, name, email }) => {
      const who = name ?? email ?? userId;
      const self = userId === access.userId;
      const others = manages && !self && role !== 'owner';
      const change = form(
        `/team/members/${id}/role`,
        named('Set', `the role of ${who}`),
        choice({ name: 'role', label: `Role of ${who}`, options: roles, value: role, id: `role-${id}` }),
        'plain',
      );
      const remove = form(`/team/members/${id}/remove`, named('Remove', who), undefined, 'danger');
      const sureRemove = sure(named('Remove …', who), `${who} sees nothing of yours any more.`, remove);
      const buttons = html`<div class="actions">${change}${sureRemove}</div>`;
      return [
        html`${who} ${self && badge('you')}`,
        email ?? '–',
        titleText(role),
        ...(manages ? [others && buttons] : []),
      ];
    });
    const open = invited.items.map(({ id, email, role, expiresAt }) => [
      email,
      titleText(role),
      dayText(expiresAt),
      form(`/team/invitations/${id}/revoke`, named('Take back', email), undefined, 'danger'),
    ]);
    const invite = form('/team/invitations', 'Invite', [
      field({ name: 'email', label: 'Email', type: 'email', autocomplete: 'off', tried }),
      choice({ name: 'role', label: 'Role', options: roles, value: 'member', tried }),
    ]);
    return {
      title: 'Team',
      body: html`${table('Members', ['Name', 'Email', 'Role', ...(manages ? ['Change'] : [])], rows)}
${nextPage('/team', nextCursor, 'More people')}
${
  manages &&
  html`${card('Invite somebody', invite)}
${card('Open invitations', [
  table('Open invitations', ['Email', 'Role', 'Until', 'Change'], open, 'Nobody is invited.'),
  nextPage('/team', invited.nextCursor, 'More invitations', 'invited'),
])}`
}`,
    };
  }

  guarded({ permission: 'members:read' }).page('/team', show);
  const managers = guarded({ permission: ['members:manage', 'invitations:manage'] });

  managers.form(
    '/team/invitations',
    async ({ access }, fields) => {
      const tenantId = access.tenant.id;
      const input = { tenantId, email: fields('email'), role: roleOf(fields('role')) };
      const { token } = await invitations.create(input, byOf(access));
      const organization = await receptionist.organizations.get(tenantId);
      await sendMail({
        to: input.email,
        organization: organization?.name ?? '',
        link: `${origin}/invitations/accept?${new URLSearchParams({ token, email: input.email })}`,
      });
      return '/team?note=invited';
    },
    show,
  );
  managers.form(
    '/team/invitations/:id/revoke',
    async (request) => {
      const { access } = request;
      const ref = { tenantId: access.tenant.id, invitationId: paramOf(request, 'id') };
      if ((await invitations.get(ref)) === null) throw notFound();
      await invitations.revoke(ref, byOf(access));
      return '/team?note=removed';
    },
    show,
  );
  managers.form(
    '/team/members/:id/role',
    async (request, fields) => {
      const ref = await memberOf(request);
      await members.setRole({ ...ref, role: roleOf(fields('role')) }, byOf(request.access));
      return '/team?note=saved';
    },
    show,
  );
  managers.form(
    '/team/members/:id/remove',
    async (request) => {
      await members.remove(await memberOf(request), byOf(request.access));
      return '/team?note=removed';
    },
    show,
  );

  async function memberOf(request: Guarded) {
    const ref = { tenantId: request.access.tenant.id, memberId: paramOf(request, 'id') };
    if ((await members.get(ref)) === null) throw notFound();
    return ref;
  }
}

/** Sends the mail of an invitation. */
export type InviteMail = (invitation: {
  readonly to: string;
  readonly organization: string;
  readonly link: string;
}) => Promise<void>;

/** Who acts, as the modules want it: they check that nobody gives more than they hold. */
function byOf({ by }: Guarded['access']) {
  return by === undefined ? {} : { by };
}

function roleOf(role: string): 'member' | 'admin' {
  if (role === 'member' || role === 'admin') return role;
  throw refuse('There is no such role.', 'role');
}
