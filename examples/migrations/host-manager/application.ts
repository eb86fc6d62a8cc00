import type { ColumnType, Kysely } from 'kysely';
import { createTenantry, definePlans, own, perOrg, TenantryError } from 'tenantry';
import { definePrices } from 'tenantry/billing';
import type { CallOptions } from 'tenantry/database';
import { everyone } from './additions.ts';
import type { HostDatabase } from './legacy-schema.ts';

type Owned = { organizationId: string };
type Time = ColumnType<Date, Date | string, Date | string>;
type Moment = ColumnType<Date, Date | string | undefined, Date | string>;

/** What the migration adds to the legacy tables, and the tables that it makes. */
export type CommercialTables = {
  User: Owned;
  Host: Owned;
  AuditLog: Owned & {
    entityType: string | null;
    entityId: string | null;
    ipAddress: string | null;
    userAgent: string | null;
    metadata: ColumnType<unknown, string | null, string | null>;
  };
  Team: Owned & { id: string; name: string; description: string | null; createdAt: Moment };
  UserTeam: Owned & { userId: string; teamId: string; joinedAt: Time };
  HostTeam: Owned & { hostId: string; teamId: string; access: 'VIEW' | 'MANAGE' };
  Session: Owned & {
    id: string;
    userId: string;
    tokenHash: string;
    ipAddress: string | null;
    userAgent: string | null;
    expiresAt: Time;
    createdAt: Moment;
  };
  ApiKey: Owned & { keyId: string; userId: string; label: string; createdAt: Moment };
  Alert: Owned & {
    id: string;
    hostId: string;
    severity: 'INFO' | 'WARNING' | 'CRITICAL';
    message: string;
    resolvedAt: Time | null;
    createdAt: Moment;
  };
  Notification: Owned & {
    id: string;
    userId: string;
    alertId: string | null;
    message: string;
    readAt: Time | null;
    createdAt: Moment;
  };
};

const plans = definePlans({
  free: { limits: { hosts: 10_000 } },
  business: { limits: { hosts: 1_000_000 }, features: ['alerts'] },
});

const owned = own({ column: 'organizationId' });

/** What the plans cost, in cents a month. */
export const prices = definePrices(plans, { plans: { business: { month: { base: 49_00 } } } });

/** What the new application is made from: organizations with teams, at a flat price. */
export function wiringOf(db: Kysely<HostDatabase>) {
  return {
    db: db.withTables<CommercialTables>(),
    plans,
    strategy: perOrg({ plan: 'free' }),
    apiKeys: { prefix: 'hm' },
    tables: {
      User: owned,
      Host: owned,
      AuditLog: owned,
      Team: owned,
      UserTeam: owned,
      HostTeam: owned,
      Session: owned,
      ApiKey: owned,
      Alert: owned,
      Notification: owned,
    },
  };
}

/** The new application without what talks to Stripe, which `app.ts` adds. */
export function createApplication(db: Kysely<HostDatabase>) {
  return createTenantry(wiringOf(db));
}

/** What {@link createApplication} makes. */
export type Application = Pick<ReturnType<typeof createApplication>, 'tenancy' | 'plans' | 'organizations' | 'apiKeys'>;
/** The queries of one organization. */
export type OrganizationQueries = ReturnType<Application['tenancy']['scope']>;

/** Somebody signs up with an organization of their own, which begins with its team of everyone. */
export async function signUp(
  app: Application,
  user: { readonly id: string; readonly email: string; readonly organization: string; readonly at: Date },
  options: CallOptions = {},
): Promise<OrganizationQueries> {
  const owner = { userId: user.id, email: user.email };
  const { tenantId } = await app.organizations.create({ name: user.organization, plan: 'free', owner }, options);
  const queries = app.tenancy.scope(tenantId, options);
  await createTeam(queries, { id: everyone, name: 'Everyone', members: [], at: user.at });
  await addUser(queries, user);
  return queries;
}

/**
 * Adds the account of a member, who is in the team of everyone. Until the contract stage the migration writes that as
 * well, for the sake of the old application, so it may be there already.
 */
export async function addUser(
  queries: OrganizationQueries,
  user: { readonly id: string; readonly email: string; readonly at: Date },
): Promise<void> {
  await queries
    .insertInto('User')
    .values({
      id: user.id,
      email: user.email,
      password: '$2b$10$none',
      name: null,
      lastLoginAt: null,
      updatedAt: user.at,
    })
    .execute();
  await queries
    .insertInto('UserTeam')
    .values({ userId: user.id, teamId: everyone, joinedAt: user.at })
    .onConflict((conflict) => conflict.columns(['teamId', 'userId']).doNothing())
    .execute();
}

/** Makes a team of members. */
export async function createTeam(
  queries: OrganizationQueries,
  team: { readonly id: string; readonly name: string; readonly members: readonly string[]; readonly at: Date },
): Promise<void> {
  await queries.insertInto('Team').values({ id: team.id, name: team.name, description: null }).execute();
  if (team.members.length === 0) return;
  const rows = team.members.map((userId) => ({ userId, teamId: team.id, joinedAt: team.at }));
  await queries.insertInto('UserTeam').values(rows).execute();
}

/**
 * Adds a host, as far as the plan allows, and shares it with one team and no other. Until the contract stage the migration shares a new host with
 * everyone, for the sake of the old application, so that is taken back in the same transaction.
 */
