import { cursorOf, readCursor, strangeCursor } from '../core/cursor.ts';
import { type Actor, isUuid, TenantryError } from '../core/index.ts';
import { type Page, type PageOptions, pageOf, readLimit } from '../core/page.ts';
import type { AnyDatabase, CallOptions } from '../database/index.ts';
import { type ActOptions, readActor, requireHeld, requirePermission } from './authority.ts';
import { type Grant, type GrantOutcome, listGrants, removeGrant, setGrant } from './grant-store.ts';
import { named, readFuture, readMemberRef, readPermission, readTenantId } from './input.ts';
import type { MemberRef } from './organization.ts';
import type { Toolbox } from './toolbox.ts';

/**
 * What single members may do beyond their role. A user who grants (`by`) needs `members:manage`, and can grant only what
 * they hold themselves.
 */
export interface Grants {
  /**
   * Grants a member a permission, or a pattern of them, until it is taken back or expires. Granting it again sets the
   * expiry anew. A member who is removed loses it.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `permission_denied`, `name_invalid`.
   */
  give(
    input: MemberRef & { readonly permission: string; readonly expiresAt?: Date },
    options?: ActOptions,
  ): Promise<Grant>;
  /**
   * Takes a grant back; false when there was none.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `permission_denied`, `name_invalid`.
   */
  revoke(input: MemberRef & { readonly permission: string }, options?: ActOptions): Promise<boolean>;
  /**
   * Lists grants, of one member or of all, also those that are over, ordered by member and permission. One statement.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `amount_invalid`, `name_invalid`.
   */
  list(
    input: { readonly tenantId: string; readonly memberId?: string; readonly userId?: string } & PageOptions,
    options?: CallOptions,
  ): Promise<Page<Grant>>;
}

const managesMembers = 'members:manage';

/** Makes the grants of `createOrganizations`. */
export function createGrants({ db, clock, changing, publish, authorityOf, beyond }: Toolbox): Grants {
  async function managerOf(handle: AnyDatabase, tenantId: string, by: Actor | undefined, permission: string) {
    const authority = await authorityOf(handle, tenantId, by);
    requirePermission(authority, managesMembers);
    requireHeld(authority, permission);
    return { authority, beyond: beyond(authority) };
  }

  return {
    async give({ permission, expiresAt, ...ref }, options) {
      const tenantId = readTenantId(ref.tenantId);
      const by = readActor(options?.by);
      const now = clock();
      const wanted = {
        tenantId,
        member: readMemberRef(ref),
        permission: readPermission(permission),
        expiresAt: expiresAt === undefined ? null : readFuture('expiresAt', expiresAt, now),
        grantedBy: by?.userId ?? null,
        now,
      };
      return changing(options, async (tx) => {
        const outcome = await setGrant(tx, (handle) => managerOf(handle, tenantId, by, permission), wanted);
        const grant = accepted(outcome, tenantId, ref.userId ?? ref.memberId);
        if (outcome?.verdict === 'changed') {
          const { memberId } = grant;
          const data = { memberId, permission, expiresAt: grant.expiresAt };
          await publish({ name: 'member.granted', tenantId, data }, tx, by);
        }
        return grant;
      });
    },

    async revoke({ permission, ...ref }, options) {
      const tenantId = readTenantId(ref.tenantId);
      const by = readActor(options?.by);
      const wanted = { tenantId, member: readMemberRef(ref), permission: readPermission(permission), now: clock() };
      return changing(options, async (tx) => {
        const outcome = await removeGrant(tx, (handle) => managerOf(handle, tenantId, by, permission), wanted);
        if (outcome?.verdict === 'grant_not_found') return false;
        const { memberId } = accepted(outcome, tenantId, ref.userId ?? ref.memberId);
        await publish({ name: 'member.grant_revoked', tenantId, data: { memberId, permission } }, tx, by);
        return true;
      });
    },

    async list({ tenantId, memberId, userId, ...page }, options) {
      const limit = readLimit(page.limit);
      const cursor = readCursor(page.cursor, 2);
      if (cursor !== null && !isUuid(cursor[0])) throw strangeCursor();
      const member =
        userId !== undefined ? readMemberRef({ userId }) : memberId !== undefined ? readMemberRef({ memberId }) : null;
      const part = { member, after: cursor, limit: limit + 1 };
      const found = await listGrants(options?.db ?? db, readTenantId(tenantId), part);
      return pageOf(found, limit, (last) => cursorOf([last.memberId, last.permission]));
    },
  };
}

function accepted(outcome: GrantOutcome | null, tenantId: string, member: string | undefined): Grant {
  if (outcome === null) throw new TenantryError('organization_not_found', { organization: tenantId });
  const { verdict, grant, role } = outcome;
  if (verdict === 'role_beyond') throw new TenantryError('permission_denied', { permission: `roles:${role ?? ''}` });
  if (grant === null) throw new TenantryError('member_not_found', { member: named(member) });
  return grant;
}
