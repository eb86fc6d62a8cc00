import { type Kysely, sql } from 'kysely';
import type { Actor } from 'tenantry/core';
import { found, refusal } from '../refusal.ts';
import { approve, type PlatformPlan, platformDatabase } from './application.ts';
import type { TherapyDatabase } from './legacy-schema.ts';
import type { Therapy } from './login.ts';

/** The roles that are given to people; an organization has its owner from the beginning. */
export const givenRoles = ['therapist', 'client', 'staff'] as const;

/** Somebody to be added. */
export interface Person {
  readonly email: string;
  readonly password: string;
  readonly first_name: string;
  readonly last_name: string;
}

type Role = (typeof givenRoles)[number];

/** What an administrator may change of somebody. */
export interface PersonChange {
  readonly first_name?: string;
  readonly last_name?: string;
  readonly phone?: string;
  readonly role?: Role;
  readonly is_active?: boolean;
}

/** Manages people and organizations: the log-in, the membership, the row of the application and the trail, all or nothing. */
export function createPeople(therapy: Therapy, root: Kysely<TherapyDatabase>) {
  const { tenancy, organizations, auth } = therapy;
  const db = platformDatabase(root);
  type Tx = { readonly db: typeof db };

  /** The number by which the trail and approvals name a member of the organization; nobody of it stands above all. */
  const numberOf = (by: Actor): number | null => (by.superAdmin ? null : Number(by.userId));

  async function within<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> {
    try {
      return await db.transaction().execute((tx) => work({ db: tx }));
    } catch (error) {
      // The address of somebody of the old practice who has no log-in.
      throw Object(error).code === '23505' ? refusal(409, 'the address is taken') : error;
    }
  }

  async function record(tx: Tx, organization: string, action: string, user: number, by: Actor, values: unknown) {
    await tenancy
      .scope(organization, tx)
      .insertInto('audit_logs')
      .values({
        user_id: numberOf(by),
        action,
        entity_type: 'user',
        entity_id: String(user),
        new_values: JSON.stringify(values),
      })
      .execute();
  }

  /** Makes the log-in, and gives the number of the user to be. */
  async function newUser({ email, password, first_name, last_name }: Person, tx: Tx, by: Actor): Promise<number> {
    const { rows } = await sql<{ id: string }>`select nextval('users_id_seq')::text as id`.execute(tx.db);
    const id = Number(rows[0]?.id);
    await auth.users.create({ userId: String(id), email, password, name: `${first_name} ${last_name}` }, { ...tx, by });
    return id;
  }

  async function newRow(tx: Tx, organization: string, id: number, person: Person, role: string): Promise<void> {
    const { email, first_name, last_name } = person;
    const at = new Date();
    await tenancy
      .scope(organization, tx)
      .insertInto('users')
      // The password is tenantry's to keep.
      .values({ id, email, first_name, last_name, password_hash: '!', role, is_approved: true, approved_at: at })
      .execute();
  }

  return {
    /** The organization of a user, wherever that is: for administrators of the platform alone. */
    async organizationOf(id: number): Promise<string> {
      const row = await db.selectFrom('users').select('organization_id').where('id', '=', id).executeTakeFirst();
      return found(row, 'user').organization_id;
    },

    /** Adds somebody to an organization, who can log in at once. */
    add: (organization: string, person: Person, role: Role, by: Actor) =>
      within(async (tx) => {
        const id = await newUser(person, tx, by);
        const { email, first_name, last_name } = person;
        const member = { tenantId: organization, userId: String(id), role, email, name: `${first_name} ${last_name}` };
        await organizations.members.add(member, { ...tx, by });
        await newRow(tx, organization, id, person, role);
        await record(tx, organization, 'CREATE', id, by, { email, role });
        return { id, email, role };
      }),

    /** Changes somebody. */
    change: (organization: string, id: number, change: PersonChange, by: Actor) =>
      within(async (tx) => {
        const member = { tenantId: organization, userId: String(id) };
        const { role, is_active: isActive } = change;
        const rows = tenancy.scope(organization, tx).updateTable('users').set(change).where('id', '=', id);
        const row = found(await rows.returning(['id', 'role', 'is_active']).executeTakeFirst(), 'user');
        if (role !== undefined) await organizations.members.setRole({ ...member, role }, { ...tx, by });
        if (isActive === false) await organizations.members.suspend(member, { ...tx, by });
        if (isActive === true) await organizations.members.activate(member, { ...tx, by });
        await record(tx, organization, 'UPDATE', id, by, change);
        return row;
      }),

    /** Takes somebody out. The row stays, since vouchers and sessions name it. */
    remove: (organization: string, id: number, by: Actor) =>
      within(async (tx) => {
        await organizations.members.remove({ tenantId: organization, userId: String(id) }, { ...tx, by });
        const users = tenancy.scope(organization, tx).updateTable('users').set({ is_active: false });
        await users.where('id', '=', id).execute();
        await auth.users.remove(String(id), { ...tx, by });
        await record(tx, organization, 'DELETE', id, by, {});
      }),

    /** Lets somebody in who waits. */
    approve: (organization: string, id: number, by: Actor) =>
      within(async (tx) => {
        await organizations.members.approve({ tenantId: organization, userId: String(id) }, { ...tx, by });
        await approve(therapy, organization, id, numberOf(by), tx);
      }),

    /** Makes an organization with its owner. */
    found: (
      input: { readonly name: string; readonly slug?: string; readonly plan: PlatformPlan; readonly owner: Person },
      by: Actor,
    ) =>
      within(async (tx) => {
        const { owner, ...organization } = input;
        const id = await newUser(owner, tx, by);
        const { email, first_name, last_name } = owner;
        const first = { userId: String(id), email, name: `${first_name} ${last_name}` };
        const { tenantId, slug, name, plan } = await organizations.create(
          { ...organization, owner: first },
          { ...tx, by },
        );
        const rows = tenancy.scope(tenantId, tx);
        await rows.insertInto('organizations').values({ email }).execute();
        await newRow(tx, tenantId, id, owner, 'organization_owner');
        await rows.updateTable('users').set({ is_organization_owner: true }).where('id', '=', id).execute();
        return { id: tenantId, name, slug, plan, owner: { id, email } };
      }),
  };
}

/** What {@link createPeople} makes. */
export type People = ReturnType<typeof createPeople>;
