import { isolateTable } from '../isolation-sql.ts';
import { grantsColumn } from '../member-facts.ts';
import { appRole, librarySchema, serviceRole } from '../roles.ts';

/**
 * Rate limits that all processes share. "tat" is the theoretical arrival time of the generic cell rate algorithm, in
 * microseconds since 1970: the one number that such a limit needs. It is updated in place, so pages keep room for that.
 * And what verifying asks of the owner of a key.
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
  // What verifying asks of the owner of a key who is not the tenant: [user, role, status, grants] of the member, [id] of
  // the team, NULL when neither is there. The server prepares every part of a statement on each call, and a function only
  // when it is called: keys of the tenant, and that are most, do not pay for it. It sees what its caller's statement sees.
  `create function tenantry.key_owner(uuid, uuid, uuid) returns json language plpgsql stable as $$
  begin
    if $2 is not null then
      return (select json_build_array(m.user_id, m.role, m.status, ${grantsColumn})
        from tenantry.members m where m.tenant_id = $1 and m.id = $2);
    end if;
    return (select json_build_array(g.id) from tenantry.teams g where g.tenant_id = $1 and g.id = $3);
  end $$`,
  `grant execute on function ${librarySchema}.key_owner(uuid, uuid, uuid) to ${appRole}, ${serviceRole}`,
];
