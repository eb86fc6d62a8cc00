import { type Clock, type Ids, opaqueId, TenantryError } from '../core/index.ts';
import type { AnyDatabase, CallOptions } from '../database/index.ts';
import type { OrganizationEvent } from './events.ts';
import { readMemberRef, readPage, readTenantId, readText } from './input.ts';
import {
  findMember,
  insertMember,
  listMembers,
  type MemberOutcome,
  type MemberPatch,
  updateMember,
} from './member-store.ts';
import type { Member, MemberChange, MemberRef, MemberStatus, Page, PageOptions } from './organization.ts';
import type { RoleBook } from './roles.ts';

/** A user to become a member. */
export interface AddMemberInput<Role extends string = string> {
  readonly tenantId: string;
  /** The application's id of the user, taken as it is. */
  readonly userId: string;
  /** `member` when absent. */
  readonly role?: Role;
  readonly email?: string | null;
  readonly name?: string | null;
  /** `pending` gives a seat to somebody who is still to come; `active` when absent. */
  readonly status?: 'active' | 'pending';
}

/** Members of organizations. Every change is exact, whoever else changes the same organization at the same moment. */
export interface Members<Role extends string = string> {
  /**
   * Adds a user to an organization, and with that takes a seat. A user who is a member already, in whatever role and
   * also when suspended, stays as they are: `created` is false. A removed one comes back, in the role given now.
   *
   * @throws TenantryError `organization_not_found`, `seats_exhausted`, `role_unknown`, `name_invalid`.
   */
  add(
    input: AddMemberInput<Role>,
    options?: CallOptions,
  ): Promise<{ readonly member: Member; readonly created: boolean }>;
  /** Reads a member, also a removed one; null when there is none. */
  get(ref: MemberRef, options?: CallOptions): Promise<Member | null>;
  /**
   * Lists members in the order of their ids, which is the order in which they came. Removed ones are left out unless
   * `statuses` names them.
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
   * @throws TenantryError `organization_not_found`, `member_not_found`, `role_unknown`, `last_owner`.
   */
  setRole(input: MemberRef & { readonly role: Role }, options?: CallOptions): Promise<MemberChange>;
  /**
   * Makes a pending or suspended member active; a suspended one takes a seat again.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `seats_exhausted`.
   */
  activate(ref: MemberRef, options?: CallOptions): Promise<MemberChange>;
  /**
   * Takes a member's access and seat, and keeps the membership for `activate`.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `last_owner`.
   */
  suspend(ref: MemberRef, options?: CallOptions): Promise<MemberChange>;
  /**
   * Ends a membership and frees its seat. The row is kept, so that what the member did still has a name, and the
   * member's API keys are refused from now on. Doing it again changes nothing.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found`, `last_owner`.
   */
  remove(ref: MemberRef, options?: CallOptions): Promise<MemberChange>;
}

/** What the members need of the module that holds them. */
export interface MembersDeps {
  readonly db: AnyDatabase;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly roles: RoleBook;
  /** Runs a change, in a transaction where events are written with it. */
  readonly changing: <Result>(
    options: CallOptions | undefined,
    work: (tx: AnyDatabase) => Promise<Result>,
  ) => Promise<Result>;
  /** Hands an event to the sink, stamped with id and time. */
  readonly publish: (event: Unstamped<OrganizationEvent>, tx: AnyDatabase) => Promise<void>;
}

/** An event before it has its id and time. */
export type Unstamped<Event> = Event extends unknown ? Omit<Event, 'id' | 'occurredAt'> : never;