export async function addHost(
  app: Application,
  organizationId: string,
  host: {
    readonly id: string;
    readonly name: string;
    readonly hostname?: string;
    readonly userId: string;
    readonly teamId: string;
    readonly at: Date;
  },
): Promise<void> {
  await app.tenancy.transaction(organizationId, async (tx) => {
    const counted = await app.plans.resources.occupy(organizationId, 'hosts', host.id, { db: tx });
    if (!counted.ok) {
      const { limit, used, requested } = counted;
      throw new TenantryError('limit_reached', { meter: 'hosts', limit: Number(limit), used, requested });
    }
    await tx
      .insertInto('Host')
      .values({
        id: host.id,
        name: host.name,
        hostname: host.hostname ?? `${host.name}.hosts.example`,
        ipAddress: null,
        notes: null,
        userId: host.userId,
        updatedAt: host.at,
      })
      .execute();
    await tx.deleteFrom('HostTeam').where('hostId', '=', host.id).execute();
    await tx.insertInto('HostTeam').values({ hostId: host.id, teamId: host.teamId, access: 'MANAGE' }).execute();
  });
}

/** Lets a team at a host, or changes what it may do there. */
export async function shareHost(
  queries: OrganizationQueries,
  hostId: string,
  teamId: string,
  access: 'VIEW' | 'MANAGE',
): Promise<void> {
  await queries.deleteFrom('HostTeam').where('hostId', '=', hostId).where('teamId', '=', teamId).execute();
  await queries.insertInto('HostTeam').values({ hostId, teamId, access }).execute();
}

/** The hosts that a member sees: those of the member's teams. */
export async function hostsOf(queries: OrganizationQueries, userId: string): Promise<string[]> {
  const rows = await queries
    .selectFrom('Host')
    .innerJoin('HostTeam', 'HostTeam.hostId', 'Host.id')
    .innerJoin('UserTeam', 'UserTeam.teamId', 'HostTeam.teamId')
    .where('UserTeam.userId', '=', userId)
    .select('Host.id')
    .distinct()
    .orderBy('Host.id')
    .execute();
  return rows.map(({ id }) => id);
}

/** Whether a member may change a host. */
export async function mayManage(queries: OrganizationQueries, userId: string, hostId: string): Promise<boolean> {
  const found = await queries
    .selectFrom('HostTeam')
    .innerJoin('UserTeam', 'UserTeam.teamId', 'HostTeam.teamId')
    .where('UserTeam.userId', '=', userId)
    .where('HostTeam.hostId', '=', hostId)
    .where('HostTeam.access', '=', 'MANAGE')
    .select('HostTeam.teamId')
    .executeTakeFirst();
  return found !== undefined;
}

/** Opens a session. */
export async function openSession(
  queries: OrganizationQueries,
  session: { readonly id: string; readonly userId: string; readonly tokenHash: string; readonly until: Date },
): Promise<void> {
  await queries
    .insertInto('Session')
    .values({
      id: session.id,
      userId: session.userId,
      tokenHash: session.tokenHash,
      ipAddress: null,
      userAgent: null,
      expiresAt: session.until,
    })
    .execute();
}

/** Issues an API key of the organization, or of one of its members. Gives the secret, which is shown once. */
export async function issueKey(
  app: Application,
  queries: OrganizationQueries,
  key: { readonly userId: string; readonly label: string; readonly memberId?: string },
  options: CallOptions = {},
): Promise<string> {
  const owner = key.memberId === undefined ? {} : { memberId: key.memberId };
  const issued = await app.apiKeys.issue({ tenantId: queries.tenantId, name: key.label, ...owner }, options);
  await queries.insertInto('ApiKey').values({ keyId: issued.key.id, userId: key.userId, label: key.label }).execute();
  return issued.secret;
}

/** Raises an alert about a host, and tells everybody whose teams are let at it. Gives how many were told. */
export async function raiseAlert(
  queries: OrganizationQueries,
  alert: { readonly id: string; readonly hostId: string; readonly message: string },
): Promise<number> {
  await queries
    .insertInto('Alert')
    .values({ id: alert.id, hostId: alert.hostId, severity: 'CRITICAL', message: alert.message, resolvedAt: null })
    .execute();
  const people = await queries
    .selectFrom('UserTeam')
    .innerJoin('HostTeam', 'HostTeam.teamId', 'UserTeam.teamId')
    .where('HostTeam.hostId', '=', alert.hostId)
    .select('UserTeam.userId')
    .distinct()
    .execute();
  if (people.length === 0) return 0;
  const rows = people.map(({ userId }) => ({
    id: `${alert.id}:${userId}`,
    userId,
    alertId: alert.id,
    message: alert.message,
    readAt: null,
  }));
  await queries.insertInto('Notification').values(rows).execute();
  return rows.length;
}

/** Writes to the wider log. */
export async function logChange(
  queries: OrganizationQueries,
  entry: { readonly userId: string; readonly action: string; readonly entityType: string; readonly entityId: string },
): Promise<void> {
  await queries
    .insertInto('AuditLog')
    .values({ ...entry, details: null, ipAddress: '192.0.2.7', userAgent: 'tests', metadata: '{"via": "new"}' })
    .execute();
}

/** What Stripe said of a subscription, once its event is known to be Stripe's: the plan and how it stands. */
export async function subscriptionChanged(
  app: Application,
  organizationId: string,
  subscription: { readonly plan: 'free' | 'business'; readonly status: string },
): Promise<void> {
  await app.tenancy.setPlan(organizationId, subscription.plan, { subscriptionStatus: subscription.status });
}
