import { cleanText, isUuid, opaqueId, type SeatPolicy, TenantryError } from '../core/index.ts';
import { pageOf, readPage } from '../core/page.ts';
import { checkSlug, slugsFrom } from '../core/slug.ts';
import type { AnyDatabase, ModuleDeps } from '../database/index.ts';
import { readSeatPlace } from '../database/member-facts.ts';
import { readActor, requirePermission } from './authority.ts';
import { createDomains } from './domains.ts';
import type { OrganizationEvent } from './events.ts';
import { createGrants } from './grants.ts';
import { readMemberRef, readMetadata, readSeats, readTenantId, readText } from './input.ts';
import { createInvitations } from './invitations.ts';
import type { InvitationsOptions } from './invitations-interface.ts';
import { findMember, findStanding } from './member-reads.ts';
import { createMembers } from './members.ts';
import type { Organizations } from './organizations-interface.ts';
import { createRoleBook, type RoleDefinitions, type RoleName } from './roles.ts';
import { type BillableMembers, createSeatRule } from './seat-rule.ts';
import { createSeats, readSeatPolicy } from './seats.ts';
import {
  countOwned,
  findOrganization,
  insertOrganization,
  listOrganizationsOf,
  lockCreator,
  type NewOrganization,
  updateOrganization,
} from './store.ts';
import { createTeams } from './teams.ts';
import { type CutAccess, createToolbox } from './toolbox.ts';

/** How organizations begin, which roles there are, and who takes a seat. */
export interface OrganizationsOptions<
  Roles extends RoleDefinitions = Record<never, never>,
  TeamRoles extends RoleDefinitions = Record<never, never>,
> {
  /** The plan of a new organization; `default` when absent. */
  readonly plan?: string;
  /** The seats that a new organization has; no cap when absent or null. */
  readonly seats?: number | null;
  /** The application's own roles, added to `owner`, `admin` and `member`. */
  readonly roles?: Roles;
  /** The application's own roles in teams, added to `lead` and `member`. */
  readonly teamRoles?: TeamRoles;
  /** Which members take a seat; all active and pending ones when absent. */
  readonly billable?: BillableMembers<NoInfer<RoleName<Roles>>>;
  /** What happens while fewer seats are bought than taken; `{ policy: 'block' }` when absent. */
  readonly whenSeatsExceeded?: SeatPolicy;
  /** How many organizations a user may own who makes one; no limit when absent. */
  readonly organizationsPerUser?: number;
  readonly invitations?: InvitationsOptions;
  /** Cuts what a suspended or removed member still holds, such as sessions, within the transaction. */
  readonly cutAccess?: CutAccess;
}

/** The names of the roles in teams: the default ones and the application's own. */
export type TeamRoleName<TeamRoles extends RoleDefinitions> = 'lead' | 'member' | (keyof TeamRoles & string);

/**
 * Makes the organizations module.
 *
 * @throws TenantryError `config_invalid` for roles that are none; `amount_invalid` for seats that are none.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { installSchema } from 'tenantry/database';
 * import { createOrganizations } from 'tenantry/organizations';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const organizations = createOrganizations({ db, roles: { therapist: ['vouchers:*'] } });
 *
 * const { tenantId, slug } = await organizations.create({ name: 'Acme Corp.', seats: 2, owner: { userId: 'ada' } });
 * await organizations.members.add({ tenantId, userId: 'bob', role: 'therapist' });
 * await organizations.seats(tenantId); // { bought: 2, taken: 2, held: 0, free: 0, exceeded: null }
 * ```
 */
export function createOrganizations<
  const Roles extends RoleDefinitions = Record<never, never>,
  const TeamRoles extends RoleDefinitions = Record<never, never>,
>({
  plan: firstPlan = 'default',
  seats: firstSeats = null,
  roles: ownRoles,
  teamRoles,
  billable,
  whenSeatsExceeded = { policy: 'block' },
  organizationsPerUser,
  invitations,
  cutAccess,
  ...deps
}: ModuleDeps<OrganizationEvent> & OrganizationsOptions<Roles, TeamRoles>): Organizations<
  RoleName<Roles>,
  TeamRoleName<TeamRoles>
