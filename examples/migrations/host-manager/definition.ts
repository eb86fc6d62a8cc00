import { type RawBuilder, sql } from 'kysely';
import { none, perOrg } from 'tenantry';
import { bySql, defineMigration, derived, untouched, via } from 'tenantry/migrate';
import { additions, everyone } from './additions.ts';
import type { HostDatabase } from './legacy-schema.ts';

/** Rows without a user belong to the organization like all others: they follow whoever was there first. */
function userOr(user: string): RawBuilder<unknown> {
  return sql`coalesce((select named.id from "User" named where named.id = ${sql.ref(user)}),
    (select oldest.id from "User" oldest order by oldest."createdAt", oldest.id limit 1))`;
}

/**
 * One installation becomes a product for many organizations: whoever is there, and every host, goes to the default
 * organization, and to its team of everyone, so that each still sees what they saw. The first admin owns it.
 */
export const commercialUpgrade = defineMigration<HostDatabase>()({
  name: 'commercial-upgrade',
  from: none(),
  to: perOrg({ plan: 'free' }),
  column: 'organizationId',
  tenants: { source: 'User', sameTenant: [sql`'default'`], name: sql`'Default Organization'` },
  members: {
    source: 'User',
    userId: 'id',
    email: sql`btrim("User".email)`,
    name: 'name',
    status: sql`case when "User"."isActive" then 'active' else 'suspended' end`,
    role: {
      kind: 'expression',
      role: sql`case
        when "User".id = (select first.id from "User" first order by first.role = 'ADMIN' and first."isActive" desc, first."createdAt", first.id limit 1) then 'owner'
        when "User".role = 'ADMIN' then 'admin'
        else 'member' end`,
    },
  },
  tables: {
    Host: bySql(userOr('Host.userId')),
    AuditLog: bySql(userOr('AuditLog.userId')),
    _prisma_migrations: untouched(),
  },
  derived: {
    UserTeam: derived({
      columns: { userId: 'text', teamId: 'text', joinedAt: 'timestamp(3)' },
      key: ['teamId', 'userId'],
      tenant: via('userId', { to: 'User' }),
      select: sql`select u.id as "userId", ${everyone} as "teamId", u."createdAt" as "joinedAt" from "User" u`,
      follows: { User: { id: 'userId' } },
    }),
    HostTeam: derived({
      columns: { hostId: 'text', teamId: 'text', access: 'text' },
      key: ['teamId', 'hostId'],
      tenant: via('hostId', { to: 'Host' }),
      select: sql`select h.id as "hostId", ${everyone} as "teamId", 'MANAGE' as "access" from "Host" h`,
      follows: { Host: { id: 'hostId' } },
    }),
  },
  additions,
});
