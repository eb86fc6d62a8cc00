import { quoteLiteral } from '../../database/isolation-sql.ts';
import { appRole, librarySchema, serviceRole } from '../../database/roles.ts';
import { schemaSteps } from '../../database/schema/steps.ts';
import type { Piece } from './piece.ts';

/**
 * Installs the library's schema as installSchema does: roles, tables, row-level security and rights, for a database that
 * has none yet or an older one. What is there stays.
 */
export function schemaPiece(): Piece {
  const roles = [appRole, serviceRole].map(
    (role) => `if not exists (select 1 from pg_roles where rolname = ${quoteLiteral(role)}) then
  begin
    create role ${role} nologin;
  exception when duplicate_object or unique_violation then
    null;
  end;
end if;`,
  );
  const steps = schemaSteps.map(
    ({
      version,
      name,
      statements,
    }) => `if not exists (select 1 from ${librarySchema}.schema_versions where version >= ${version}) then
${statements.map((statement) => `${statement};`).join('\n')}
insert into ${librarySchema}.schema_versions (version, name, applied_at) values (${version}, ${quoteLiteral(name)}, now());
end if;`,
  );
  const body = [
    ...roles,
    `perform pg_advisory_xact_lock(hashtext('tenantry.install'));`,
    `if to_regnamespace('${librarySchema}') is null then create schema ${librarySchema}; end if;`,
    `if to_regclass('${librarySchema}.schema_versions') is null then
create table ${librarySchema}.schema_versions (version integer primary key, name text not null, applied_at timestamptz not null);
end if;`,
    ...steps,
    `if not (select rolsuper from pg_roles where rolname = current_user)
  and not (pg_has_role('${appRole}', 'member') and pg_has_role('${serviceRole}', 'usage')) then
  execute format('grant ${appRole}, ${serviceRole} to %I', current_user);
end if;`,
  ];
  return { kind: 'transaction', title: `the schema ${librarySchema}`, body: body.join('\n') };
}
