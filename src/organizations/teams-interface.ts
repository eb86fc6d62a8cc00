import type { RawBuilder } from 'kysely';
import type { Page, PageOptions } from '../core/page.ts';
import type { CallOptions } from '../database/index.ts';
import type { ActOptions } from './authority.ts';
import type { MemberRef } from './organization.ts';

/** A subset of members, to which resources are shared. Teams form trees. */
export interface Team {
  readonly id: string;
  readonly tenantId: string;
  readonly name: string;
  /** The team above; null at the top. */
  readonly parentId: string | null;
  /** The application's own facts. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A member in a team. */
export interface TeamMember {
  readonly tenantId: string;
  readonly teamId: string;
  readonly memberId: string;
  readonly userId: string;
  /** The role in the team. */
  readonly role: string;
  readonly createdAt: Date;
}

/** Something of the application's, named in its own words. */
export interface Resource {
  /** What it is, such as `host`. */
  readonly type: string;
  readonly id: string;
}

/** What a team was given. */
export interface TeamShare {
  readonly tenantId: string;
  readonly teamId: string;
  readonly resource: Resource;
  /** A pattern of permissions, such as `hosts:read` or `hosts:*`. */
  readonly permission: string;
  /** The user who shared it; null where it was the program. */
  readonly sharedBy: string | null;
  readonly sharedAt: Date;
}

/** Names a team. */
export interface TeamRef {
  readonly tenantId: string;
  readonly teamId: string;
}

/** Which resources of a user are asked for. */
export interface ResourcesOfInput {
  readonly tenantId: string;
  readonly userId: string;
  /** Of which type. */
  readonly type: string;
  /** Only those with which the user may do this. */
  readonly permission?: string;
}

/**
 * Teams and what is shared to them. Whoever is in a team has what is shared to it, and what is shared to the teams above
 * it. Only active members count.
 *
 * With `by` a method is called for a user, who needs `teams:manage`, or in the team or one above it a role that allows
 * `team:manage` (as `lead` does); and who shares only what they hold.
 */
export interface Teams<TeamRole extends string = string> {
  /**
   * Makes a team. A user makes one at the top with `teams:manage` only.
   *
   * @throws TenantryError `organization_not_found`, `team_not_found` for the parent, `permission_denied`, `name_invalid`.
   */
  create(
    input: {
      readonly tenantId: string;
      readonly name: string;
      readonly parentId?: string | null;
      readonly metadata?: Readonly<Record<string, unknown>>;
    },
    options?: ActOptions,
  ): Promise<Team>;
  /**
   * Renames a team, moves it under another (null: to the top), or sets its facts. What is left out stays.
   *
   * @throws TenantryError `organization_not_found`, `team_not_found`, `team_cycle` for a place below itself,
   * `permission_denied`, `name_invalid`.
   */
  update(
    input: TeamRef & {
      readonly name?: string;
      readonly parentId?: string | null;
      readonly metadata?: Readonly<Record<string, unknown>>;
    },
    options?: ActOptions,
  ): Promise<Team>;
  /**
   * Ends a team: what was shared to it is not any more, its members stay members of the organization, and the teams
   * below it move up.
   *
   * @throws TenantryError `organization_not_found`, `team_not_found`, `permission_denied`.
   */
  remove(ref: TeamRef, options?: ActOptions): Promise<Team>;
  /** Reads a team; null when there is none. */
  get(ref: TeamRef, options?: CallOptions): Promise<Team | null>;
  /**
   * Lists teams in the order in which they were made: all, or those below `parentId` (null: those at the top).
   *
   * @throws TenantryError `organization_not_found` for what is no id, `amount_invalid`, `name_invalid`.
   */
  list(
    input: { readonly tenantId: string; readonly parentId?: string | null } & PageOptions,
    options?: CallOptions,
  ): Promise<Page<Team>>;
  /**
   * Puts a member into a team, or gives them another role in it; `member` when absent.
   *
   * @throws TenantryError `organization_not_found`, `team_not_found`, `member_not_found` (also for a removed one),
   * `role_unknown`, `permission_denied`.
   */
  setMember(
    input: TeamRef & MemberRef & { readonly role?: TeamRole },
    options?: ActOptions,
  ): Promise<{ readonly member: TeamMember; readonly changed: boolean }>;
  /**
   * Takes a member out of a team; false when they were not in it. A user may always leave a team.
   *
   * @throws TenantryError `organization_not_found`, `team_not_found`, `member_not_found`, `permission_denied`.
   */
  removeMember(input: TeamRef & MemberRef, options?: ActOptions): Promise<boolean>;
  /** Lists who is in a team itself, in the order of the members' ids. */
  members(input: TeamRef & PageOptions, options?: CallOptions): Promise<Page<TeamMember>>;
  /** Lists the teams that a user is in themselves, in the order in which the teams were made. */
  ofUser(
    input: { readonly tenantId: string; readonly userId: string } & PageOptions,
    options?: CallOptions,
  ): Promise<Page<{ readonly team: Team; readonly role: string }>>;
  /**
   * Shares a resource to a team. Doing it again changes nothing.
   *
   * @throws TenantryError `organization_not_found`, `team_not_found`, `permission_denied`, `name_invalid`.
   */
  share(
    input: TeamRef & { readonly resource: Resource; readonly permission: string },
    options?: ActOptions,
  ): Promise<{ readonly share: TeamShare; readonly changed: boolean }>;
  /**
   * Ends what a team was given: one permission, or all of the resource. Without a team it ends for all, as when the
   * resource is no more; a user needs `teams:manage` for that. Gives how many shares ended.
   *
   * @throws TenantryError `organization_not_found`, `team_not_found`, `permission_denied`, `name_invalid`.
   */
  unshare(
    input: {
      readonly tenantId: string;
      readonly teamId?: string;
      readonly resource: Resource;
      readonly permission?: string;
    },
    options?: ActOptions,
  ): Promise<number>;
  /** Lists what a team itself was given, ordered by type, id and permission. */
  shares(input: TeamRef & PageOptions, options?: CallOptions): Promise<Page<TeamShare>>;
  /**
   * Lists the resources of one type that a user has by their teams, ordered by id, each with its permissions: "which
   * hosts may this user see?" One statement.
   *
   * @throws TenantryError `organization_not_found` for what is no id, `amount_invalid`, `name_invalid`.
   */
  resourcesOf(
    input: ResourcesOfInput & PageOptions,
    options?: CallOptions,
  ): Promise<Page<{ readonly id: string; readonly permissions: readonly string[] }>>;
  /**
   * The same as a subquery of ids (text) for a statement of the application's own:
   * `db.selectFrom('hosts').where('id', 'in', teams.resourceIds({ … }))`. In a tenant's scope wrap it in `trusted`.
   *
   * @throws TenantryError `organization_not_found` for what is no id, `name_invalid`.
   */
  resourceIds(input: ResourcesOfInput): RawBuilder<string>;
  /** Tells whether a user may do something with a resource by their teams. One statement. */
  can(
    input: {
      readonly tenantId: string;
      readonly userId: string;
      readonly resource: Resource;
      readonly permission: string;
    },
    options?: CallOptions,
  ): Promise<boolean>;
}
