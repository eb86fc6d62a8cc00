import { cleanText, isUuid, opaqueId, systemClock, TenantryError, uuidv7 } from '../core/index.ts';
import { type AnyDatabase, type CallOptions, inTransaction, type ModuleDeps } from '../database/index.ts';
import type { OrganizationEvent } from './events.ts';
import { readPage, readSeats, readTenantId, readText } from './input.ts';
import { findMember } from './member-store.ts';
import { createMembers, type Members, type Unstamped } from './members.ts';
import type { Member, Organization, Page, PageOptions, Seats } from './organization.ts';
import { createRoleBook, type RoleDefinitions, type RoleName } from './roles.ts';
import { checkSlug, slugsFrom } from './slug.ts';
import {
  findOrganization,
  insertOrganization,
  listOrganizationsOf,
  type NewOrganization,
  updateSeatsBought,
} from './store.ts';

/** How organizations begin, and which roles there are. */
export interface OrganizationsOptions<Roles extends RoleDefinitions = Record<never, never>> {
  /** The plan of a new organization; `default` when absent. */
  readonly plan?: string;
  /** The seats that a new organization has; no cap when absent or null. */
  readonly seats?: number | null;
  /** The application's own roles, added to `owner`, `admin` and `member`. */
  readonly roles?: Roles;
}

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
}

/** An organization that a user is an active member of. */
export interface Membership {
  readonly organization: Organization;
  readonly memberId: string;
  readonly role: string;
}

/** Organizations, their members and their seats. */
export interface Organizations<Role extends string = string> {
  /**
   * Makes an organization with its owner, in one statement: all of it, or nothing. A slug that is made from the name
   * gets a number where it is taken.
   *
   * @throws TenantryError `name_invalid`, `slug_invalid`, `slug_taken` (only for a slug that was given),
   * `amount_invalid`.
   */
  create(input: CreateOrganizationInput, options?: CallOptions): Promise<Organization & { readonly owner: Member }>;
  /** Reads an organization by its tenant; null when there is none. */
  get(tenantId: string, options?: CallOptions): Promise<Organization | null>;
  /** Reads an organization by its slug; null when there is none. */
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
  readonly members: Members<Role>;
  /**
   * Tells how many seats are bought, taken and free.
   *
   * @throws TenantryError `organization_not_found`.
   */
  seats(tenantId: string, options?: CallOptions): Promise<Seats>;
  /**
   * Sets how many seats are bought; null takes the cap away. Fewer than are taken is possible: nobody is removed, and
   * nobody can be added until there is room again.
   *
   * @throws TenantryError `organization_not_found`, `amount_invalid`.
   */
  setSeats(tenantId: string, bought: number | null, options?: CallOptions): Promise<Seats>;
  /** The patterns of permissions that a role allows; none for a role that is not known. */
  permissionsOf(role: string): readonly string[];
}

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
 * await organizations.seats(tenantId); // { bought: 2, taken: 2, free: 0 }
 * ```
 */
export function createOrganizations<const Roles extends RoleDefinitions = Record<never, never>>({
  db,
  clock = systemClock,
  ids = uuidv7,
  events,
  plan: firstPlan = 'default',
  seats: firstSeats = null,
  roles,
}: ModuleDeps<OrganizationEvent> & OrganizationsOptions<Roles>): Organizations<RoleName<Roles>> {
  const roleBook = createRoleBook(roles ?? {});
  readSeats(firstSeats, 1);

  /** Opens a transaction only where a sink must write with the change. */
  const changing = <Result>(options: CallOptions | undefined, work: (tx: AnyDatabase) => Promise<Result>) =>
    events === undefined ? work(options?.db ?? db) : inTransaction(db, options?.db, work);

  const publish = async (event: Unstamped<OrganizationEvent>, tx: AnyDatabase): Promise<void> =>
    events?.({ id: ids(), occurredAt: clock(), ...event }, tx);

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

  return {
    async create({ name, slug, owner, seats = firstSeats, plan = firstPlan }, options) {
      const given = slug === undefined ? undefined : checkSlug(slug);
      const wanted = {
        name: cleanText('name', name, 200),
        plan: cleanText('plan', plan, 200),
        seatsBought: readSeats(seats, 1),
      };
      const user = {
        userId: opaqueId('owner.userId', owner.userId),
        email: readText('owner.email', owner.email, 320),
        name: readText('owner.name', owner.name, 200),
      };
      return changing(options, async (tx) => {
        const row = { ...wanted, tenantId: ids(), owner: { ...user, id: ids() }, now: clock() };
        const made = await insert(tx, given, row);
        const { tenantId } = row;
        const { id: memberId, userId, role } = made.owner;
        const tenant = { kind: 'organization', name: wanted.name, plan: wanted.plan } as const;
        const member = { memberId, userId, role, status: 'active', returned: false } as const;
        await publish({ name: 'tenant.created', tenantId, data: tenant }, tx);
        const data = { name: wanted.name, slug: made.organization.slug, ownerId: memberId };
        await publish({ name: 'organization.created', tenantId, data }, tx);
        await publish({ name: 'member.added', tenantId, data: member }, tx);
        return { ...made.organization, owner: made.owner };
      });
    },

    get: async (tenantId, options) => (isUuid(tenantId) ? findOrganization(options?.db ?? db, { tenantId }) : null),

    getBySlug: (slug, options) => findOrganization(options?.db ?? db, { slug: opaqueId('slug', slug) }),

    async ofUser({ userId, ...page }, options) {
      const { after, limit } = readPage(page);
      const part = { after, limit: limit + 1 };
      const found = await listOrganizationsOf(options?.db ?? db, opaqueId('userId', userId), part);
      const items = found.slice(0, limit);
      return { items, nextCursor: found.length > limit ? (items.at(-1)?.organization.tenantId ?? null) : null };
    },

    async membershipOf(tenantId, userId, options) {
      if (!isUuid(tenantId)) return null;
      const member = await findMember(options?.db ?? db, tenantId, { userId: opaqueId('userId', userId) });
      return member?.status === 'active' ? { memberId: member.id, role: member.role } : null;
    },

    members: createMembers({ db, clock, ids, roles: roleBook, changing, publish }),

    async seats(tenantId, options) {
      const found = await findOrganization(options?.db ?? db, { tenantId: readTenantId(tenantId) });
      if (found === null) throw new TenantryError('organization_not_found', { organization: tenantId });
      return seatsOf(found.seatsBought, found.seatsTaken);
    },

    async setSeats(tenantId, bought, options) {
      const seats = readSeats(bought, 0);
      readTenantId(tenantId);
      return changing(options, async (tx) => {
        const counts = await updateSeatsBought(tx, tenantId, seats, clock());
        if (counts === null) throw new TenantryError('organization_not_found', { organization: tenantId });
        const { taken, previousBought } = counts;
        if (seats !== previousBought) {
          const data = { bought: seats, taken, previousBought, previousTaken: taken };
          await publish({ name: 'seats.changed', tenantId, data }, tx);
        }
        return seatsOf(seats, taken);
      });
    },

    permissionsOf: roleBook.permissionsOf,
  };
}

function seatsOf(bought: number | null, taken: number): Seats {
  return { bought, taken, free: bought === null ? null : Math.max(0, bought - taken) };
}

/** The last letters of an id, which are random in a UUIDv7. */
function tailOf(id: string): string {
  return id.replaceAll('-', '').slice(-8);
}
