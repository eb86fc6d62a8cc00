import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { type ActOptions, readActor, requirePermission } from './authority.ts';
import { readMemberRef, readTenantId, readText } from './input.ts';
import { type MemberDetails, updateDetails as writeDetails } from './member-details-store.ts';
import type { Members } from './members-interface.ts';
import type { MemberChange } from './organization.ts';
import type { Toolbox } from './toolbox.ts';

/** Sets the name and the address of a member, for the program, who manages members, or the user themselves. */
export async function updateDetails(
  { clock, changing, publish, authorityOf, beyond }: Toolbox,
  { name, email, ...ref }: Parameters<Members['update']>[0],
  options: ActOptions | undefined,
): Promise<MemberChange> {
  const tenantId = readTenantId(ref.tenantId);
  const named = readMemberRef(ref);
  const by = readActor(options?.by);
  const details: MemberDetails = {
    ...(name !== undefined && { name: readText('name', name, 200) }),
    ...(email !== undefined && { email: readText('email', email, 320) }),
  };
  const read = async (handle: AnyDatabase) => {
    const authority = await authorityOf(handle, tenantId, by);
    const { member } = authority;
    const self = member !== null && ('userId' in named ? named.userId === by?.userId : named.memberId === member.id);
    if (!self) requirePermission(authority, 'members:manage');
    return { authority, beyond: beyond(authority) };
  };
  return changing(options, async (tx) => {
    const outcome = await writeDetails(tx, read, { tenantId, by: named, details, now: clock() });
    if (outcome === null) throw new TenantryError('organization_not_found', { organization: tenantId });
    const { verdict, member, role, before } = outcome;
    if (verdict === 'role_beyond') throw new TenantryError('permission_denied', { permission: `roles:${role ?? ''}` });
    if (member === null) {
      throw new TenantryError('member_not_found', { member: 'userId' in named ? named.userId : named.memberId });
    }
    const changed = verdict === 'changed';
    if (changed) {
      const { id: memberId, userId } = member;
      const now = { name: member.name, email: member.email };
      const data = {
        memberId,
        userId,
        role: member.role,
        ...now,
        previousName: before.name,
        previousEmail: before.email,
      };
      await publish({ name: 'member.updated', tenantId, data }, tx, by);
    }
    return { member, changed };
  });
}
