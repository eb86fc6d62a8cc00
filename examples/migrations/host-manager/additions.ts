import type { Addition } from 'tenantry/migrate';

/** The team that everybody and every host of the default organization is in. */
export const everyone = 'team_everyone';

const tenant = `"organizationId" uuid not null references tenantry.tenants (tenant_id)`;
const created = `"createdAt" timestamp(3) not null default current_timestamp`;

/** Tells the team that the migration makes from those that organizations begin with later. */
const whoWasThere = 'Everybody who was there before there were teams';

const auditColumns = ['entityType', 'entityId', 'ipAddress', 'userAgent', 'metadata'] as const;

/** The application's own statements: the tables of the target that have no rows yet, and the wider log. */
export const additions: readonly Addition[] = [
  {
    name: 'teams',
    stage: 'expand',
    creates: { Team: 'own' },
    sql: [
      `create table "Team" (${tenant}, "id" text not null, "name" text not null, "description" text, ${created},
  primary key ("organizationId", "id"), unique ("organizationId", "name"))`,
    ],
    undo: ['drop table "Team"'],
  },
  {
    name: 'sessions',
    stage: 'expand',
    creates: { Session: 'own' },
    sql: [
      `create table "Session" (${tenant}, "id" text not null, "userId" text not null, "tokenHash" text not null,
  "ipAddress" text, "userAgent" text, "expiresAt" timestamp(3) not null, ${created}, primary key ("organizationId", "id"))`,
    ],
    undo: ['drop table "Session"'],
  },
  {
    // The key itself, its digest and its end are the library's; this says who made it and what for.
    name: 'api-keys',
    stage: 'expand',
    creates: { ApiKey: 'own' },
    sql: [
      `create table "ApiKey" (${tenant}, "keyId" uuid not null, "userId" text not null, "label" text not null, ${created},
  primary key ("organizationId", "keyId"), foreign key ("organizationId", "keyId") references tenantry.api_keys (tenant_id, id) on delete cascade)`,
    ],
    undo: ['drop table "ApiKey"'],
  },
  {
    name: 'alerts',
    stage: 'expand',
    creates: { Alert: 'own', Notification: 'own' },
    sql: [
      `create type "Severity" as enum ('INFO', 'WARNING', 'CRITICAL')`,
      `create table "Alert" (${tenant}, "id" text not null, "hostId" text not null, "severity" "Severity" not null default 'WARNING',
  "message" text not null, "resolvedAt" timestamp(3), ${created}, primary key ("organizationId", "id"))`,
      `create table "Notification" (${tenant}, "id" text not null, "userId" text not null, "alertId" text,
  "message" text not null, "readAt" timestamp(3), ${created}, primary key ("organizationId", "id"),
  foreign key ("organizationId", "alertId") references "Alert" ("organizationId", "id") on delete cascade)`,
      `create index "Alert_host" on "Alert" ("organizationId", "hostId")`,
      `create index "Notification_user" on "Notification" ("organizationId", "userId", "readAt")`,
    ],
    undo: ['drop table "Notification"', 'drop table "Alert"', 'drop type "Severity"'],
  },
  {
    // On the way back the library keeps what stands in the new columns, since the old log has no place for it.
    name: 'wider-audit-log',
    stage: 'expand',
    adds: { AuditLog: auditColumns },
    sql: [
      `alter table "AuditLog" add column "entityType" text, add column "entityId" text, add column "ipAddress" text,
  add column "userAgent" text, add column "metadata" jsonb`,
    ],
    undo: [`alter table "AuditLog" ${auditColumns.map((name) => `drop column "${name}"`).join(', ')}`],
  },
  {
    name: 'everyone',
    stage: 'backfill',
    sql: [
      `insert into "Team" ("organizationId", "id", "name", "description")
  select distinct tenant_id, '${everyone}', 'Everyone', '${whoWasThere}'
  from tenantry.migration_map where migration = 'commercial-upgrade'`,
    ],
    undo: [`delete from "Team" where "description" = '${whoWasThere}'`],
  },
  {
    // What the new tables refer to has a key that begins with the organization since the enforce stage.
    name: 'references',
    stage: 'switch',
    sql: [
      ...['UserTeam', 'HostTeam'].map(
        (table) => `alter table "${table}" add constraint "${table}_team" foreign key ("organizationId", "teamId")
  references "Team" ("organizationId", "id") on delete cascade`,
      ),
      ...['Session', 'ApiKey', 'Notification'].map(
        (table) => `alter table "${table}" add constraint "${table}_user" foreign key ("organizationId", "userId")
  references "User" ("organizationId", "id") on delete cascade`,
      ),
      `alter table "UserTeam" add constraint "UserTeam_user" foreign key ("organizationId", "userId")
  references "User" ("organizationId", "id") on delete cascade`,
      `alter table "HostTeam" add constraint "HostTeam_host" foreign key ("organizationId", "hostId")
  references "Host" ("organizationId", "id") on delete cascade`,
      `alter table "Alert" add constraint "Alert_host" foreign key ("organizationId", "hostId")
  references "Host" ("organizationId", "id") on delete cascade`,
    ],
    undo: [
      ...['UserTeam', 'HostTeam'].map((table) => `alter table "${table}" drop constraint "${table}_team"`),
      ...['Session', 'ApiKey', 'Notification'].map((table) => `alter table "${table}" drop constraint "${table}_user"`),
      'alter table "UserTeam" drop constraint "UserTeam_user"',
      'alter table "HostTeam" drop constraint "HostTeam_host"',
      'alter table "Alert" drop constraint "Alert_host"',
    ],
  },
];
