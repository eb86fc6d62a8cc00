import type { Kysely } from 'kysely';
import type { SonicusDatabase } from './legacy-schema.ts';

type Db = Kysely<SonicusDatabase>;

/**
 * The old application's queries, as they are while the migration runs: they know organizations and nothing of tenants.
 * They go on working from expand until the switch, under a login that has no right on the library's tables.
 */
export const oldApplication = {
  /** An admin invites somebody into the organization. */
  async addUser(
    db: Db,
    organizationId: string,
    user: { readonly email: string; readonly firstName: string; readonly role?: string },
  ): Promise<string> {
    const row = await db
      .insertInto('users')
      .values({
        organization_id: organizationId,
        email: user.email,
        first_name: user.firstName,
        last_name: 'New',
        hashed_password: '$2b$12$none',
        role: user.role ?? 'user',
        preferences: '{"language": "de"}',
        last_login_at: null,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return row.id;
  },

  async createOrganization(db: Db, name: string): Promise<string> {
    const row = await db
      .insertInto('organizations')
      .values({ name, contact_email: 'new@org.example', subscription_status: 'trialing' })
      .returning('id')
      .executeTakeFirstOrThrow();
    return row.id;
  },

  async subscribe(db: Db, organizationId: string, plan: string): Promise<string> {
    const row = await db
      .insertInto('subscriptions')
      .values({ organization_id: organizationId, plan, status: 'active', amount_cents: 9900, billing_cycle: 'monthly' })
      .returning('id')
      .executeTakeFirstOrThrow();
    return row.id;
  },

  async cancelSubscription(db: Db, id: string, at: Date): Promise<void> {
    await db
      .updateTable('subscriptions')
      .set({ status: 'canceled', canceled_at: at })
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
  },

  async assignPackage(db: Db, organizationId: string, packageId: string): Promise<void> {
    await db
      .insertInto('organization_sound_packages')
      .values({ organization_id: organizationId, package_id: packageId })
      .execute();
  },

  async withdrawPackage(db: Db, organizationId: string, packageId: string): Promise<void> {
    await db
      .deleteFrom('organization_sound_packages')
      .where('organization_id', '=', organizationId)
      .where('package_id', '=', packageId)
      .execute();
  },

  async moveUser(db: Db, userId: string, organizationId: string): Promise<void> {
    await db.updateTable('users').set({ organization_id: organizationId }).where('id', '=', userId).execute();
  },

  async setRole(db: Db, userId: string, role: string): Promise<void> {
    await db.updateTable('users').set({ role }).where('id', '=', userId).execute();
  },

  async listen(db: Db, userId: string, soundId: string, at: Date, minutes: number): Promise<void> {
    await db
      .insertInto('therapy_sessions')
      .values({ user_id: userId, sound_id: soundId, started_at: at, minutes, mood_before: 2, mood_after: 4 })
      .execute();
  },

  async recordMood(db: Db, userId: string, value: number): Promise<void> {
    await db.insertInto('wellness_metrics').values({ user_id: userId, metric: 'mood', value }).execute();
  },

  async registerEndpoint(db: Db, organizationId: string, url: string, events: readonly string[]): Promise<string> {
    const row = await db
      .insertInto('webhook_endpoints')
      .values({ organization_id: organizationId, url, secret: 'whsec_none', events: [...events] })
      .returning('id')
      .executeTakeFirstOrThrow();
    return row.id;
  },

  async log(db: Db, userId: string, organizationId: string | null, action: string): Promise<void> {
    await db
      .insertInto('audit_logs')
      .values({ user_id: userId, organization_id: organizationId, action, details: '{"by": "old"}' })
      .execute();
  },

  /** What the dashboard of an organization shows. */
  async organizationDashboard(db: Db, organizationId: string) {
    return db
      .selectFrom('users as u')
      .leftJoin('therapy_sessions as t', 't.user_id', 'u.id')
      .where('u.organization_id', '=', organizationId)
      .select((eb) => [
        eb.fn.count('u.id').distinct().as('users'),
        eb.fn.count('t.id').as('sessions'),
        eb.fn.sum('t.minutes').as('minutes'),
      ])
      .executeTakeFirstOrThrow();
  },
};
