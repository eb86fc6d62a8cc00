import { type ColumnType, type Kysely, sql } from 'kysely';
import { createTenantry, definePlans, own, perUser, shared, trusted } from 'tenantry';
import { type EventMessage, messageFor, type UserEvent } from './events.ts';
import type { SonicusDatabase } from './legacy-schema.ts';
import type { AccountRole } from './tokens.ts';

type Timestamp = ColumnType<Date, Date | string, Date | string>;
type Bigint = ColumnType<string, string | number | bigint, string | number | bigint>;
type Owned = { tenant_id: string };
/** A legacy table as the new application sees it: with a tenant, and without the organization that is dropped in the end. */
type Personal<Name extends keyof SonicusDatabase> = Omit<SonicusDatabase[Name], 'organization_id'> & Owned;

/** What the migration makes of the legacy tables, and the tables that it adds. */
export type PersonalTables = {
  users: Personal<'users'> & { account_role: ColumnType<AccountRole, AccountRole | undefined, AccountRole> };
  user_sessions: Personal<'user_sessions'>;
  wellness_metrics: Personal<'wellness_metrics'>;
  dashboard_widgets: Personal<'dashboard_widgets'>;
  webhook_endpoints: Personal<'webhook_endpoints'>;
  webhook_deliveries: Personal<'webhook_deliveries'>;
  therapy_sessions: Personal<'therapy_sessions'>;
  analytics_events: Personal<'analytics_events'>;
  feature_usage: Personal<'feature_usage'>;
  subscriptions: SonicusDatabase['subscriptions'] & Owned;
  audit_logs: SonicusDatabase['audit_logs'] & Owned;
  sound_packages: Omit<SonicusDatabase['sound_packages'], 'organization_id'>;
  therapy_sounds: Omit<SonicusDatabase['therapy_sounds'], 'organization_id'>;
  user_subscriptions: Owned & {
    id: string;
    user_id: Bigint;
    subscription_id: Bigint | null;
    plan: string;
    status: string;
    billing_cycle: string | null;
    paid_by: 'organization' | 'user';
    started_at: Timestamp | null;
    current_period_end: Timestamp | null;
    canceled_at: Timestamp | null;
  };
  user_sound_packages: Owned & {
    user_id: Bigint;
    package_id: Bigint;
    granted_at: Timestamp;
    expires_at: Timestamp | null;
  };
  user_preferences: Owned & {
    user_id: Bigint;
    language: string;
    timezone: string;
    notifications: boolean;
    other: ColumnType<unknown, string, string>;
  };
  user_analytics: Owned & {
    user_id: Bigint;
    day: ColumnType<Date | string, string, string>;
    sessions: number;
    minutes: ColumnType<string, string | number, string | number>;
    mood_change: ColumnType<string | null, string | number | null, string | number | null>;
  };
};

const plans = definePlans({
  personal: { limits: { endpoints: 3, packages: 3 }, quotas: { sessions: { amount: 500, per: 'month' } } },
  plus: { limits: { endpoints: 10, packages: 50 }, quotas: { sessions: { amount: 5000, per: 'month' } } },
});

/** A plan of the new application. */
export type PersonalPlan = keyof typeof plans.plans;

/** What the new application is made from: each user is a tenant, packages and sounds are everybody's. */
export function wiringOf(db: Kysely<SonicusDatabase>) {
  return {
    db: db.$omitTables<keyof SonicusDatabase>().$extendTables<PersonalTables>(),
    plans,
    strategy: perUser({ plan: 'personal' }),
    tables: {
      users: own(),
      subscriptions: own(),
      user_sessions: own(),
      wellness_metrics: own(),
      dashboard_widgets: own(),
      webhook_endpoints: own(),
      webhook_deliveries: own(),
      therapy_sessions: own(),
      analytics_events: own(),
      feature_usage: own(),
      audit_logs: own(),
      user_subscriptions: own(),
      user_sound_packages: own(),
      user_preferences: own(),
      user_analytics: own(),
      sound_packages: shared(),
      therapy_sounds: shared(),
    },
  };
}

/** The new application without its log-in, which `login.ts` adds. No organization is left in it. */
export function createApplication(db: Kysely<SonicusDatabase>) {
  return createTenantry(wiringOf(db));
}

/** What {@link createApplication} makes. */
export type Application = Pick<ReturnType<typeof createApplication>, 'tenancy' | 'plans'>;
/** The queries of one user. */
export type PersonalQueries = ReturnType<Application['tenancy']['scope']>;

/** The queries of the user whom a token speaks for. NULL when nobody may act for it. */
export async function queriesOf(app: Application, userId: string): Promise<PersonalQueries | null> {
  const found = await app.tenancy.resolve({ userId });
  return found.ok ? app.tenancy.scope(found.tenantId) : null;
}

/** Draws the id of a user to be. */
export async function newUserId(db: Kysely<SonicusDatabase>): Promise<string> {
  const { rows } = await sql<{ id: string }>`select nextval('users_id_seq')::text as id`.execute(db);
  return rows[0]?.id ?? '';
}

