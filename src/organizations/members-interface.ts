import type { Page, PageOptions } from '../core/page.ts';
import type { CallOptions } from '../database/index.ts';
import type { ActOptions } from './authority.ts';
import type { Member, MemberChange, MemberRef, MemberStatus } from './organization.ts';

/** A user to become a member. */
export interface AddMemberInput<Role extends string = string> {
  readonly tenantId: string;
  /** The application's id of the user, taken as it is. */
  readonly userId: string;
  /** `member` when absent. */
  readonly role?: Role;
  readonly email?: string | null;
  readonly name?: string | null;
  /** `pending` gives a seat to somebody who is still to come or to be approved; `active` when absent. */
  readonly status?: 'active' | 'pending';
}

/** What an owner hands over, and to whom. */
export interface TransferInput<Role extends string = string> {
  readonly tenantId: string;
  /** The user who is an owner now. */
  readonly fromUserId: string;
  /** The user who becomes one; an active member. */
  readonly toUserId: string;
  /** What the former owner is then; `admin` when absent. */
  readonly role?: Role;
}

/**
 * Members of organizations. Every change is exact, whoever else changes the same organization at the same moment.
 *
 * With `by` a method is called for a user, who needs `members:manage` and can neither give a role that allows more than
 * they hold, nor touch a member in such a role. A user may always leave.
 */
export interface Members<Role extends string = string> {
  /**
   * Adds a user to an organization, and with that takes a seat. A user who is a member already, in whatever role and
   * also when suspended, stays as they are: `created` is false. A removed one comes back, in the role given now, without
   * the grants and teams of before; one who asked to join is taken in.
   *
   * @throws TenantryError `organization_not_found`, `seats_exhausted`, `role_unknown`, `permission_denied`,
   * `name_invalid`.
   */
  add(
    input: AddMemberInput<Role>,
    options?: ActOptions,
  ): Promise<{ readonly member: Member; readonly created: boolean }>;
  /**
   * Notes that a user asks to join. The request takes no seat and gives no access until `approve`. Doing it again
   * changes nothing.
   *
   * @throws TenantryError `organization_not_found`, `role_unknown`, `name_invalid`.
   */
  request(
    input: Omit<AddMemberInput<Role>, 'status'>,
    options?: CallOptions,
  ): Promise<{ readonly member: Member; readonly created: boolean }>;
  /**
   * Lets in a member who is pending or asked to join, and notes by whom and when. The role may be given anew.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `seats_exhausted`, `role_unknown`,
   * `permission_denied`.
   */
  approve(ref: MemberRef & { readonly role?: Role }, options?: ActOptions): Promise<MemberChange>;
  /**
   * Turns away a member who is pending or asked to join.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `permission_denied`.
   */
  reject(ref: MemberRef, options?: ActOptions): Promise<MemberChange>;
  /** Reads a member, also a removed one; null when there is none. */
  get(ref: MemberRef, options?: CallOptions): Promise<Member | null>;
  /**
   * Lists members in the order of their ids, which is the order in which they came. Removed ones are left out unless
   * `statuses` names them. One statement.
   *
   * @throws TenantryError `amount_invalid` for a limit, `name_invalid` for a cursor that is none.
   */
  list(
    input: { readonly tenantId: string; readonly statuses?: readonly MemberStatus[] } & PageOptions,
    options?: CallOptions,
  ): Promise<Page<Member>>;
  /**
   * Gives a member another role.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `role_unknown`, `last_owner`,
   * `seats_exhausted` where the role decides who is billable, `permission_denied`.
   */
  setRole(input: MemberRef & { readonly role: Role }, options?: ActOptions): Promise<MemberChange>;
  /**
   * Sets the name and the address by which lists show a member: what is left out stays, null takes it away. A user may do
   * it for themselves, without `members:manage`. Tokens and keys stay good. Who was removed has neither.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `permission_denied`, `name_invalid`.
   */
  update(
    input: MemberRef & { readonly name?: string | null; readonly email?: string | null },
    options?: ActOptions,
  ): Promise<MemberChange>;
  /**
   * Makes an active member an owner and the owner who hands over something else, in one statement.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `role_unknown`, `permission_denied`.
   */
  transferOwnership(input: TransferInput<Role>, options?: ActOptions): Promise<{ from: Member; to: Member }>;
  /**
   * Makes a pending or suspended member active; a suspended one takes a seat again.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `seats_exhausted`, `permission_denied`.
   */
  activate(ref: MemberRef, options?: ActOptions): Promise<MemberChange>;
  /**
   * Takes a member's access and seat, and keeps the membership for `activate`. Keys are refused from now on.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `last_owner`, `permission_denied`.
   */
  suspend(ref: MemberRef, options?: ActOptions): Promise<MemberChange>;
  /**
   * Ends a membership and frees its seat; grants and teams end with it. The row is kept, so that what the member did
   * still has a name. Keys are refused from now on. Doing it again changes nothing.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `last_owner`, `permission_denied`.
   */
  remove(ref: MemberRef, options?: ActOptions): Promise<MemberChange>;
  /**
   * Ends the memberships of a user in all organizations, all or none, and takes name and address off the rows: for a
   * user who deletes their account. Gives the organizations that they left.
   *
   * @throws TenantryError `last_owner` with the organization in which the user is the only owner.
   */
  removeUser(input: { readonly userId: string }, options?: ActOptions): Promise<readonly string[]>;
}
