import { dayText } from '../format.ts';
import { choice, field, named, table } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { paramOf } from '../param.ts';
import { refuse } from '../problems.ts';
import { type Guarded, notFound, type Site, type Told } from '../site.ts';

const roles = [
  ['member', 'Member'],
  ['admin', 'Admin'],
] as const;

/** The team and who is invited to it. */
export function teamPages({ guarded, receptionist, origin }: Site, sendMail: InviteMail): void {
  const { members, invitations } = receptionist.organizations;

  async function show({ access }: Guarded, { form, tried }: Told): Promise<View> {
    const tenantId = access.tenant.id;
    const manages = access.can('members:manage');
    const { items: people } = await members.list({ tenantId });
    const { items: invited } = await invitations.list({ tenantId });
    const rows = people.map(({ id, name, email, role, userId }) => {
      const who = name ?? email ?? userId;
      const others = manages && userId !== access.userId && role !== 'owner';
      const change = form(
        `/team/members/${id}/role`,
        named('Set', `the role of ${who}`),
        choice({ name: 'role', label: `Role of ${who}`, options: roles, value: role, id: `role-${id}` }),
        'plain',
      );
      const remove = form(`/team/members/${id}/remove`, named('Remove', who), undefined, 'danger');
      return [who, email ?? '–', role, others ? html`${change} ${remove}` : '–'];
    });
    const open = invited.map(({ id, email, role, expiresAt }) => [
      email,
      role,
      dayText(expiresAt),
      form(`/team/invitations/${id}/revoke`, named('Take back', email), undefined, 'danger'),
    ]);
    const invite = form('/team/invitations', 'Invite', [
      field({ name: 'email', label: 'Email', type: 'email', autocomplete: 'off', tried }),
      choice({ name: 'role', label: 'Role', options: roles, value: 'member', tried }),
    ]);
    return {
      title: 'Team',
      body: html`${table('Members', ['Name', 'Email', 'Role', 'Change'], rows)}
${
  manages &&
  html`<h2>Invite somebody</h2>${invite}
<h2>Open invitations</h2>${table('Open invitations', ['Email', 'Role', 'Until', 'Change'], open, 'Nobody is invited.')}`
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
        link: `${origin}/invitations/accept?token=${token}`,
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