> {
  const roles = createRoleBook(ownRoles ?? {});
  for (const role of billable?.roles ?? []) roles.check(role);
  const seatRule = createSeatRule(billable);
  readSeats(firstSeats, 1);
  if (organizationsPerUser !== undefined && !(Number.isInteger(organizationsPerUser) && organizationsPerUser >= 1)) {
    const problem = 'must be a whole number from 1';
    throw new TenantryError('config_invalid', { path: 'organizationsPerUser', problem });
  }
  const toolbox = createToolbox(deps, { roles, seatRule, cutAccess });
  const { db, clock, ids, changing, publish, authorityOf } = toolbox;
  const limited = organizationsPerUser !== undefined;

  /** Two callers may find the same slug free; the one that loses looks again, and soon takes one that nobody else wants. */
  async function insert(tx: AnyDatabase, given: string | undefined, wanted: Omit<NewOrganization, 'slugs'>) {
    const all = given === undefined ? slugsFrom(wanted.name, tailOf(wanted.tenantId)) : [given];
    const tries = given === undefined ? [all, all, all.slice(-1)] : [all];
    for (const slugs of tries) {
      const made = await insertOrganization(tx, { ...wanted, slugs });
      if (made !== null) return made;
    }
    throw new TenantryError('slug_taken', { slug: all.at(-1) ?? '' });
  }

  async function checkOwned(tx: AnyDatabase, userId: string): Promise<void> {
    if (organizationsPerUser === undefined) return;
    await lockCreator(tx, userId, clock());
    const used = await countOwned(tx, userId);
    if (used < organizationsPerUser) return;
    const details = { meter: 'organizations', limit: organizationsPerUser, used, requested: 1 };
    throw new TenantryError('limit_reached', details);
  }

  return {
    async create({ name, slug, owner, seats = firstSeats, plan = firstPlan, metadata = {} }, options) {
      const given = slug === undefined ? undefined : checkSlug(slug);
      const wanted = {
        name: cleanText('name', name, 200),
        plan: cleanText('plan', plan, 200),
        metadata: readMetadata(metadata),
        seatsBought: readSeats(seats, 1),
        seated: seatRule.takes('owner', 'active'),
      };
      const user = {
        userId: opaqueId('owner.userId', owner.userId),
        email: readText('owner.email', owner.email, 320),
        name: readText('owner.name', owner.name, 200),
      };
      const by = readActor(options?.by);
      return changing(
        options,
        async (tx) => {
          await checkOwned(tx, user.userId);
          const row = { ...wanted, tenantId: ids(), owner: { ...user, id: ids() }, now: clock() };
          const made = await insert(tx, given, row);
          const { tenantId } = row;
          const { id: memberId, userId, role } = made.owner;
          const tenant = { kind: 'organization', name: wanted.name, plan: wanted.plan } as const;
          const member = { memberId, userId, role, status: 'active', returned: false } as const;
          await publish({ name: 'tenant.created', tenantId, data: tenant }, tx, by);
          const data = { name: wanted.name, slug: made.organization.slug, ownerId: memberId };
          await publish({ name: 'organization.created', tenantId, data }, tx, by);
          await publish({ name: 'member.added', tenantId, data: member }, tx, by);
          return { ...made.organization, owner: made.owner };
        },
        limited,
      );
    },

    async update({ tenantId, name, slug, metadata }, options) {
      const patch = {
        name: name === undefined ? null : cleanText('name', name, 200),
        slug: slug === undefined ? null : checkSlug(slug),
        metadata: metadata === undefined ? null : readMetadata(metadata),
      };
      readTenantId(tenantId);
      const by = readActor(options?.by);
      const read = async (handle: AnyDatabase) => {
        const authority = await authorityOf(handle, tenantId, by);
        requirePermission(authority, 'organization:manage');
        return authority;
      };
      return changing(options, async (tx) => {
        const change = await updateOrganization(tx, tenantId, read, patch, clock());
        if (change?.verdict === 'slug_taken') throw new TenantryError('slug_taken', { slug: patch.slug ?? '' });
        const organization = change === null ? null : await findOrganization(tx, { tenantId });
        if (change === null || organization === null) {
          throw new TenantryError('organization_not_found', { organization: tenantId });
        }
        if (change.verdict === 'changed') {
          const { before, metadataChanged } = change;
          const now = { name: organization.name, slug: organization.slug };
          const data = { ...now, previousName: before.name, previousSlug: before.slug, metadataChanged };
          await publish({ name: 'organization.updated', tenantId, data }, tx, by);
        }
        return organization;
      });
    },

    get: async (tenantId, options) => (isUuid(tenantId) ? findOrganization(options?.db ?? db, { tenantId }) : null),

    getBySlug: (slug, options) => findOrganization(options?.db ?? db, { slug: opaqueId('slug', slug) }),

    async ofUser({ userId, ...page }, options) {
      const { after, limit } = readPage(page);
      const part = { after, limit: limit + 1 };
      const found = await listOrganizationsOf(options?.db ?? db, opaqueId('userId', userId), part);
      return pageOf(found, limit, ({ organization }) => organization.tenantId);
    },

    async membershipOf(tenantId, userId, options) {
      if (!isUuid(tenantId)) return null;
      const member = await findMember(options?.db ?? db, tenantId, { userId: opaqueId('userId', userId) });
      return member?.status === 'active' ? { memberId: member.id, role: member.role } : null;
    },

    async standingOf(ref, options) {
      const found = await findStanding(options?.db ?? db, readTenantId(ref.tenantId), readMemberRef(ref), clock());
      return found === null ? null : { ...found, permissions: [...roles.permissionsOf(found.role), ...found.grants] };
    },

    members: createMembers(toolbox),
    grants: createGrants(toolbox),
    invitations: createInvitations(toolbox, invitations),
    teams: createTeams(toolbox, teamRoles),
    domains: createDomains(toolbox),
    ...createSeats(toolbox, readSeatPolicy(whenSeatsExceeded)),
    seatPlaceOf: async (tenantId, memberId, options) =>
      isUuid(tenantId) && isUuid(memberId) ? readSeatPlace(options?.db ?? db, tenantId, memberId) : 0,
    permissionsOf: roles.permissionsOf,
  };
}

/** The last letters of an id, which are random in a UUIDv7. */
function tailOf(id: string): string {
  return id.replaceAll('-', '').slice(-8);
}
