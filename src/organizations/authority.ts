import { type RawBuilder, sql } from 'kysely';
import { type Actor, covers, opaqueId, permits, TenantryError } from '../core/index.ts';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import type { CallOptions } from '../database/index.ts';
import type { RoleBook } from './roles.ts';

/** Options of the methods that somebody may call for a user. */
export interface ActOptions extends CallOptions {
  /**
   * The user who does it: an active member who holds the permission that it takes, and who gives nothing that they do
   * not hold. With `superAdmin` the application vouches that the user stands above all organizations. Without `by` it is
   * the program itself.
   */
  readonly by?: Actor;
}

/** What is known of whoever acts, and what must still be so when the change is made. */
export interface Authority {
  /** Null for the program itself and for a super admin. */
  readonly member: { readonly id: string; readonly role: string; readonly revision: string } | null;
  /** The patterns of permissions that the actor holds. */
  readonly patterns: readonly string[];
  /** Those that do not expire, and so may be handed on: else a grant for a day could be made one for ever. */
  readonly lasting: readonly string[];
}

/** The program itself, and whoever stands above all organizations. */
export const everything: Authority = { member: null, patterns: ['*'], lasting: ['*'] };

/** Checks the form of an actor. */
export function readActor(by: Actor | undefined): Actor | undefined {
  return by === undefined ? undefined : { ...by, userId: opaqueId('by.userId', by.userId) };
}

/**
 * Reads what an actor holds.
 *
 * @throws TenantryError `organization_not_found` for who is no active member: it tells nobody what exists.
 */
export async function readAuthority(
  db: AnyDatabase,
  roles: RoleBook,
  tenantId: string,
  by: Actor | undefined,
  now: Date,
): Promise<Authority> {
  if (by === undefined || by.superAdmin === true) return everything;
  type Row = { id: string; role: string; revision: string; grants: readonly string[]; lasting: readonly string[] };
  const { rows } = await sql<Row>`
    select m.id, m.role, m.revision::text as revision, ${grantsSql(now)} as grants,
      array(select g.permission from tenantry.member_grants g
        where g.tenant_id = m.tenant_id and g.member_id = m.id and g.expires_at is null) as lasting
    from tenantry.members m
    where m.tenant_id = ${tenantId}::uuid and m.user_id = ${by.userId} and m.status = 'active'`.execute(libraryOf(db));
  const row = rows[0];
  if (row === undefined) throw new TenantryError('organization_not_found', { organization: tenantId });
  const { id, role, revision, grants, lasting } = row;
  const allowed = roles.permissionsOf(role);
  return { member: { id, role, revision }, patterns: [...allowed, ...grants], lasting: [...allowed, ...lasting] };
}

/** The permissions granted to a member whom the statement calls `m`, as an array. */
export function grantsSql(now: Date): RawBuilder<readonly string[]> {
  return sql`array(select g.permission from tenantry.member_grants g
    where g.tenant_id = m.tenant_id and g.member_id = m.id and (g.expires_at is null or g.expires_at > ${now}::timestamptz)
    order by g.permission)`;
}

/**
 * A common table expression `actor (fit)` of one row: whether the actor is still what was read. The member is locked, so
 * that one who was changed meanwhile is judged as they are now.
 */
export function actorSql(tenantId: string, { member }: Authority): RawBuilder<unknown> {
  if (member === null) return sql`actor as materialized (select true as fit)`;
  return sql`acting as materialized (
      select m.id from o join tenantry.members m on m.tenant_id = o.tenant_id
      where m.tenant_id = ${tenantId}::uuid and m.id = ${member.id}::uuid and m.status = 'active'
        and m.role = ${member.role} and m.revision = ${member.revision}::bigint for share of m
    ), actor as materialized (select exists (select 1 from acting) as fit)`;
}

/**
 * Goes on only with a permission.
 *
 * @throws TenantryError `permission_denied`.
 */
export function requirePermission({ patterns }: Authority, permission: string): void {
  if (!permits(patterns, permission)) throw new TenantryError('permission_denied', { permission });
}

/** The known roles whose members the actor may not manage, and which they may not give. */
export function rolesBeyond(roles: RoleBook, { member, lasting }: Authority): readonly string[] {
  return member === null ? [] : roles.beyond(member.role, lasting);
}

/**
 * Goes on only when the actor may give a role.
 *
 * @throws TenantryError `permission_denied` with what the actor lacks.
 */
export function requireRole(roles: RoleBook, { member, lasting }: Authority, role: string): void {
  const lacks = member === null ? null : roles.lacking(member.role, lasting, role);
  if (lacks !== null) throw new TenantryError('permission_denied', { permission: lacks });
}

/**
 * Goes on only when the actor may hand a permission on.
 *
 * @throws TenantryError `permission_denied`.
 */
export function requireHeld({ lasting }: Authority, permission: string): void {
  if (!covers(lasting, permission)) throw new TenantryError('permission_denied', { permission });
}