/** Makes the members of `createOrganizations`. */
export function createMembers({ db, clock, ids, roles, changing, publish }: MembersDeps): Members {
  async function change(
    ref: MemberRef,
    set: Pick<MemberPatch, 'role' | 'status'>,
    options: CallOptions | undefined,
    eventOf: (member: Member, before: NonNullable<MemberOutcome['before']>) => Unstamped<OrganizationEvent>,
  ): Promise<MemberChange> {
    const tenantId = readTenantId(ref.tenantId);
    const by = readMemberRef(ref);
    return changing(options, async (tx) => {
      const outcome = await updateMember(tx, { tenantId, by, ...set, now: clock() });
      const named = 'userId' in by ? by.userId : by.memberId;
      const member = accepted(outcome, tenantId, named);
      if (outcome?.verdict === 'changed' && outcome.before !== null) {
        await publish(eventOf(member, outcome.before), tx);
        await publishSeats(outcome, tenantId, tx);
      }
      return { member, changed: outcome?.verdict === 'changed' };
    });
  }

  async function publishSeats(outcome: MemberOutcome, tenantId: string, tx: AnyDatabase): Promise<void> {
    const { bought, taken, previousTaken } = outcome;
    if (taken === previousTaken) return;
    const data = { bought, taken, previousBought: bought, previousTaken };
    await publish({ name: 'seats.changed', tenantId, data }, tx);
  }

  return {
    async add({ tenantId, userId, role = 'member', email, name, status = 'active' }, options) {
      roles.check(role);
      const wanted = {
        tenantId: readTenantId(tenantId),
        userId: opaqueId('userId', userId),
        role,
        status,
        email: readText('email', email, 320),
        name: readText('name', name, 200),
      };
      return changing(options, async (tx) => {
        const outcome = await insertMember(tx, { ...wanted, id: ids(), now: clock() });
        const member = accepted(outcome, tenantId, userId);
        const created = outcome?.verdict === 'changed';
        if (outcome !== null && created) {
          const data = { ...dataOf(member), status, returned: outcome.before !== null };
          await publish({ name: 'member.added', tenantId: member.tenantId, data }, tx);
          await publishSeats(outcome, member.tenantId, tx);
        }
        return { member, created };
      });
    },

    get: async (ref, options) => findMember(options?.db ?? db, readTenantId(ref.tenantId), readMemberRef(ref)),

    async list({ tenantId, statuses = ['active', 'pending', 'suspended'], ...page }, options) {
      const { after, limit } = readPage(page);
      const part = { statuses, after, limit: limit + 1 };
      const found = await listMembers(options?.db ?? db, readTenantId(tenantId), part);
      const items = found.slice(0, limit);
      return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null };
    },

    async setRole({ role, ...ref }, options) {
      roles.check(role);
      return change(ref, { role }, options, (member, before) => ({
        name: 'member.role_changed',
        tenantId: member.tenantId,
        data: { ...dataOf(member), previousRole: before.role },
      }));
    },

    activate: (ref, options) =>
      change(ref, { status: 'active' }, options, (member, before) => ({
        name: 'member.activated',
        tenantId: member.tenantId,
        data: { ...dataOf(member), previousStatus: before.status === 'pending' ? 'pending' : 'suspended' },
      })),

    suspend: (ref, options) =>
      change(ref, { status: 'suspended' }, options, (member) => ({
        name: 'member.suspended',
        tenantId: member.tenantId,
        data: dataOf(member),
      })),

    remove: (ref, options) =>
      change(ref, { status: 'removed' }, options, (member) => ({
        name: 'member.removed',
        tenantId: member.tenantId,
        data: dataOf(member),
      })),
  };
}

/** The member that a statement left behind; what it refused becomes an error. */
function accepted(outcome: MemberOutcome | null, tenantId: string, named: string): Member {
  if (outcome === null) throw new TenantryError('organization_not_found', { organization: tenantId });
  const { verdict, member, bought, taken } = outcome;
  if (verdict === 'last_owner') throw new TenantryError('last_owner', { tenantId });
  if (verdict === 'seats_exhausted') {
    throw new TenantryError('seats_exhausted', { tenantId, bought: bought ?? 0, taken });
  }
  if (member === null) throw new TenantryError('member_not_found', { member: named });
  return member;
}

function dataOf({ id, userId, role }: Member): { memberId: string; userId: string; role: string } {
  return { memberId: id, userId, role };
}
