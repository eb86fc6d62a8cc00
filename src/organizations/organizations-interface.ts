import type { Page, PageOptions } from '../core/page.ts';
import type { CallOptions } from '../database/index.ts';
import type { ActOptions } from './authority.ts';
import type { Domains } from './domains-interface.ts';
import type { Grants } from './grants.ts';
import type { Invitations } from './invitations-interface.ts';
import type { Members } from './members-interface.ts';
import type { Member, MemberRef, Organization, Seats } from './organization.ts';
import type { Teams } from './teams-interface.ts';

/** An organization to be. */
export interface CreateOrganizationInput {
  /** What people call it: at most 200 characters. */
  readonly name: string;
  /** Names it among all; made from the name when absent. */
  readonly slug?: string;
  readonly owner: { readonly userId: string; readonly email?: string | null; readonly name?: string | null };
  /** The seats it has at the beginning, of which the owner takes one; null: no cap. */
  readonly seats?: number | null;
  readonly plan?: string;
  /** The application's own facts: at most 16 KiB as JSON. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** What of an organization is to be set; what is left out stays. */
export interface UpdateOrganizationInput {
  readonly tenantId: string;
  readonly name?: string;
  /** The slug before stays an alias of the organization. */
  readonly slug?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** An organization that a user is an active member of. */
export interface Membership {
  readonly organization: Organization;
  readonly memberId: string;
  readonly role: string;
}

/** An active member's role, and what was granted beyond it. */
export interface Standing {
  readonly memberId: string;
  readonly role: string;
  /** Grants that are not over. */
  readonly grants: readonly string[];
  /** The patterns of permissions of the role and the grants together. */
  readonly permissions: readonly string[];
}

/** Organizations, their members and their seats. */
export interface Organizations<Role extends string = string, TeamRole extends string = string> {
  /**
   * Makes an organization with its owner, in one statement: all of it, or nothing. A slug that is made from the name
   * gets a number where it is taken. Anybody may do it (`by` is told in the events).
   *
   * @throws TenantryError `name_invalid`, `slug_invalid`, `slug_taken` (only for a slug that was given),
   * `amount_invalid`, `limit_reached` when the user owns as many as `organizationsPerUser` allows.
   */
  create(input: CreateOrganizationInput, options?: ActOptions): Promise<Organization & { readonly owner: Member }>;
  /**
   * Renames an organization, gives it another slug, or sets its facts. The slug it had leads to it as before. A user who
   * does it (`by`) needs `organization:manage`.
   *
   * @throws TenantryError `organization_not_found`, `slug_taken`, `slug_invalid`, `name_invalid`, `permission_denied`.
   */
  update(input: UpdateOrganizationInput, options?: ActOptions): Promise<Organization>;
  /** Reads an organization by its tenant; null when there is none. */
  get(tenantId: string, options?: CallOptions): Promise<Organization | null>;
  /** Reads an organization by its slug, or by one that it had; null when there is none. */
  getBySlug(slug: string, options?: CallOptions): Promise<Organization | null>;
  /**
   * Lists what a user is an active member of, in the order in which the organizations were made.
   *
   * @throws TenantryError `amount_invalid` for a limit, `name_invalid` for a cursor that is none.
   */
  ofUser(input: { readonly userId: string } & PageOptions, options?: CallOptions): Promise<Page<Membership>>;
  /** Tells in which role a user is an active member; null for everybody else. */
  membershipOf(
    tenantId: string,
    userId: string,
    options?: CallOptions,
  ): Promise<{ readonly memberId: string; readonly role: string } | null>;
  /**
   * Tells what an active member may do: by the role, and by grants that are not over; null for everybody else. One
   * statement.
   *
   * @throws TenantryError `organization_not_found`, `member_not_found` for what is no id.
   */
  standingOf(ref: MemberRef, options?: CallOptions): Promise<Standing | null>;
  readonly members: Members<Role>;
  readonly grants: Grants;
  readonly invitations: Invitations<Role>;
  readonly teams: Teams<TeamRole>;
  readonly domains: Domains<Role>;
  /**
   * Tells how many seats are bought, taken, held and free. One statement.
   *
   * @throws TenantryError `organization_not_found`.
   */
  seats(tenantId: string, options?: CallOptions): Promise<Seats>;
  /**
   * Sets how many seats are bought; null takes the cap away. Fewer than are taken is possible: nobody is removed, nobody
   * can be added until there is room again, and the policy of the module says what else. A user who does it (`by`) needs
   * `seats:manage`.
   *
   * @throws TenantryError `organization_not_found`, `amount_invalid`, `permission_denied`.
   */
  setSeats(tenantId: string, bought: number | null, options?: ActOptions): Promise<Seats>;
  /**
   * Counts the seats anew by the module's rule of who is billable. Call it for each organization after the rule was
   * changed; until then members are counted as they were when they last changed.
   *
   * @throws TenantryError `organization_not_found`.
   */
  recountSeats(tenantId: string, options?: CallOptions): Promise<Seats>;
  /**
   * Tells the place of a member among those who take a seat: owners first, then in the order in which they came. 0 for
   * who takes none. Under the policy `read-only` those beyond the seats bought may only read.
   */
  seatPlaceOf(tenantId: string, memberId: string, options?: CallOptions): Promise<number>;
  /** The patterns of permissions that a role allows; none for a role that is not known. */
  permissionsOf(role: string): readonly string[];
}
