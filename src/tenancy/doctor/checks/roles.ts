import { appRole, purgeRole, serviceRole } from '../../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import type { RoleRow } from '../catalogue.ts';
import { type Examination, tenantRelations } from '../examination.ts';
import { type Finding, findingOf } from '../finding.ts';
import type { FindingCode } from '../finding-codes.ts';
import { groupBy } from '../group-by.ts';
import { labelOf, roleSql, some, sqlOf } from '../mend-sql.ts';

const predefined = new Set([
  'pg_read_all_data',
  'pg_write_all_data',
  'pg_read_server_files',
  'pg_write_server_files',
  'pg_execute_server_program',
]);

/** What the roles in question may do beyond the rows of one tenant. */
export function checkRoles(examination: Examination): Finding[] {
  return [
    ...examination.setup.roles.flatMap((role) => checkRole(examination, role)),
    ...checkRights(examination),
    ...checkSequences(examination),
    ...checkCreate(examination),
    ...checkDefaults(examination),
    ...checkSettings(examination),
  ];
}

function checkRole(examination: Examination, role: RoleRow): Finding[] {
  const { setup } = examination;
  const object = `role ${role.name}`;
  const quoted = quoteIdentifier(role.name);
  const attributes: readonly (readonly [boolean, FindingCode, string, string])[] = [
    [role.superuser, 'role_superuser', 'is a superuser', 'nosuperuser'],
    [role.bypass && !role.superuser, 'role_bypassrls', 'has BYPASSRLS', 'nobypassrls'],
    [role.createRole && !role.superuser, 'role_createrole', 'may create roles', 'nocreaterole'],
    [role.replication && !role.superuser, 'role_replication', 'may replicate', 'noreplication'],
  ];
  const findings = attributes.flatMap(([has, code, what, without]) =>
    has ? [findingOf(code, object, `The role ${what}.`, [`alter role ${quoted} ${without}`])] : [],
  );
  const revokes = setup.roles
    .filter(({ memberOf }) => memberOf.includes(role.name))
    .map((member) => `revoke ${quoted} from ${quoteIdentifier(member.name)}`);
  if (predefined.has(role.name)) {
    findings.push(
      findingOf('role_server_access', object, `The role is granted to ${namesOf(setup.roles, role)}.`, revokes),
    );
  }
  if (role.app) {
    for (const beyond of [serviceRole, purgeRole].filter((name) => role.memberOf.includes(name))) {
      const mend = [`revoke ${beyond} from ${quoted}`];
      findings.push(findingOf('role_service_member', object, `The role is a member of ${beyond}.`, mend));
    }
  }
  const owned = tenantRelations(examination).filter(({ owner }) => owner === role.name);
  if (owned.length === 0) return findings;
  const tables = some(owned.map(labelOf));
  const own = role.name === setup.subject || role.name === appRole;
  if (own)
    findings.push(findingOf('role_owner', object, `The role owns ${tables}.`, handOver(examination, role, owned)));
  else {
    const what = `The role owns ${tables} and is granted to ${namesOf(setup.roles, role)}.`;
    findings.push(findingOf('role_owner_member', object, what, revokes));
  }
  return findings;
}

function namesOf(roles: readonly RoleRow[], { name }: RoleRow): string {
  return some(roles.filter(({ memberOf }) => memberOf.includes(name)).map((member) => member.name));
}

/** Tables go to whoever deploys; where that is the role itself, to a role that nobody logs in as. */
function handOver({ setup }: Examination, role: RoleRow, owned: ReturnType<typeof tenantRelations>): string[] {
  const self = setup.deployer === role.name;
  const owner = quoteIdentifier(self ? `${setup.database}_owner` : setup.deployer);
  return [
    ...(self ? [`create role ${owner} nologin`] : []),
    ...owned.map((relation) => `alter table ${sqlOf(relation)} owner to ${owner}`),
  ];
}

