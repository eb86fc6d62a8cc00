import { type RawBuilder, sql } from 'kysely';
import { perOrg, perUser } from 'tenantry';
import { bySql, defineMigration, firstIsOwner, quarantine, shared, untouched, via } from 'tenantry/migrate';
import { additions } from './additions.ts';
import { derivedTables } from './derived-tables.ts';
import type { SonicusDatabase } from './legacy-schema.ts';
import { plainStatus } from './plain-status.ts';

/** Who answers for an organization once it is gone: its first admin who is still active, or else its first user. */
function firstAdminOf(organization: string): RawBuilder<unknown> {
  return sql`(select somebody.id from users somebody where somebody.organization_id = ${sql.ref(organization)}
    order by (lower(btrim(somebody.role)) in ('org_admin', 'owner')) is not true, somebody.is_active desc, somebody.id limit 1)`;
}

/** The user whom a row names, if there is one; otherwise who answers for its organization. */
function userOrAdmin(table: string): RawBuilder<unknown> {
  return sql`coalesce((select named.id from users named where named.id = ${sql.ref(`${table}.user_id`)}),
    ${firstAdminOf(`${table}.organization_id`)})`;
}

/**
 * Organizations dissolve into their users: each user becomes a tenant, and what belonged to an organization goes to each
 * of its users (subscriptions, sound packages), to the one who answers for it (webhook endpoints, what it paid, its
 * dashboard), to everybody (the packages and sounds themselves), or into the archive (its figures).
 *
 * A person with two accounts stays two: to join accounts is for people to decide.
 */
export const organizationsToUsers = defineMigration<SonicusDatabase>()({
  name: 'organizations-to-users',
  from: perOrg(),
  to: perUser({ plan: 'personal' }),
  tenants: {
    source: 'users',
    sameTenant: ['id'],
    name: sql`coalesce(nullif(btrim(concat_ws(' ', nullif(btrim(first_name), ''), nullif(btrim(last_name), ''))), ''), btrim(email))`,
  },
  members: { source: 'users', userId: 'id', email: sql`btrim(email)`, role: firstIsOwner({ by: 'created_at' }) },
  // What an organization pays stays with one customer at the provider. Its users get their own in user_subscriptions.
  subscriptions: {
    source: 'subscriptions',
    status: plainStatus('subscriptions.status'),
    customerId: sql`(select payer.stripe_customer_id from organizations payer where payer.id = subscriptions.organization_id)`,
    subscriptionId: 'stripe_subscription_id',
  },
  audit: {
    source: 'audit_logs',
    action: sql`lower(btrim(action))`,
    occurredAt: 'created_at',
    actorId: sql`user_id::text`,
    targetType: 'resource_type',
    targetId: 'resource_id',
    metadata: sql`case when jsonb_typeof(details) = 'object' then details end`,
  },
  tables: {
    user_sessions: via('user_id'),
    therapy_sessions: via('user_id'),
    feature_usage: via('user_id'),
    // Averages of an organization are nobody's feeling; they and those of users who are gone stand aside.
    wellness_metrics: via('user_id', { to: 'users', unresolved: quarantine() }),
    dashboard_widgets: bySql(userOrAdmin('dashboard_widgets')),
    analytics_events: bySql(userOrAdmin('analytics_events'), { unresolved: quarantine() }),
    audit_logs: bySql(userOrAdmin('audit_logs'), { unresolved: quarantine() }),
    webhook_endpoints: bySql(firstAdminOf('webhook_endpoints.organization_id'), { unresolved: quarantine() }),
    webhook_deliveries: via('endpoint_id', { unresolved: quarantine() }),
    subscriptions: bySql(firstAdminOf('subscriptions.organization_id'), { unresolved: quarantine() }),
    sound_packages: shared(),
    therapy_sounds: shared(),
    organizations: untouched(),
    organization_analytics: untouched(),
    organization_metrics: untouched(),
    organization_sound_packages: untouched(),
  },
  derived: derivedTables,
  additions,
  contract: {
    archive: ['organization_analytics', 'organization_metrics', 'organization_sound_packages', 'organizations'],
  },
});
