const givenNames = ['Ada', 'Bela', 'Chiara', 'Dmitri', 'Élodie', 'Farid', 'Grace', 'Hanako', 'Łukasz', 'Zoë', '太郎'];
const familyNames = ['Smith', "O'Brien", 'Żółć', 'Müller', 'García Márquez', '山田', 'van der Berg', 'Patel', 'Nagy'];
const stems = ['Calm', 'Harmony', 'Still Water', 'Morning', 'Quiet', 'Blue Note', "Healer's", 'Ruhe & Klang', '静か'];
const trades = ['Clinic', 'Yoga', 'Wellness', 'Hospital', 'Coaching', 'Insurance', 'School', 'Retreat'];
const packageNames = ['Deep Sleep', 'Focus', 'Tinnitus Relief', 'Chakra Set', 'Delta Waves', '432 Hz Classics', 'Rain'];
const agents = ['Mozilla/5.0 (iPhone)', 'Mozilla/5.0 (Macintosh)', 'Sonicus/3.1 (Android 14)', ''];
const organizationEvents = [
  'organization.user_added',
  'organization.user_removed',
  'organization.subscription_created',
  'organization.subscription_updated',
  'organization.package_assigned',
  'organization.updated',
  'session.completed',
];

/** A list of texts as SQL. */
const list = (texts: readonly string[]): string =>
  `array[${texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(', ')}]`;

const begin = "timestamptz '2024-01-01 00:00:00+00'";
/** A time within so many days from the beginning. */
const within = (purpose: string, days: number): string =>
  `${begin} + floor(pg_temp.roll('${purpose}', n) * ${days * 86_400}) * interval '1 second'`;