const ddlRights = ['REFERENCES', 'TRIGGER'];

function checkRights(examination: Examination): Finding[] {
  const tables = new Set(tenantRelations(examination).map(({ oid }) => oid));
  // The login inherits what the service role may; that one is asked too.
  const granted = examination.catalogue.relations
    .filter(({ oid }) => tables.has(oid))
    .flatMap((relation) => relation.grants.map(({ role, rights }) => ({ relation, role, rights })));
  return [...groupBy(granted, ({ role }) => role)].flatMap(([role, grants]) => {
    const object = role === 'public' ? 'public' : `role ${role}`;
    const found = (code: FindingCode, wanted: readonly string[]): Finding[] => {
      const open = grants.filter(({ rights }) => rights.some((right) => wanted.includes(right)));
      if (open.length === 0) return [];
      const on = open.map(({ relation }) => relation);
      const mend = [`revoke ${wanted.join(', ').toLowerCase()} on ${on.map(sqlOf).join(', ')} from ${roleSql(role)}`];
      const what = `${role} has ${wanted.join(' or ')} on ${some(on.map(labelOf))}.`;
      return [findingOf(code, object, what, mend)];
    };
    return [...found('right_truncate', ['TRUNCATE']), ...found('right_ddl', ddlRights)];
  });
}

function checkSequences({ catalogue }: Examination): Finding[] {
  const open = catalogue.sequences.filter(({ rights }) => rights.includes('SELECT') || rights.includes('UPDATE'));
  return [...groupBy(open, ({ role }) => role)].map(([role, sequences]) => {
    const mend = [`revoke select, update on sequence ${sequences.map(sqlOf).join(', ')} from ${roleSql(role)}`];
    const what = `${role} has SELECT or UPDATE on ${some(sequences.map(labelOf))}.`;
    return findingOf('right_sequence', role === 'public' ? 'public' : `role ${role}`, what, mend);
  });
}

function checkCreate({ setup }: Examination): Finding[] {
  return setup.schemas.flatMap(({ name, creators }) =>
    creators.map((role) =>
      findingOf('right_create', `schema ${name}`, `${role} may create objects in the schema.`, [
        `revoke create on schema ${quoteIdentifier(name)} from ${roleSql(role)}`,
      ]),
    ),
  );
}

function checkDefaults({ catalogue }: Examination): Finding[] {
  return catalogue.defaultGrants.map(({ owner, schema, role }) => {
    const place = schema === null ? '' : ` in schema ${quoteIdentifier(schema)}`;
    const what = `Tables that ${owner} makes${schema === null ? '' : ` in ${schema}`} are open to ${role} at once.`;
    return findingOf('default_privileges', schema === null ? `role ${owner}` : `schema ${schema}`, what, [
      `alter default privileges for role ${quoteIdentifier(owner)}${place} revoke all on tables from ${roleSql(role)}`,
    ]);
  });
}

function checkSettings({ catalogue, setting }: Examination): Finding[] {
  const name = setting.split('.').map(quoteIdentifier).join('.');
  return catalogue.settings.map(({ role, database }) => {
    const place = database === null ? '' : ` in database ${quoteIdentifier(database)}`;
    const whose =
      role === null ? `database ${quoteIdentifier(database ?? '')}` : `role ${quoteIdentifier(role)}${place}`;
    const object = role === null ? `database ${database}` : `role ${role}`;
    const what = `${setting} is set for every session of ${object}.`;
    const everyone = role === null && database === null;
    return findingOf('setting_default', object, what, [`alter ${everyone ? 'role all' : whose} reset ${name}`]);
  });
}

/** A tenant that a session of the application begins with. */
export function sessionFinding(setting: string, tenant: string): Finding {
  const what = `A session begins with ${setting} = ${quoteLiteral(tenant)}.`;
  return findingOf('session_tenant', 'session', what, [`reset ${setting.split('.').map(quoteIdentifier).join('.')}`]);
}
