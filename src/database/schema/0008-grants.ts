import { isolateTable } from '../isolation-sql.ts';
import { librarySchema, serviceRole } from '../roles.ts';

/** What one member may do beyond the role. */
export const grantsSchema: readonly string[] = [
  `create table tenantry.member_grants (
    tenant_id uuid not null,
    member_id uuid not null,
    permission text collate "C" not null,
    granted_by text,
    granted_at timestamptz not null,
    expires_at timestamptz,
    primary key (tenant_id, member_id, permission),
    foreign key (tenant_id, member_id) references tenantry.members (tenant_id, id) on delete cascade
  )`,
  ...isolateTable({ schema: librarySchema, table: 'member_grants' }),
  `grant select, insert, update, delete on ${librarySchema}.member_grants to ${serviceRole}`,
];
