import { opaqueId, TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { type ActOptions, readActor, requireRole } from './authority.ts';
import { readTenantId } from './input.ts';
import type { TransferInput } from './members-interface.ts';
import type { Member } from './organization.ts';
import { transferOwner } from './ownership-store.ts';
import type { Toolbox } from './toolbox.ts';

/** Hands an organization over from one owner to another member. */
export async function transferOwnership(
  { clock, roles, seatRule, changing, publish, publishSeats, authorityOf }: Toolbox,
  { tenantId, fromUserId, toUserId, role = 'admin' }: TransferInput,
  options: ActOptions | undefined,
): Promise<{ from: Member; to: Member }> {
  roles.check(role);
  if (role === 'owner' || opaqueId('fromUserId', fromUserId) === opaqueId('toUserId', toUserId)) {
    throw new TenantryError('name_invalid', { field: 'toUserId', problem: 'must be another user than the owner' });
  }
  const by = readActor(options?.by);
  const transfer = { tenantId: readTenantId(tenantId), fromUserId, toUserId, role };
  const read = async (handle: AnyDatabase) => {
    const authority = await authorityOf(handle, tenantId, by);
    requireRole(roles, authority, 'owner');
    return authority;
  };
  return changing(options, async (tx) => {
    const outcome = await transferOwner(tx, seatRule, read, { ...transfer, now: clock() });
    if (outcome === null) throw new TenantryError('organization_not_found', { organization: tenantId });
    const { verdict, from, to, bought, taken } = outcome;
    if (verdict === 'seats_exhausted') {
      throw new TenantryError('seats_exhausted', { tenantId, bought: bought ?? 0, taken });
    }
    if (verdict === 'to_not_found') throw new TenantryError('member_not_found', { member: toUserId });
    if (from === null || to === null) throw new TenantryError('member_not_found', { member: fromUserId });
    const { previousRole, ...owner } = to;
    const data = {
      from: { memberId: from.id, userId: from.userId, role: from.role },
      to: { memberId: owner.id, userId: owner.userId, role: owner.role },
    };
    await publish({ name: 'organization.ownership_transferred', tenantId, data }, tx, by);
    await publish({ name: 'member.role_changed', tenantId, data: { ...data.from, previousRole: 'owner' } }, tx, by);
    if (previousRole !== 'owner') {
      await publish({ name: 'member.role_changed', tenantId, data: { ...data.to, previousRole } }, tx, by);
    }
    await publishSeats(tenantId, outcome, tx, by);
    return { from, to: owner };
  });
}
