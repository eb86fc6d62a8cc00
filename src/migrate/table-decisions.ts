import type { AnyDatabase } from '../database/index.ts';
import { quoteIdentifier } from '../database/isolation-sql.ts';
import { hasKey, type Model, type OwnTable, sameColumns } from './model.ts';
import type { Decision } from './plan.ts';
import { execute } from './sql-text.ts';

/** What somebody should know of the tables themselves before a plan is applied, whatever rows they hold. */
export async function tableDecisions(tx: AnyDatabase, model: Model): Promise<Decision[]> {
  const named = (topic: string, tables: readonly OwnTable[], detail: string): Decision[] =>
    tables.length === 0 ? [] : [{ topic, count: tables.length, detail, samples: tables.map(({ name }) => name) }];
  return [
    ...readerDecisions(model),
    ...named(
      'columns without a foreign key',
      model.own.filter(({ name, via, table, derivation }) => {
        const rule = model.definition.tables[name];
        const said = rule?.kind === 'via' && rule.to !== undefined;
        return (
          via !== undefined &&
          derivation === undefined &&
          !said &&
          !table.foreignKeys.some(({ columns }) => sameColumns(columns, via.columns))
        );
      }),
      `are taken to hold keys of ${model.source.name}, since no foreign key says where their column leads: where it leads elsewhere, say it with { to }`,
    ),
    ...named(
      'deletions',
      model.own.filter((table) => wayBy(table, ({ onDelete }) => onDelete.startsWith('set '))),
      'lose the column by which they find their tenant when the row above is deleted (ON DELETE SET NULL): from enforce on NOT NULL refuses such a deletion by the old application',
    ),
    ...named(
      'order of writes',
      model.own.filter((table) => wayBy(table, ({ deferrable }) => deferrable)),
      'let a row be written before the one by which it finds its tenant (a deferrable foreign key): from enforce on the old application must write that one first, or NOT NULL refuses it',
    ),
    ...(await readingDecisions(tx, model)),
    ...policyDecisions(model),
    ...uniqueDecisions(model),
  ];
}

/** Whether the foreign key by which rows of a table find their tenant is such a one. */
function wayBy({ via, references }: OwnTable, such: (key: OwnTable['references'][number]['key']) => boolean): boolean {
  return references.some(({ key }) => via !== undefined && sameColumns(key.columns, via.columns) && such(key));
}

function readerDecisions(model: Model): Decision[] {
  const readers = new Map<string, string[]>();
  for (const { name, table } of model.own)
    for (const role of table.readers) readers.set(role, [...(readers.get(role) ?? []), name]);
  return [...readers].map(([role, tables]) => ({
    topic: `role ${role}`,
    count: tables.length,
    detail: `reads these tables and will see no rows once row-level security is on: grant tenantry_service to ${quoteIdentifier(role)} while the old application runs`,
    samples: tables,
  }));
}

/** SQL of a rule that reads other tables: no trigger stands there. PostgreSQL itself says what it would read. */
async function readingDecisions(tx: AnyDatabase, model: Model): Promise<Decision[]> {
  const found: Decision[] = [];
  for (const { name, sql, leads, derivation } of model.own) {
    if (leads === undefined || leads.lookup !== undefined || derivation !== undefined) continue;
    const { rows } = await execute<object>(tx, `explain (format json) select ${leads.key('t')} from ${sql} as t`);
    const read = [...JSON.stringify(rows).matchAll(/"Relation Name":"([^"]*)"/g)].map(([, relation]) => relation ?? '');
    const others = [...new Set(read)].filter((relation) => relation !== name && relation !== '');
    if (others.length === 0) continue;
    const detail = `find their tenant by SQL that reads ${others.join(', ')}: they do not follow what is written there. After such a write, let them look again: update ${sql} set ${quoteIdentifier(model.column)} = null where …`;
    found.push({ topic: 'SQL over other tables', count: others.length, detail, samples: [name] });
  }
  return found;
}

/** Permissive policies are joined by OR, so one that lets more rows pass than the tenant's is a way around it. */
function policyDecisions(model: Model): Decision[] {
  return model.own
    .filter(({ table }) => table.policies.length > 0)
    .map(({ name, table }) => ({
      topic: `policies of ${name}`,
      count: table.policies.length,
      detail:
        "stand on the table already and let rows pass beside the tenant's own: drop them before the new application runs, or limit them to the logins of the old one (TO)",
      samples: table.policies,
    }));
}

/** A key over all tenants tells one of them what another has. */
function uniqueDecisions(model: Model): Decision[] {
  const found = model.own
    .filter((table) => hasKey(table))
    .flatMap(({ name, table }) => table.uniques.map((unique) => `${name}.${unique}`));
  if (found.length === 0) return [];
  const detail =
    'stay unique over all tenants, so one tenant meets what another has. Where it should be unique for each, make it so by an addition of the contract stage, when no old application relies on it';
  return [{ topic: 'uniques', count: found.length, detail, samples: found.slice(0, 10) }];
}
