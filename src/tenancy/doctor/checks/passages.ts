import { librarySchema } from '../../../database/index.ts';
import { quoteIdentifier } from '../../../database/isolation-sql.ts';
import type { RelationRow, RoutineRow } from '../catalogue.ts';
import { type Examination, tenantRelations } from '../examination.ts';
import { type Finding, findingOf } from '../finding.ts';
import { groupBy } from '../group-by.ts';
import { labelOf, roleSql, some, sqlOf } from '../mend-sql.ts';

/** What leads to rows of tenants past the tables themselves. */
export function checkPassages(examination: Examination): Finding[] {
  const readers = readersOf(examination);
  return [
    ...checkOthers(examination, readers),
    ...checkRoutines(examination, readers),
    ...checkTriggers(examination),
    ...checkPublications(examination),
    ...checkLargeObjects(examination),
  ];
}

/** The views that read rows of tenants, directly or through others, by number, with one table that they read. */
function readersOf(examination: Examination): Map<string, RelationRow> {
  const found = new Map<string, RelationRow>();
  const byRelation = groupBy(examination.catalogue.reads, ({ relation }) => relation);
  const waiting = tenantRelations(examination).map((relation) => ({ oid: relation.oid, relation }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { oid, relation } = next;
    for (const { view } of byRelation.get(oid) ?? []) {
      if (found.has(view)) continue;
      found.set(view, relation);
      waiting.push({ oid: view, relation });
    }
  }
  return found;
}

function checkOthers(examination: Examination, readers: ReadonlyMap<string, RelationRow>): Finding[] {
  const { roles, setup } = examination;
  return examination.others.flatMap((relation) => {
    const table = readers.get(relation.oid);
    const object = labelOf(relation);
    if (relation.kind === 'v') {
      if (table === undefined || relation.invoker) return [];
      const what = `The view reads ${labelOf(table)} with the rights of ${relation.owner}.`;
      return [
        findingOf('view_without_invoker', object, what, [
          `alter view ${sqlOf(relation)} set (security_invoker = true)`,
        ]),
      ];
    }
    const owned = roles.has(relation.owner);
    if ((relation.kind === 'm' && table === undefined) || (relation.grants.length === 0 && !owned)) return [];
    const who = owned ? relation.owner : relation.grants.map(({ role }) => role).join(', ');
    const kind = relation.kind === 'm' ? 'materialized view' : 'foreign table';
    const mend = [
      ...(owned ? [`alter ${kind} ${sqlOf(relation)} owner to ${quoteIdentifier(setup.deployer)}`] : []),
      ...relation.grants.map(({ role }) => `revoke all on ${sqlOf(relation)} from ${roleSql(role)}`),
    ];
    if (table === undefined) return [findingOf('foreign_table', object, `The foreign table is open to ${who}.`, mend)];
    const what = `The materialized view over ${labelOf(table)} is open to ${who}.`;
    return [findingOf('materialized_view', object, what, mend)];
  });
}

function checkRoutines(examination: Examination, readers: ReadonlyMap<string, RelationRow>): Finding[] {
  const { catalogue, roles, byOid } = examination;
  const tables = tenantRelations(examination);
  const views = [...readers.keys()].flatMap((oid) => byOid.get(oid) ?? []);
  const names = new Map([...tables, ...views].map((relation) => [relation.name.toLowerCase(), relation]));
  return catalogue.routines.flatMap((routine) => {
    const findings: Finding[] = [];
    const { label, sql } = routine;
    if (routine.leakproof) {
      const mend = [`alter routine ${sql} not leakproof`];
      findings.push(findingOf('leakproof_function', label, 'The function is marked LEAKPROOF.', mend));
    }
    if (!routine.definer || roles.has(routine.owner)) return findings;
    const touched = routine.trigger || !routine.callable ? undefined : touches(routine, names, byOid);
    if (touched !== undefined) {
      const what = `The function names ${labelOf(touched)} and runs as ${routine.owner}.`;
      findings.push(findingOf('definer_function', label, what, [`alter routine ${sql} security invoker`]));
    }
    if (!routine.searchPath) {
      const what = `The function runs as ${routine.owner} under the search path of whoever calls it.`;
      findings.push(
        findingOf('definer_search_path', label, what, [
          `alter routine ${sql} set search_path = pg_catalog, ${quoteIdentifier(routine.schema)}, pg_temp`,
        ]),
      );
    }
    return findings;
  });
}

function touches(
  { body, uses }: RoutineRow,
  names: ReadonlyMap<string, RelationRow>,
  byOid: ReadonlyMap<string, RelationRow>,
): RelationRow | undefined {
  const words = body.toLowerCase().match(/"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*/gu) ?? [];
  const written = words.map((word) => names.get(word.replace(/^"|"$/g, ''))).find((relation) => relation !== undefined);
  if (written !== undefined) return written;
  return uses.flatMap((oid) => names.get(byOid.get(oid)?.name.toLowerCase() ?? '') ?? [])[0];
}

function checkTriggers(examination: Examination): Finding[] {
  const routines = new Map(examination.catalogue.routines.map((routine) => [routine.oid, routine]));
  return examination.catalogue.triggers.flatMap((trigger) => {
    const own = examination.own.get(trigger.table);
    if (own === undefined) return [];
    const object = `${labelOf(own.relation)}.${trigger.name}`;
    if (trigger.rule) {
      const mend = [`drop rule ${quoteIdentifier(trigger.name)} on ${sqlOf(own.relation)}`];
      return [findingOf('rule_rewrites', object, 'A rule rewrites statements on the table.', mend)];
    }
    const routine = routines.get(trigger.routine ?? '');
    if (routine === undefined || !routine.definer || examination.roles.has(routine.owner)) return [];
    // While a migration runs, its triggers write to the library's tables for an application that may not.
    if (routine.schema === librarySchema) return [];
    const what = `The trigger calls ${routine.label}, which runs as ${routine.owner}.`;
    return [findingOf('definer_trigger', object, what, [`alter routine ${routine.sql} security invoker`])];
  });
}

function checkPublications(examination: Examination): Finding[] {
  const tables = new Map(tenantRelations(examination).map((relation) => [relation.oid, relation]));
  const open = examination.catalogue.publications.filter(({ table }) => tables.has(table));
  return [...groupBy(open, ({ name }) => name)].map(([name, rows]) => {
    const published = rows.flatMap(({ table }) => tables.get(table) ?? []);
    const publication = quoteIdentifier(name);
    const named = rows.filter(({ by }) => by === 'table').flatMap(({ table }) => tables.get(table) ?? []);
    const whole = rows.filter(({ by }) => by === 'schema').flatMap(({ table }) => tables.get(table)?.schema ?? []);
    const mend = rows.some(({ by }) => by === 'all')
      ? [`drop publication ${publication}`]
      : [
          ...(named.length > 0 ? [`alter publication ${publication} drop table ${named.map(sqlOf).join(', ')}`] : []),
          ...[...new Set(whole)].map(
            (schema) => `alter publication ${publication} drop tables in schema ${quoteIdentifier(schema)}`,
          ),
        ];
    const what = `The publication sends every row of ${some(published.map(labelOf))}.`;
    return findingOf('publication_open', `publication ${name}`, what, mend);
  });
}

function checkLargeObjects({ catalogue, setup }: Examination): Finding[] {
  return catalogue.largeObjects.map(({ role, owned, count }) => {
    const from = owned ? 'm.lomowner' : 'a.grantee';
    const lists = owned ? '' : ', aclexplode(m.lomacl) a';
    const grantee = role === 'public' ? '0' : `'${role.replaceAll("'", "''")}'::regrole`;
    const change = owned
      ? `alter large object %s owner to ${quoteIdentifier(setup.deployer)}`
      : `revoke all on large object %s from ${roleSql(role)}`;
    const what = `${owned ? 'The role owns' : `${role} may reach`} ${count} large object${count === 1 ? '' : 's'}.`;
    return findingOf('large_objects', role === 'public' ? 'public' : `role ${role}`, what, [
      `do $doctor$ declare held oid; begin
  for held in select distinct m.oid from pg_largeobject_metadata m${lists} where ${from} = ${grantee} loop
    execute format('${change.replaceAll("'", "''")}', held);
  end loop;
end $doctor$`,
    ]);
  });
}
