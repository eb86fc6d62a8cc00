import { type Actor, opaqueId, TenantryError } from '../core/index.ts';
import { pageOf, readPage } from '../core/page.ts';
import type { AnyDatabase } from '../database/index.ts';
import { type ActOptions, type Authority, readActor, requirePermission, requireRole } from './authority.ts';
import type { OrganizationEvent } from './events.ts';
import { readMemberRef, readTenantId, readText } from './input.ts';
import { acceptedMember, type MemberOutcome } from './member-outcome.ts';
import { findMember, listMembers, type MemberName } from './member-reads.ts';
import { insertMember, type MemberPatch, updateMember } from './member-store.ts';
import type { Members } from './members-interface.ts';
import type { Member, MemberChange, MemberRef } from './organization.ts';
import { removeUser } from './remove-user.ts';
import type { Toolbox, Unstamped } from './toolbox.ts';
import { transferOwnership } from './transfer-ownership.ts';
import { updateDetails } from './update-details.ts';

/** What may be done to members takes this permission. */
const managesMembers = 'members:manage';

const anyStatus = ['active', 'pending', 'requested', 'suspended', 'removed'];
const present = ['active', 'pending', 'requested', 'suspended'];

/** Makes the members of `createOrganizations`. */
export function createMembers(toolbox: Toolbox): Members {
  const { db, clock, ids, roles, seatRule, changing, publish, publishSeats, authorityOf, beyond } = toolbox;

  async function managerOf(handle: AnyDatabase, tenantId: string, by: Actor | undefined): Promise<Authority> {
    const authority = await authorityOf(handle, tenantId, by);
    requirePermission(authority, managesMembers);
    return authority;
  }

  interface Change extends Pick<MemberPatch, 'role' | 'status' | 'from' | 'approvedBy'> {
    /** A user may do it to themselves. */
    readonly own?: boolean;
  }

  async function change(
    ref: MemberRef,
    set: Change,
    options: ActOptions | undefined,
    eventOf: (member: Member, before: NonNullable<MemberOutcome['before']>) => Unstamped<OrganizationEvent>,
  ): Promise<MemberChange> {
    const tenantId = readTenantId(ref.tenantId);
    const named = readMemberRef(ref);
    const by = readActor(options?.by);
    const { own = false, ...patch } = set;
    const read = async (handle: AnyDatabase) => {
      const authority = await authorityOf(handle, tenantId, by);
      if (!(own && isSelf(authority, by, named))) requirePermission(authority, managesMembers);
      if (patch.role !== undefined) requireRole(roles, authority, patch.role);
      return { authority, beyond: beyond(authority) };
    };
    const ends = patch.status === 'suspended' || patch.status === 'removed' ? patch.status : undefined;
    const cuts = ends !== undefined && toolbox.cutAccess !== undefined;
    return changing(
      options,
      async (tx) => {
        const outcome = await updateMember(tx, seatRule, read, { tenantId, by: named, ...patch, now: clock() });
        const member = acceptedMember(outcome, tenantId, 'userId' in named ? named.userId : named.memberId);
        const changed = outcome?.verdict === 'changed';
        if (outcome !== null && changed && outcome.before !== null) {
          await publish(eventOf(member, outcome.before), tx, by);
          await publishSeats(tenantId, outcome, tx, by);
          if (ends !== undefined) {
            await toolbox.cutAccess?.({ tenantId, memberId: member.id, userId: member.userId, how: ends }, tx);
          }
        }
        return { member, changed };
      },
      cuts,
    );
  }

  async function insert(
    { tenantId, userId, role = 'member', email, name, status = 'active' }: Parameters<Members['add']>[0],
    asks: boolean,
    options: ActOptions | undefined,
  ): Promise<{ readonly member: Member; readonly created: boolean }> {
    roles.check(role);
    if (status !== 'active' && status !== 'pending') {
      throw new TenantryError('name_invalid', { field: 'status', problem: 'is active or pending' });
    }
    const by = readActor(options?.by);
    const wanted = {
      tenantId: readTenantId(tenantId),
      userId: opaqueId('userId', userId),
      role,
      status: asks ? ('requested' as const) : status,
      comeback: 'as-given' as const,
      email: readText('email', email, 320),
      name: readText('name', name, 200),
    };
    const read = async (handle: AnyDatabase): Promise<Authority> => {
      const authority = await managerOf(handle, wanted.tenantId, by);
      requireRole(roles, authority, role);
      return authority;
    };
    return changing(options, async (tx) => {
      const outcome = await insertMember(tx, seatRule, read, { ...wanted, id: ids(), now: clock() });
      const member = acceptedMember(outcome, tenantId, userId);
      const created = outcome?.verdict === 'changed';
      if (outcome !== null && created) {
        const returned = outcome.before?.status === 'removed';
        const data = { ...dataOf(member), status: wanted.status, returned };
        await publish({ name: 'member.added', tenantId: member.tenantId, data }, tx, by);
        await publishSeats(member.tenantId, outcome, tx, by);
      }
      return { member, created };
    });
  }

  return {
    add: (input, options) => insert(input, false, options),

    request: (input, options) => insert(input, true, options?.db === undefined ? undefined : { db: options.db }),

    async approve({ role, ...ref }, options) {
      if (role !== undefined) roles.check(role);
      const approvedBy = readActor(options?.by)?.userId ?? null;
      const patch = { status: 'active' as const, from: ['pending', 'requested'], approvedBy };
      return change(ref, { ...patch, ...(role !== undefined && { role }) }, options, (member, before) => ({
        name: 'member.approved',
        tenantId: member.tenantId,
        data: { ...dataOf(member), previousStatus: before.status },
      }));
    },

    reject: (ref, options) =>
      change(ref, { status: 'removed', from: ['pending', 'requested'] }, options, (member, before) => ({
        name: 'member.rejected',
        tenantId: member.tenantId,
        data: { ...dataOf(member), previousStatus: before.status },
      })),

    get: async (ref, options) => findMember(options?.db ?? db, readTenantId(ref.tenantId), readMemberRef(ref)),

    async list({ tenantId, statuses = ['active', 'pending', 'requested', 'suspended'], ...page }, options) {
      const { after, limit } = readPage(page);
      const part = { statuses, after, limit: limit + 1 };
      const found = await listMembers(options?.db ?? db, readTenantId(tenantId), part);
      return pageOf(found, limit, ({ id }) => id);
    },

    async setRole({ role, ...ref }, options) {
      roles.check(role);
      return change(ref, { role, from: present }, options, (member, before) => ({
        name: 'member.role_changed',
        tenantId: member.tenantId,
        data: { ...dataOf(member), previousRole: before.role },
      }));
    },

    update: (input, options) => updateDetails(toolbox, input, options),

    transferOwnership: (input, options) => transferOwnership(toolbox, input, options),

    activate: (ref, options) =>
      change(ref, { status: 'active', from: ['pending', 'suspended'] }, options, (member, before) => ({
        name: 'member.activated',
        tenantId: member.tenantId,
        data: { ...dataOf(member), previousStatus: before.status === 'pending' ? 'pending' : 'suspended' },
      })),

    suspend: (ref, options) =>
      change(ref, { status: 'suspended', from: ['active', 'pending'] }, options, (member) => ({
        name: 'member.suspended',
        tenantId: member.tenantId,
        data: dataOf(member),
      })),

    remove: (ref, options) =>
      change(ref, { status: 'removed', from: anyStatus, own: true }, options, (member) => ({
        name: 'member.removed',
        tenantId: member.tenantId,
        data: dataOf(member),
      })),

    removeUser: (input, options) => removeUser(toolbox, input, options),
  };
}

function isSelf({ member }: Authority, by: Actor | undefined, named: MemberName): boolean {
  return member !== null && ('userId' in named ? named.userId === by?.userId : named.memberId === member.id);
}

function dataOf({ id, userId, role }: Member): { memberId: string; userId: string; role: string } {
  return { memberId: id, userId, role };
}