/** The statements that fill the legacy tables; they need the dice. */
export function generatorStatements(users: number): string[] {
  const organizations = Math.max(4, Math.floor(users / 8));
  const packages = Math.max(6, Math.floor(organizations / 2));
  const sounds = packages * 6;
  const endpoints = Math.max(3, Math.floor(organizations * 0.8));
  const series = (rows: number): string => `generate_series(1::bigint, ${rows}) as n`;
  const dirt = (purpose: string, kinds: number): string => `pg_temp.kind_of_dirt('${purpose}', n, ${kinds})`;
  const below = (purpose: string, size: number): string => `pg_temp.below('${purpose}', n, ${size})`;
  const pick = (purpose: string, texts: readonly string[]): string => `pg_temp.pick('${purpose}', n, ${list(texts)})`;
  /** The last organization, and every thirteenth, has no users. */
  const organizationOfUser = `(select case when o % 13 = 0 then o - 1 else o end
    from (select 1 + pg_temp.below('organization of user', n, ${organizations - 1}) as o) as chosen)`;
  const anyOrganization = (purpose: string): string =>
    `pg_temp.uid('organization', 1 + ${below(purpose, organizations)})`;

  return [
    `insert into organizations (id, name, display_name, contact_email, phone, subscription_tier, subscription_status,
      stripe_customer_id, max_users, is_active, settings, created_at, updated_at)
    select pg_temp.uid('organization', n),
      case d when 0 then '' when 1 then null when 2 then E'Har\\x07mony\\t' || n when 3 then 'Calm Clinic' when 4 then '  CALM clinic '
        else ${pick('stem', stems)} || ' ' || ${pick('trade', trades)} || ' ' || n end,
      case when d = 1 then null else ${pick('stem', stems)} end,
      case d when 0 then null when 3 then 'FRONT.DESK@ORG' || n || '.EXAMPLE' else 'desk@org' || n || '.example' end,
      case when n % 3 = 0 then null else '+41 44 ' || lpad((n % 10000000)::text, 7, '0') end,
      ${pick('tier', ['starter', 'professional', 'enterprise'])},
      ${pick('state', ['active', 'active', 'active', 'trialing', 'past_due', 'canceled'])},
      case when n in (3, 5) then 'cus_shared' when n % 4 = 0 then null else 'cus_' || n end,
      (array[10, 25, 100, null])[1 + ${below('cap', 4)}], d is distinct from 2,
      jsonb_build_object('locale', ${pick('locale', ['en', 'de', 'pl', 'ja'])}), ${within('made', 300)}, ${within('made', 300)}
    from (select n, ${dirt('organization', 6)} as d from ${series(organizations)}) as row`,

    `insert into users (id, organization_id, email, hashed_password, first_name, last_name, role, is_active, is_verified,
      preferences, last_login_at, created_at, updated_at)
    select n, case when d = 0 then null else pg_temp.uid('organization', ${organizationOfUser}) end,
      case d when 1 then upper('user' || (n - 1) || '@mail.example') when 2 then ' user' || n || '@mail.example ' else 'user' || n || '@mail.example' end,
      '$2b$12$' || md5('password ' || n),
      case d when 3 then E'An\\x01na' when 4 then '' when 5 then null else ${pick('given', givenNames)} end,
      case d when 4 then '   ' when 5 then null else ${pick('family', familyNames)} end,
      case when n = 1 then 'super_admin' when n = 2 then 'admin' when d = 6 then ' Org_Admin ' when d = 7 then null when d = 5 then ''
        when d = 3 then 'OWNER' when pg_temp.roll('role', n) < 0.15 then 'org_admin' when pg_temp.roll('role', n) > 0.995 then 'admin' else 'user' end,
      pg_temp.roll('left', n) > 0.05, pg_temp.roll('verified', n) > 0.2,
      case d when 2 then '"none"'::jsonb when 4 then '[]'::jsonb when 7 then null
        else jsonb_build_object('language', ${pick('language', ['en', 'de', 'pl', 'ja'])}, 'timezone', ${pick('zone', ['Europe/Zurich', 'America/New_York', 'Asia/Tokyo'])},
          'notifications', pg_temp.roll('told', n) < 0.7, 'volume', ${below('volume', 100)}) end,
      case when n % 5 = 0 then null else ${within('seen', 700)} end, case when d = 6 then null else ${within('joined', 600)} end, ${within('joined', 600)}
    from (select n, ${dirt('user', 8)} as d from ${series(users)}) as row`,

    // One to three for each organization; those before the last one have ended, save for dirt.
    `insert into subscriptions (id, organization_id, plan, status, stripe_subscription_id, amount_cents, billing_cycle, seats,
      started_at, current_period_end, canceled_at, created_at, updated_at)
    select n, pg_temp.uid('organization', o), ${pick('plan', ['starter', 'professional', 'enterprise'])},
      case d when 0 then ' Active ' when 1 then null when 2 then 'CANCELLED' when 3 then 'active'
        else case when last then ${pick('status', ['active', 'active', 'active', 'trialing', 'past_due', 'incomplete'])} else 'canceled' end end,
      case when d = 1 then null else 'sub_' || n end, 4900 * (1 + ${below('price', 6)}), ${pick('cycle', ['monthly', 'yearly'])}, 1 + ${below('seats', 50)},
      begun, begun + interval '1 year', case when last then null else begun + interval '190 days' end, begun, begun
    from (select row_number() over (order by o, s) as n, o, s, s = count(*) over (partition by o) as last, ${begin} + (s - 1) * interval '200 days' as begun
      from generate_series(1::bigint, ${organizations}) as o cross join lateral generate_series(1, 1 + pg_temp.below('subscriptions', o, 3)) as s) as made
      cross join lateral (select ${dirt('subscription', 4)} as d) as dirt`,

    `insert into user_sessions (id, user_id, organization_id, token_hash, user_agent, expires_at, created_at)
    select pg_temp.uid('session', n), u.id, case when d = 0 then ${anyOrganization('stale organization')} else u.organization_id end,
      md5('token ' || n), case when d = 1 then null else ${pick('agent', agents)} end, at + interval '30 days', at
    from (select n, ${dirt('session', 2)} as d, 1 + ${below('user of session', users)} as user_id, ${within('signed in', 700)} as at from ${series(Math.floor(users * 1.5))}) as row
      join users u on u.id = row.user_id where u.organization_id is not null`,

    `insert into sound_packages (id, organization_id, name, category, price_cents, is_active, created_at)
    select n, case when d = 0 or n % 3 = 0 then null else ${anyOrganization('maker')} end,
      case d when 1 then 'Deep Sleep' when 2 then '  deep sleep ' else ${pick('package', packageNames)} || ' ' || n end,
      case when d = 3 then null else ${pick('category', ['sleep', 'focus', 'pain', 'mood'])} end, 500 * ${below('package price', 10)}, n % 17 <> 0, ${within('package made', 200)}
    from (select n, ${dirt('package', 4)} as d from ${series(packages)}) as row
    on conflict do nothing`,

    `insert into therapy_sounds (id, package_id, organization_id, title, frequency_hz, duration_seconds, file_path)
    select n, p.id, case when d = 0 then ${anyOrganization('sound maker')} else p.organization_id end,
      case when d = 1 then '' else ${pick('sound', ['Rain', 'Theta', 'Bowls', 'Pink noise', '海'])} || ' ' || n end,
      case when d = 2 then null else 40 + ${below('frequency', 80_000)} / 100.0 end, 60 + ${below('length', 3600)}, '/sounds/' || md5('file ' || n) || '.flac'
    from (select n, ${dirt('sound', 3)} as d, 1 + ${below('package of sound', packages)} as package_id from ${series(sounds)}) as row
      left join sound_packages p on p.id = row.package_id and d is distinct from 2`,

    // Every tenth pair stands there twice, with another end.
    `insert into organization_sound_packages (id, organization_id, package_id, assigned_by, assigned_at, expires_at, is_active)
    select n, pg_temp.uid('organization', 1 + pg_temp.below('buyer', of, ${organizations})), p.id,
      case when d = 1 then ${users} + n else 1 + ${below('assigned by', users)} end, ${within('assigned', 500)},
      case when d = 2 or n % 3 = 0 then null else ${within('assigned', 500)} + interval '1 year' end, d is distinct from 2
    from (select n, ${dirt('assignment', 3)} as d, case when n % 10 = 0 then n - 1 else n end as of from ${series(organizations * 4)}) as row
      join sound_packages p on p.id = 1 + pg_temp.below('assigned package', of, ${packages})`,

    `insert into organization_analytics (id, organization_id, day, active_users, sessions, minutes)
    select (o - 1) * 10 + d, pg_temp.uid('organization', o), date '2025-06-01' + d, pg_temp.below('active', o * 10 + d, 40),
      pg_temp.below('sessions', o * 10 + d, 200), round((pg_temp.roll('minutes', o * 10 + d) * 3000)::numeric, 1)
    from generate_series(1::bigint, ${organizations}) as o, generate_series(1, 10) as d`,

    `insert into organization_metrics (id, organization_id, metric, value, recorded_at)
    select n, case when d is not null then pg_temp.uid('organization that is gone', n) else ${anyOrganization('measured')} end,
      ${pick('metric', ['retention', 'satisfaction', 'stress'])}, pg_temp.roll('measure', n) * 100, ${within('measured at', 700)}
    from (select n, ${dirt('organization metric', 1)} as d from ${series(organizations * 4)}) as row`,

    // Without a user: an average of the organization. The others of the dirty ones speak of users who are gone.
    `insert into wellness_metrics (id, organization_id, user_id, metric, value, note, recorded_at)
    select n, coalesce(u.organization_id, ${anyOrganization('average of')}), case d when 0 then null when 1 then ${users} + n else u.id end,
      ${pick('wellness', ['sleep', 'stress', 'pain', 'mood'])}, case when d = 2 then null else round((pg_temp.roll('felt', n) * 10)::numeric, 2) end,
      case when d = 2 then E'bell \\x07 and\\x1b[31m red' when n % 4 = 0 then 'slept "well"; didn''t wake' end, ${within('felt at', 700)}
    from (select n, ${dirt('wellness', 3)} as d, 1 + ${below('who felt', users)} as user_id from ${series(users * 2)}) as row join users u on u.id = row.user_id`,

    `insert into dashboard_widgets (id, organization_id, user_id, widget, position, config)
    select n, u.organization_id, case when d = 0 then null else u.id end, case when d = 1 then '' else ${pick('widget', ['streak', 'minutes', 'mood', 'team'])} end,
      case when d = 2 then -1 else ${below('position', 9)} end, jsonb_build_object('color', ${pick('color', ['blue', 'teal'])})
    from (select n, ${dirt('widget', 3)} as d, 1 + ${below('whose widget', users)} as user_id from ${series(users)}) as row
      join users u on u.id = row.user_id where u.organization_id is not null`,

    `insert into webhook_endpoints (id, organization_id, url, secret, events, is_active, created_at)
    select pg_temp.uid('endpoint', n), pg_temp.uid('organization', 1 + ${below('whose endpoint', organizations)}),
      case when d = 0 then 'http://ORG' || n || '.EXAMPLE/hook ' else 'https://org' || n || '.example/hook' end, 'whsec_' || md5('secret ' || n),
      case when d = 1 then '{}' when d = 2 then array['organization.updated', 'organization.updated', 'organisation.user_added']
        else array[${pick('first event', organizationEvents)}, ${pick('second event', organizationEvents)}] end, n % 9 <> 0, ${within('endpoint made', 500)}
    from (select n, ${dirt('endpoint', 3)} as d from ${series(endpoints)}) as row`,

    `insert into webhook_deliveries (id, endpoint_id, event, payload, status_code, delivered_at)
    select n, e.id, coalesce(e.events[1], 'organization.updated'),
      jsonb_build_object('event', e.events[1], 'organization', jsonb_build_object('id', e.organization_id)),
      case when d is not null then null else (array[200, 200, 200, 204, 500, 410])[1 + ${below('answer', 6)}] end, ${within('delivered', 700)}
    from (select n, ${dirt('delivery', 1)} as d, 1 + ${below('endpoint of delivery', endpoints)} as endpoint from ${series(endpoints * 3)}) as row
      join webhook_endpoints e on e.id = pg_temp.uid('endpoint', row.endpoint)`,

    `insert into therapy_sessions (id, user_id, organization_id, sound_id, started_at, minutes, mood_before, mood_after)
    select n, u.id, case when d = 0 then ${anyOrganization('stale organization of session')} else u.organization_id end,
      case when d = 1 then null else 1 + ${below('sound of session', sounds)} end, ${within('listened', 700)},
      case when d = 2 then null when d = 1 then -5 else round((1 + pg_temp.roll('minutes', n) * 59)::numeric, 1) end, 1 + ${below('before', 5)},
      case when d = 2 then null else 1 + ${below('after', 5)} end
    from (select n, ${dirt('listening', 3)} as d, 1 + ${below('who listened', users)} as user_id from ${series(users * 4)}) as row join users u on u.id = row.user_id`,

    `insert into analytics_events (id, organization_id, user_id, event, properties, occurred_at)
    select n, case when d = 2 then null when d = 3 then pg_temp.uid('organization that is gone', n) else u.organization_id end,
      case d when 0 then null when 1 then ${users} + n when 2 then null when 3 then ${users} + n else u.id end,
      ${pick('event', ['page_view', 'play', 'pause', 'purchase'])}, case when d = 0 then null else jsonb_build_object('page', '/' || n % 20) end, ${within('happened', 700)}
    from (select n, ${dirt('event', 4)} as d, 1 + ${below('who did', users)} as user_id from ${series(users * 2)}) as row join users u on u.id = row.user_id`,

    `insert into feature_usage (user_id, feature, day, organization_id, uses)
    select u.id, f, date '2025-06-01' + d, u.organization_id, pg_temp.below('uses', u.id * 10 + d, 30)
    from users u, unnest(array['player', 'journal']) as f, generate_series(1, 2) as d where u.id % 2 = 0`,

    `insert into audit_logs (id, organization_id, user_id, action, resource_type, resource_id, details, created_at)
    select n, case when d = 2 then pg_temp.uid('organization that is gone', n) else u.organization_id end,
      case d when 0 then null when 1 then ${users} + n when 2 then null else u.id end,
      case when d = 3 then '  ORGANIZATION.UPDATED ' else ${pick('action', ['user.login', 'user.updated', 'organization.updated', 'subscription.updated', 'package.assigned'])} end,
      ${pick('resource', ['user', 'organization', 'subscription'])}, case when d = 3 then null else n::text end,
      case d when 1 then '"text"'::jsonb when 2 then null else jsonb_build_object('ip', '192.0.2.' || n % 250, 'note', 'it''s fine') end, ${within('logged', 700)}
    from (select n, ${dirt('audit', 4)} as d, 1 + ${below('who was logged', users)} as user_id from ${series(users * 2)}) as row join users u on u.id = row.user_id`,
  ];
}
