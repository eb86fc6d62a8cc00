import { type RawBuilder, sql } from 'kysely';
import { readEmail } from '../core/email.ts';
import { type Actor, isUuid, opaqueId, TenantryError } from '../core/index.ts';
import { pageOf, readPage } from '../core/page.ts';
import { digestOfSecretToken, makeSecretToken } from '../core/secret-token.ts';
import { libraryOf } from '../database/handle.ts';
import type { AnyDatabase, CallOptions } from '../database/index.ts';
import { acceptInvitation, findToken } from './acceptance-store.ts';
import { type ActOptions, everything, readActor, requirePermission, requireRole } from './authority.ts';
import { named, readFuture, readTenantId, readText } from './input.ts';
import {
  endInvitation,
  type Invitation,
  type InvitationOutcome,
  type InvitationRow,
  type InvitationStatus,
  invitationColumns,
  invitationOf,
  sendInvitation,
} from './invitation-store.ts';
import type { Invitations, InvitationsOptions } from './invitations-interface.ts';
import type { Toolbox } from './toolbox.ts';

const tokenPrefix = 'inv';

/** What may be done to invitations takes this permission. */
const managesInvitations = 'invitations:manage';

const day = 86_400_000;

/** Makes the invitations of `createOrganizations`. */
export function createInvitations(toolbox: Toolbox, { days = 7 }: InvitationsOptions = {}): Invitations {
  if (!(Number.isFinite(days) && days > 0 && days <= 365)) {
    throw new TenantryError('config_invalid', {
      path: 'invitations.days',
      problem: 'must be more than 0 and at most 365',
    });
  }
  const { db, clock, ids, roles, seatRule, changing, publish, publishSeats, authorityOf, beyond } = toolbox;

  const managerOf = (tenantId: string, by: Actor | undefined, role: string | null) => async (handle: AnyDatabase) => {
    const authority = await authorityOf(handle, tenantId, by);
    requirePermission(authority, managesInvitations);
    if (role !== null) requireRole(roles, authority, role);
    return { authority, beyond: beyond(authority) };
  };

  async function send(
    wanted: {
      readonly tenantId: string;
      readonly again: string | null;
      readonly email: { readonly given: string; readonly key: string } | null;
      readonly role: string | null;
      readonly expiresAt: Date | undefined;
    },
    options: ActOptions | undefined,
  ) {
    const { tenantId, role } = wanted;
    const by = readActor(options?.by);
    const now = clock();
    const expiresAt =
      wanted.expiresAt === undefined
        ? new Date(now.getTime() + days * day)
        : readFuture('expiresAt', wanted.expiresAt, now);
    return changing(options, async (tx) => {
      const token = makeSecretToken(tokenPrefix);
      const digest = digestOfSecretToken(tokenPrefix, token) ?? '';
      const row = { ...wanted, id: ids(), digest, invitedBy: by?.userId ?? null, expiresAt, now };
      const outcome = await sendInvitation(tx, seatRule, managerOf(tenantId, by, role), row);
      const invitation = accepted(outcome, tenantId, wanted.again ?? wanted.email?.given ?? '');
      const created = outcome?.verdict === 'created';
      const data = { ...dataOf(invitation), expiresAt };
      await publish({ name: created ? 'invitation.created' : 'invitation.resent', tenantId, data }, tx, by);
      if (outcome !== null) await publishSeats(tenantId, outcome, tx, by);
      return { invitation, token, created };
    });
  }

  return {
    async create({ tenantId, email, role = 'member', expiresAt }, options) {
      roles.check(role);
      const wanted = { tenantId: readTenantId(tenantId), again: null, email: readEmail('email', email), role };
      return send({ ...wanted, expiresAt }, options);
    },

    async resend({ tenantId, invitationId, expiresAt }, options) {
      const again = readInvitationId(invitationId);
      const { invitation, token } = await send(
        { tenantId: readTenantId(tenantId), again, email: null, role: null, expiresAt },
        options,
      );
      return { invitation, token };
    },

    async revoke({ tenantId, invitationId }, options) {
      const by = readActor(options?.by);
      const ending = {
        tenantId: readTenantId(tenantId),
        invitationId: readInvitationId(invitationId),
        emailKey: null,
        status: 'revoked' as const,
      };
      return changing(options, async (tx) => {
        const outcome = await endInvitation(tx, managerOf(tenantId, by, null), { ...ending, now: clock() });
        const invitation = accepted(outcome, tenantId, invitationId);
        const changed = outcome?.verdict === 'changed';
        if (outcome !== null && changed) {
          await publish({ name: 'invitation.revoked', tenantId, data: dataOf(invitation) }, tx, by);
          await publishSeats(tenantId, outcome, tx, by);
        }
        return { invitation, changed };
      });
    },

    async accept({ token, userId, verifiedEmail, name }, options) {
      const digest = digestOfSecretToken(tokenPrefix, token);
      const user = { userId: opaqueId('userId', userId), name: readText('name', name, 200) };
      const email = readEmail('verifiedEmail', verifiedEmail);
      if (digest === null) throw refused('not_found');
      return changing(options, async (tx) => {
        const target = await findToken(tx, digest);
        if (target === null) throw refused('not_found');
        const { tenantId, invitationId } = target;
        const by = { ...user, digest, email: email.given, emailKey: email.key, memberId: ids(), now: clock() };
        const outcome = await acceptInvitation(tx, seatRule, { ...target, ...by });
        if (outcome === null) throw refused('not_found');
        const { verdict, member, invitation, bought, taken } = outcome;
        if (verdict === 'seats_exhausted') {
          throw new TenantryError('seats_exhausted', { tenantId, bought: bought ?? 0, taken });
        }
        if (verdict !== 'accepted' && verdict !== 'member') throw refused(verdict);
        if (member === null || invitation === null) throw refused('not_found');
        const actor = { userId: user.userId };
        const { id: memberId, role } = member;
        const data = { invitationId, email: invitation.email, role: invitation.role, memberId, userId: user.userId };
        await publish({ name: 'invitation.accepted', tenantId, data }, tx, actor);
        if (verdict === 'accepted') {
          const returned = outcome.before === 'removed';
          const added = { memberId, userId: user.userId, role, status: 'active', returned } as const;
          await publish({ name: 'member.added', tenantId, data: added }, tx, actor);
        }
        await publishSeats(tenantId, outcome, tx, actor);
        return { member, created: verdict === 'accepted' };
      });
    },

    async decline({ token, verifiedEmail }, options) {
      const digest = digestOfSecretToken(tokenPrefix, token);
      const emailKey = readEmail('verifiedEmail', verifiedEmail).key;
      if (digest === null) throw refused('not_found');
      await changing(options, async (tx) => {
        const target = await findToken(tx, digest);
        if (target === null) throw refused('not_found');
        const { tenantId } = target;
        const program = async () => ({ authority: everything, beyond: [] });
        const ending = { ...target, emailKey, status: 'declined' as const, now: clock() };
        const outcome = await endInvitation(tx, program, ending);
        const invitation = outcome?.invitation ?? null;
        if (outcome === null || invitation === null) throw refused('not_found');
        if (outcome.verdict === 'unchanged') {
          if (invitation.status === 'declined') return;
          throw refused(denialOf(invitation.status));
        }
        await publish({ name: 'invitation.declined', tenantId, data: dataOf(invitation) }, tx, undefined);
        await publishSeats(tenantId, outcome, tx, undefined);
      });
    },

    async get({ tenantId, invitationId }, options) {
      if (!isUuid(tenantId) || !isUuid(invitationId)) return null;
      const [found] = await read(options, sql`i.tenant_id = ${tenantId}::uuid and i.id = ${invitationId}::uuid`, 1);
      return found ?? null;
    },

    async list({ tenantId, statuses = ['pending'], ...page }, options) {
      const { after, limit } = readPage(page);
      const state = sql`case when i.status = 'pending' and i.expires_at <= ${clock()}::timestamptz then 'expired' else i.status end`;
      const found = await read(
        options,
        sql`i.tenant_id = ${readTenantId(tenantId)}::uuid and ${state} = any(${sql.val([...statuses])}::text[])
          ${after === null ? sql`` : sql`and i.id > ${after}::uuid`}`,
        limit + 1,
      );
      return pageOf(found, limit, ({ id }) => id);
    },
  };

  async function read(
    options: CallOptions | undefined,
    where: RawBuilder<unknown>,
    limit: number,
  ): Promise<readonly Invitation[]> {
    const { rows } = await sql<InvitationRow>`select ${invitationColumns(clock())} from tenantry.invitations i
      where ${where} order by i.id limit ${limit}`.execute(libraryOf(options?.db ?? db));
    return rows.map(invitationOf);
  }
}

function readInvitationId(invitationId: string): string {
  if (isUuid(invitationId)) return invitationId;
  throw new TenantryError('invitation_not_found', { invitation: '(not an id)' });
}

function accepted(outcome: InvitationOutcome | null, tenantId: string, invitation: string): Invitation {
  if (outcome === null) throw new TenantryError('organization_not_found', { organization: tenantId });
  const { verdict, bought, taken, held, role } = outcome;
  if (verdict === 'seats_exhausted') {
    throw new TenantryError('seats_exhausted', { tenantId, bought: bought ?? 0, taken: taken + held });
  }
  if (verdict === 'role_beyond') throw new TenantryError('permission_denied', { permission: `roles:${role ?? ''}` });
  if (outcome.invitation === null) throw new TenantryError('invitation_not_found', { invitation: named(invitation) });
  return outcome.invitation;
}

function refused(reason: TenantryError<'invitation_refused'>['details']['reason']): TenantryError {
  return new TenantryError('invitation_refused', { reason });
}

function denialOf(status: InvitationStatus) {
  if (status === 'accepted') return 'used';
  return status === 'pending' ? 'not_found' : status;
}

function dataOf({ id, email, role }: Invitation) {
  return { invitationId: id, email, role };
}
