import { sql } from 'kysely';
import { derived, via } from 'tenantry/migrate';
import { plainStatus } from './plain-status.ts';

/** The tables that the new application has and the old one had not, made from the rows of the old one. */
export const derivedTables = {
  /**
   * What an organization subscribed to, for each of its users, with its history: a subscription that ended before a user
   * came is none of theirs. Rows that the new application makes have no `subscription_id`.
   */
  user_subscriptions: derived({
    columns: {
      id: 'uuid',
      user_id: 'bigint',
      subscription_id: 'bigint',
      plan: 'text',
      status: 'text',
      billing_cycle: 'text',
      paid_by: 'text',
      started_at: 'timestamptz',
      current_period_end: 'timestamptz',
      canceled_at: 'timestamptz',
    },
    key: ['id'],
    tenant: via('user_id', { to: 'users' }),
    select: sql`select md5(u.id || ':' || s.id)::uuid as id, u.id as user_id, s.id as subscription_id, s.plan,
        ${plainStatus('s.status')} as status, s.billing_cycle, 'organization' as paid_by,
        s.started_at, s.current_period_end, s.canceled_at
      from users u join subscriptions s on s.organization_id = u.organization_id
      where s.canceled_at is null or u.created_at is null or s.canceled_at >= u.created_at`,
    follows: { users: { id: 'user_id' }, subscriptions: { id: 'subscription_id' } },
  }),
  /** What the users of an organization may hear, for each of them; made twice, the longer one counts. */
  user_sound_packages: derived({
    columns: { user_id: 'bigint', package_id: 'bigint', granted_at: 'timestamptz', expires_at: 'timestamptz' },
    key: ['user_id', 'package_id'],
    tenant: via('user_id', { to: 'users' }),
    select: sql`select u.id as user_id, a.package_id, min(a.assigned_at) as granted_at,
        nullif(max(coalesce(a.expires_at, 'infinity')), 'infinity') as expires_at
      from users u join organization_sound_packages a on a.organization_id = u.organization_id
      where a.is_active group by u.id, a.package_id`,
    follows: { users: { id: 'user_id' }, organization_sound_packages: { package_id: 'package_id' } },
  }),
  /** What a user chose, read out of a column that holds anything. */
  user_preferences: derived({
    columns: { user_id: 'bigint', language: 'text', timezone: 'text', notifications: 'boolean', other: 'jsonb' },
    key: ['user_id'],
    tenant: via('user_id', { to: 'users' }),
    select: sql`select u.id as user_id, coalesce(p.chosen ->> 'language', 'en') as language,
        coalesce(p.chosen ->> 'timezone', 'UTC') as timezone, coalesce(p.chosen -> 'notifications' = 'true', true) as notifications,
        p.chosen - array['language', 'timezone', 'notifications'] as other
      from users u cross join lateral (
        select case when jsonb_typeof(u.preferences) = 'object' then u.preferences else '{}' end as chosen
      ) as p`,
    follows: { users: { id: 'user_id' } },
  }),
  /** A user's listening by day. */
  user_analytics: derived({
    columns: { user_id: 'bigint', day: 'date', sessions: 'integer', minutes: 'numeric(12, 1)', mood_change: 'numeric' },
    key: ['user_id', 'day'],
    tenant: via('user_id', { to: 'users' }),
    select: sql`select t.user_id, (t.started_at at time zone 'UTC')::date as day, count(*)::integer as sessions,
        coalesce(sum(greatest(t.minutes, 0)), 0)::numeric(12, 1) as minutes, round(avg(t.mood_after - t.mood_before), 3) as mood_change
      from therapy_sessions t group by 1, 2`,
    follows: { therapy_sessions: { user_id: 'user_id' } },
  }),
};
