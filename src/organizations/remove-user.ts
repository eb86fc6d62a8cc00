import { sql } from 'kysely';
import { opaqueId, TenantryError } from '../core/index.ts';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { type ActOptions, everything, readActor } from './authority.ts';
import { acceptedMember } from './member-outcome.ts';
import { updateMember } from './member-store.ts';
import type { Toolbox } from './toolbox.ts';

const anyStatus = ['active', 'pending', 'requested', 'suspended', 'removed'];

/** Ends all memberships of a user, in one transaction and in the order of the organizations' ids. */
export async function removeUser(
  { clock, seatRule, changing, publish, publishSeats, cutAccess }: Toolbox,
  input: { readonly userId: string },
  options: ActOptions | undefined,
): Promise<readonly string[]> {
  const userId = opaqueId('userId', input.userId);
  const by = readActor(options?.by);
  if (by !== undefined && by.superAdmin !== true && by.userId !== userId) {
    throw new TenantryError('permission_denied', { permission: 'users:manage' });
  }
  const program = async () => ({ authority: everything, beyond: [] });
  return changing(
    options,
    async (tx) => {
      const left: string[] = [];
      const places = await tenantsOf(tx, userId);
      const stuck = await lastOwned(tx, userId, places);
      if (stuck !== undefined) throw new TenantryError('last_owner', { tenantId: stuck });
      for (const tenantId of places) {
        const patch = { tenantId, by: { userId }, status: 'removed', from: anyStatus, forget: true } as const;
        const outcome = await updateMember(tx, seatRule, program, { ...patch, now: clock() });
        const member = acceptedMember(outcome, tenantId, userId);
        if (outcome === null || outcome.before === null || outcome.before.status === 'removed') continue;
        left.push(tenantId);
        const { id: memberId, role } = member;
        await publish({ name: 'member.removed', tenantId, data: { memberId, userId, role } }, tx, by);
        await publishSeats(tenantId, outcome, tx, by);
        await cutAccess?.({ tenantId, memberId, userId, how: 'removed' }, tx);
      }
      return left;
    },
    true,
  );
}

async function tenantsOf(db: AnyDatabase, userId: string): Promise<readonly string[]> {
  const { rows } = await sql<{ tenant_id: string }>`
    select m.tenant_id from tenantry.members m
    where m.user_id = ${userId} and not (m.status = 'removed' and m.email is null and m.name is null)
    order by m.tenant_id`.execute(libraryOf(db));
  return rows.map((row) => row.tenant_id);
}

/**
 * Locks the organizations in the order of their ids, and gives one of which the user is the only owner: in a caller's
 * transaction, which may go on after the error, nothing must have changed by then.
 */
async function lastOwned(tx: AnyDatabase, userId: string, places: readonly string[]): Promise<string | undefined> {
  const ids = sql.val([...places]);
  await sql`select tenant_id from tenantry.organizations where tenant_id = any(${ids}::uuid[])
    order by tenant_id for no key update`.execute(libraryOf(tx));
  const { rows } = await sql<{ tenant_id: string }>`
    select m.tenant_id from tenantry.members m
    where m.tenant_id = any(${ids}::uuid[]) and m.user_id = ${userId} and m.role = 'owner' and m.status = 'active'
      and not exists (select 1 from tenantry.members x where x.tenant_id = m.tenant_id and x.id <> m.id
        and x.role = 'owner' and x.status = 'active')
    order by m.tenant_id limit 1`.execute(libraryOf(tx));
  return rows[0]?.tenant_id;
}