/** Somebody signs up: no organization, no invitation. Gives the user's id and queries; within `db`, if it is a transaction. */
export async function register(
  app: Application,
  db: Kysely<SonicusDatabase>,
  user: { readonly id?: string; readonly email: string; readonly hashedPassword: string; readonly firstName: string },
): Promise<{ readonly userId: string; readonly queries: PersonalQueries }> {
  const userId = user.id ?? (await newUserId(db));
  const { tenantId } = await app.tenancy.provision({ userId, name: user.firstName }, { db });
  const queries = app.tenancy.scope(tenantId, { db });
  await queries
    .insertInto('users')
    .values({
      id: userId,
      email: user.email,
      hashed_password: user.hashedPassword,
      first_name: user.firstName,
      role: 'user',
    })
    .execute();
  return { userId, queries };
}

/** GET /api/v1/user/subscription: the one that counts now, and what was before. */
export async function subscriptionsOf(queries: PersonalQueries) {
  const rows = await queries
    .selectFrom('user_subscriptions')
    .select(['id', 'plan', 'status', 'paid_by', 'started_at', 'current_period_end', 'canceled_at'])
    .orderBy('started_at', (order) => order.desc().nullsLast())
    .orderBy('id')
    .execute();
  const alive = ['active', 'trialing', 'past_due'];
  return { current: rows.find(({ status }) => alive.includes(status)) ?? null, history: rows };
}

/** POST /api/v1/user/subscription: the user's own, beside what an organization once paid for. */
export async function subscribe(
  queries: PersonalQueries,
  subscription: { readonly id: string; readonly userId: string; readonly plan: string; readonly at: Date },
): Promise<void> {
  await queries
    .insertInto('user_subscriptions')
    .values({
      id: subscription.id,
      user_id: subscription.userId,
      subscription_id: null,
      plan: subscription.plan,
      status: 'active',
      billing_cycle: 'monthly',
      paid_by: 'user',
      started_at: subscription.at,
      current_period_end: null,
      canceled_at: null,
    })
    .execute();
}

/** GET /api/v1/user/packages: what the user may hear at a moment. */
export async function packagesOf(queries: PersonalQueries, at: Date) {
  return queries
    .selectFrom('user_sound_packages as mine')
    .innerJoin('sound_packages as package', 'package.id', 'mine.package_id')
    .where('package.is_active', '=', true)
    .where((eb) => eb.or([eb('mine.expires_at', 'is', null), eb('mine.expires_at', '>', at)]))
    .select(['package.id', 'package.name', 'mine.expires_at'])
    .orderBy('package.id')
    .execute();
}

/** Every package there is: none of them is an organization's any more. */
export async function catalogue(queries: PersonalQueries) {
  return queries.selectFrom('sound_packages').select(['id', 'name', 'price_cents']).orderBy('id').execute();
}

/** GET /api/v1/user/analytics: listening by day. */
export async function analyticsOf(queries: PersonalQueries) {
  const day = trusted(sql<string>`day::text`);
  return queries
    .selectFrom('user_analytics')
    .select([day.as('day'), 'sessions', 'minutes', 'mood_change'])
    .orderBy('user_analytics.day')
    .execute();
}

/** GET /api/v1/user/preferences */
export async function preferencesOf(queries: PersonalQueries) {
  return queries.selectFrom('user_preferences').select(['language', 'timezone', 'notifications']).executeTakeFirst();
}

/** PUT /api/v1/user/preferences: sets what is given. Somebody who signed up since has no row yet. */
export async function setPreferences(
  queries: PersonalQueries,
  userId: string,
  chosen: { readonly language?: string; readonly timezone?: string; readonly notifications?: boolean },
): Promise<void> {
  const defaults = { language: 'en', timezone: 'UTC', notifications: true, other: '{}' };
  await queries
    .insertInto('user_preferences')
    .values({ user_id: userId, ...defaults, ...chosen })
    .onConflict((conflict) => conflict.column('user_id').doUpdateSet(chosen))
    .execute();
}

/** The personal dashboard: the user's own tiles, and those of an organization that the user answered for. */
export async function dashboardOf(queries: PersonalQueries) {
  return queries.selectFrom('dashboard_widgets').select(['id', 'widget']).orderBy('position').orderBy('id').execute();
}

/** Registers where a user wants to be told of events, under their new names or the old ones. */
export async function addEndpoint(
  queries: PersonalQueries,
  endpoint: { readonly url: string; readonly secret: string; readonly events: readonly string[] },
): Promise<void> {
  await queries
    .insertInto('webhook_endpoints')
    .values({ url: endpoint.url, secret: endpoint.secret, events: [...endpoint.events] })
    .execute();
}

/** The messages that an event of a user sends, with the endpoint of each; see `events.ts` for their names. */
export async function messagesOf(
  queries: PersonalQueries,
  event: { readonly name: UserEvent; readonly userId: string; readonly data: Readonly<Record<string, unknown>> },
): Promise<{ readonly endpoint: string; readonly message: EventMessage }[]> {
  const endpoints = await queries
    .selectFrom('webhook_endpoints')
    .where('is_active', '=', true)
    .select(['id', 'events'])
    .orderBy('id')
    .execute();
  return endpoints.flatMap((endpoint) => {
    const message = messageFor(endpoint, event);
    return message === null ? [] : [{ endpoint: endpoint.id, message }];
  });
}
