import type { ColumnType, Generated } from 'kysely';

type Timestamp = ColumnType<Date, Date | string, Date | string>;
/** A time that the database sets where nothing is given. */
type Moment = ColumnType<Date, Date | string | undefined, Date | string>;
/** A whole number of 64 bits; drivers read it as a string, a number or a bigint. */
type Bigint = ColumnType<string, string | number | bigint, string | number | bigint>;
/** The key of a row, which a sequence gives where it is left out. */
type Serial = ColumnType<string, string | number | bigint | undefined, never>;
type Json = ColumnType<unknown, string, string>;

/** A business that buys therapy for its people: the model to be left. */
export interface OrganizationTable {
  id: Generated<string>;
  name: string | null;
  display_name: string | null;
  contact_email: string | null;
  phone: string | null;
  subscription_tier: string | null;
  subscription_status: string | null;
  stripe_customer_id: string | null;
  max_users: number | null;
  is_active: Generated<boolean>;
  settings: ColumnType<unknown, string | undefined, string>;
  created_at: Moment;
  updated_at: Moment;
}

/** A person. Some belong to no organization any more. */
export interface UserTable {
  id: Serial;
  organization_id: string | null;
  /** As it was typed; the unique key tells upper and lower case apart. */
  email: string;
  hashed_password: string;
  first_name: string | null;
  last_name: string | null;
  /** `user`, `org_admin`, `admin` or `super_admin`, spelt as whoever wrote it spelt it. */
  role: string | null;
  is_active: Generated<boolean>;
  is_verified: Generated<boolean>;
  /** A JSON object; in some rows another value, or nothing. */
  preferences: ColumnType<unknown, string | null | undefined, string | null>;
  last_login_at: Timestamp | null;
  created_at: Moment | null;
  updated_at: Moment;
}

/** What an organization pays, now and before. */
export interface SubscriptionTable {
  id: Serial;
  organization_id: string;
  plan: string;
  status: string | null;
  stripe_subscription_id: string | null;
  amount_cents: number | null;
  currency: Generated<string>;
  billing_cycle: string | null;
  seats: number | null;
  started_at: Timestamp | null;
  current_period_end: Timestamp | null;
  canceled_at: Timestamp | null;
  created_at: Moment;
  updated_at: Moment;
}

/** A sign-in. */
export interface UserSessionTable {
  id: Generated<string>;
  user_id: Bigint;
  organization_id: string;
  token_hash: string;
  user_agent: string | null;
  expires_at: Timestamp;
  created_at: Moment;
}

/** Sounds that are sold together: Sonicus's own where the organization is NULL, or made for one organization. */
export interface SoundPackageTable {
  id: Serial;
  organization_id: string | null;
  name: string;
  category: string | null;
  price_cents: number | null;
  is_active: Generated<boolean>;
  created_at: Moment;
}

/** One sound. */
export interface TherapySoundTable {
  id: Serial;
  package_id: Bigint | null;
  organization_id: string | null;
  title: string;
  frequency_hz: ColumnType<string | null, string | number | null, string | number | null>;
  duration_seconds: number | null;
  file_path: string | null;
}

/** Which packages the users of an organization may hear. The same pair may stand there twice. */
export interface OrganizationSoundPackageTable {
  id: Serial;
  organization_id: string;
  package_id: Bigint;
  assigned_by: Bigint | null;
  assigned_at: Moment;
  expires_at: Timestamp | null;
  is_active: Generated<boolean>;
}

/** Figures of an organization by day. */
export interface OrganizationAnalyticsTable {
  id: Serial;
  organization_id: string;
  day: ColumnType<Date, string, string>;
  active_users: number;
  sessions: number;
  minutes: ColumnType<string, string | number, string | number>;
}

/** Measurements of an organization; some speak of organizations that are gone. */
export interface OrganizationMetricTable {
  id: Serial;
  organization_id: string;
  metric: string;
  value: number;
  recorded_at: Moment;
}

/** How somebody felt; without a user, an average of the organization. */
export interface WellnessMetricTable {
  id: Serial;
  organization_id: string | null;
  user_id: Bigint | null;
  metric: string;
  value: ColumnType<string | null, string | number | null, string | number | null>;
  note: string | null;
  recorded_at: Moment;
}

/** A tile of a dashboard; without a user, of the organization's dashboard. */
export interface DashboardWidgetTable {
  id: Serial;
  organization_id: string;
  user_id: Bigint | null;
  widget: string;
  position: number;
  config: ColumnType<unknown, string | undefined, string>;
}

/** Where an organization wants to be told of events. */
export interface WebhookEndpointTable {
  id: Generated<string>;
  organization_id: string;
  url: string;
  secret: string;
  events: string[];
  is_active: Generated<boolean>;
  created_at: Moment;
}

/** One attempt to tell. */
export interface WebhookDeliveryTable {
  id: Serial;
  endpoint_id: string;
  event: string;
  payload: Json;
  status_code: number | null;
  delivered_at: Moment;
}

/** Somebody listened to a sound. */
export interface TherapySessionTable {
  id: Serial;
  user_id: Bigint;
  organization_id: string | null;
  sound_id: Bigint | null;
  started_at: Timestamp;
  minutes: ColumnType<string | null, string | number | null, string | number | null>;
  mood_before: number | null;
  mood_after: number | null;
}

/** Something that happened in the application. Its user may be gone, or was never known. */
export interface AnalyticsEventTable {
  id: Serial;
  organization_id: string | null;
  user_id: Bigint | null;
  event: string;
  properties: ColumnType<unknown, string | null | undefined, string | null>;
  occurred_at: Moment;
}

/** How often a feature was used by day. */
export interface FeatureUsageTable {
  user_id: Bigint;
  feature: string;
  day: ColumnType<Date, string, string>;
  organization_id: string | null;
  uses: number;
}

/** Who did what. Neither the user nor the organization need still be there. */
export interface AuditLogTable {
  id: Serial;
  organization_id: string | null;
  user_id: Bigint | null;
  action: string;
  resource_type: string | null;
  resource_id: string | null;
  details: ColumnType<unknown, string | null | undefined, string | null>;
  created_at: Moment;
}

/** The legacy database of Sonicus, in schema `public`. */
export interface SonicusDatabase {
  organizations: OrganizationTable;
  users: UserTable;
  subscriptions: SubscriptionTable;
  user_sessions: UserSessionTable;
  sound_packages: SoundPackageTable;
  therapy_sounds: TherapySoundTable;
  organization_sound_packages: OrganizationSoundPackageTable;
  organization_analytics: OrganizationAnalyticsTable;
  organization_metrics: OrganizationMetricTable;
  wellness_metrics: WellnessMetricTable;
  dashboard_widgets: DashboardWidgetTable;
  webhook_endpoints: WebhookEndpointTable;
  webhook_deliveries: WebhookDeliveryTable;
  therapy_sessions: TherapySessionTable;
  analytics_events: AnalyticsEventTable;
  feature_usage: FeatureUsageTable;
  audit_logs: AuditLogTable;
}

/** The legacy tables, in the order in which they can be filled. */
export const legacyTables = [
  'organizations',
  'users',
  'subscriptions',
  'user_sessions',
  'sound_packages',
  'therapy_sounds',
  'organization_sound_packages',
  'organization_analytics',
  'organization_metrics',
  'wellness_metrics',
  'dashboard_widgets',
  'webhook_endpoints',
  'webhook_deliveries',
  'therapy_sessions',
  'analytics_events',
  'feature_usage',
  'audit_logs',
] as const satisfies readonly (keyof SonicusDatabase)[];
