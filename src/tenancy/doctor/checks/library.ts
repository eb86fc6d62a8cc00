import { appRole, librarySchema } from '../../../database/index.ts';
import { quoteIdentifier } from '../../../database/isolation-sql.ts';
import type { RelationRow } from '../catalogue.ts';
import type { Examination } from '../examination.ts';
import { expectedLibrary } from '../expected-library.ts';
import { type Finding, findingOf } from '../finding.ts';
import { labelOf, roleSql, rowSecuritySql, sqlOf } from '../mend-sql.ts';
import { checkTablePolicies } from './policies.ts';

/** The library's own schema, as far as it differs from what the library installs. */
export function checkLibrary(examination: Examination, installed: number): Finding[] {
  const expected = expectedLibrary(installed);
  const tables = new Map(examination.library.map((relation) => [relation.name, relation]));
  const findings: Finding[] = [];
  if (installed < expected.newest) {
    const what = `The schema has version ${installed}; the library knows ${expected.newest}.`;
    findings.push(findingOf('library_outdated', `schema ${librarySchema}`, what, []));
  }
  for (const [name, create] of expected.tables) {
    const relation = tables.get(name);
    const object = `${librarySchema}.${name}`;
    if (relation === undefined) {
      findings.push(tampered(object, 'The table is missing.', create));
      continue;
    }
    const policies = expected.isolated.get(name);
    if (policies !== undefined) findings.push(...checkIsolation(examination, relation, policies));
    for (const { role, rights } of relation.grants) {
      const allowed = role === appRole ? (expected.rights.get(name) ?? new Set<string>()) : new Set<string>();
      const beyond = rights.filter((right) => !allowed.has(right) && right !== 'TRUNCATE' && !isDdl(right));
      if (beyond.length === 0) continue;
      const mend = [`revoke ${beyond.join(', ').toLowerCase()} on ${sqlOf(relation)} from ${roleSql(role)}`];
      findings.push(tampered(object, `${role} has ${beyond.join(', ')} on it.`, mend));
    }
  }
  return [...findings, ...checkTriggers(examination, expected.triggers)];
}

function tampered(object: string, what: string, mend: readonly string[]): Finding {
  return findingOf('library_tampered', object, what, mend);
}

/** These two have codes of their own wherever they stand. */
function isDdl(right: string): boolean {
  return right === 'REFERENCES' || right === 'TRIGGER';
}

function checkIsolation(
  examination: Examination,
  relation: RelationRow,
  expected: ReadonlyMap<string, string>,
): Finding[] {
  const object = labelOf(relation);
  const present = examination.policies.get(relation.oid) ?? [];
  const missing = [...expected].filter(([name]) => !present.some((policy) => policy.name === name));
  const drop = (name: string): string => `drop policy ${quoteIdentifier(name)} on ${sqlOf(relation)}`;
  const what = [
    ...(relation.rowSecurity ? [] : ['Row-level security is not enabled.']),
    ...(relation.forced ? [] : ['Row-level security is not forced.']),
    ...missing.map(([name]) => `The policy ${name} is missing.`),
  ];
  const mend = [...rowSecuritySql(relation), ...missing.map(([, create]) => create)];
  const foreign = present.filter(({ name, roles }) => {
    return !expected.has(name) && roles.some((role) => role === 'public' || examination.roles.has(role));
  });
  const column = relation.columns.find(({ name }) => name === 'tenant_id');
  const changed = column === undefined ? [] : checkTablePolicies(examination, { relation, column, below: 'nothing' });
  const byPolicy = new Map(changed.map((finding) => [finding.object.slice(object.length + 1), finding]));
  return [
    ...(what.length === 0 ? [] : [tampered(object, what.join(' '), mend)]),
    ...foreign.map(({ name }) => tampered(`${object}.${name}`, 'The library has no such policy.', [drop(name)])),
    ...[...byPolicy].flatMap(([name, finding]) => {
      const create = expected.get(name);
      return create === undefined ? [] : [tampered(finding.object, finding.what, [drop(name), create])];
    }),
  ];
}

/** A migration puts triggers of its own on the library's tables while it runs; their names tell. */
function checkTriggers(examination: Examination, expected: ReadonlyMap<string, string>): Finding[] {
  const library = new Map(examination.library.map((relation) => [relation.oid, relation]));
  const present = new Set<string>();
  const foreign = examination.catalogue.triggers.flatMap((trigger) => {
    const relation = library.get(trigger.table);
    if (relation === undefined) return [];
    const name = `${relation.name}.${trigger.name}`;
    present.add(name);
    if (!trigger.rule && (expected.has(name) || /^(A0_|~)?tenantry_/.test(trigger.name))) return [];
    const kind = trigger.rule ? 'rule' : 'trigger';
    const mend = [`drop ${kind} ${quoteIdentifier(trigger.name)} on ${sqlOf(relation)}`];
    return [tampered(`${librarySchema}.${name}`, `The library has no such ${kind}.`, mend)];
  });
  const tables = new Set(examination.library.map(({ name }) => name));
  const missing = [...expected].filter(([name]) => !present.has(name) && tables.has(name.split('.')[0] ?? ''));
  return [
    ...foreign,
    ...missing.map(([name, create]) => tampered(`${librarySchema}.${name}`, 'The trigger is missing.', [create])),
  ];
}
