import { isolateTable } from '../isolation-sql.ts';
import { librarySchema, serviceRole } from '../roles.ts';

/**
 * Rate limits that all processes share. "tat" is the theoretical arrival time of the generic cell rate algorithm, in
 * microseconds since 1970: the one number that such a limit needs. It is updated in place, so pages keep room for that.
 */
export const rateLimitsSchema: readonly string[] = [
  `create table tenantry.rate_limits (
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    name text collate "C" not null,
    tat bigint not null,
    primary key (tenant_id, name)
  ) with (fillfactor = 50)`,
  ...isolateTable({ schema: librarySchema, table: 'rate_limits' }),
  `grant select, insert, update, delete on ${librarySchema}.rate_limits to ${serviceRole}`,
];
