import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../database/isolation-sql.ts';
import { countSamples } from './count-samples.ts';
import { rowsOf } from './derived.ts';
import { defaultTenantSql, keyText, type Model, type OwnTable, sameColumns, setsAside, tenantOfRow } from './model.ts';
import type { Decision } from './plan.ts';
import { referrersOf } from './referrers.ts';
import { fillMapSql, mappedRows, sourceColumns } from './source-sql.ts';
import { execute } from './sql-text.ts';
import { type SurveyedParts, surveyParts } from './survey-parts.ts';
import { tableDecisions } from './table-decisions.ts';

/** The map of a plan: the same columns as the real one, gone when the plan's transaction ends. */
const planMap = 'pg_temp.tenantry_plan_map';

/** What a migration would make and meet, counted on the live rows. */
export interface Survey extends SurveyedParts {
  readonly sourceRows: number;
  readonly tenants: number;
  readonly tables: readonly {
    readonly table: OwnTable;
    readonly rows: number;
    readonly unresolved: number;
    readonly samples: readonly string[];
  }[];
}

/**
 * Groups the source rows and leads every row to its tenant, in a transaction that is rolled back, with the expressions
 * that the backfill uses.
 *
 * @throws TenantryError `migration_rows_unresolved`, `migration_rows_ambiguous`, `migration_conflict`.
 */
export async function survey(tx: AnyDatabase, model: Model): Promise<Survey> {
  await execute(
    tx,
    `create temp table tenantry_plan_map (migration text collate "C", source_key text collate "C", group_key text, tenant_id uuid,
  rule text, primary key (migration, source_key)) on commit drop`,
  );
  await execute(tx, fillMapSql(model, planMap));
  await execute(tx, `analyze ${planMap}`);
  await refuseUngrouped(tx, model);
  const parts = await surveyParts(tx, model, planMap);
  const rows = mappedRows(model, 'true', planMap);
  const totals = await execute<Record<'source' | 'tenants', string>>(
    tx,
    `select count(*)::text as source, count(distinct m.tenant_id)::text as tenants from ${planMap} m`,
  );
  const total = totals.rows[0];
  const tables: Survey['tables'][number][] = [];
  for (const table of model.own) await refuseTwoAnswers(tx, model, table);
  for (const table of model.own) await refuseDoubleKeys(tx, model, table);
  for (const table of model.own) tables.push(await surveyTable(tx, model, table));
  for (const table of model.own) await refuseCrossing(tx, model, table);
  for (const { table, unresolved } of tables)
    if (unresolved > 0 && table.derivation === undefined) await refuseReferred(tx, model, table);
  return {
    sourceRows: Number(total?.source ?? 0),
    tenants: Number(total?.tenants ?? 0) + (model.definition.tenants.fallback === undefined ? 0 : 1),
    ...parts,
    tables,
    decisions: [...parts.decisions, ...(await decisions(tx, model, rows)), ...(await defaulted(tx, model))],
  };
}

async function refuseUngrouped(tx: AnyDatabase, model: Model): Promise<void> {
  const { count, samples } = await countSamples(
    tx,
    `select s.k as sample from (${sourceColumns(model, model.source.sql)}) as s where s.g is null`,
  );
  if (count === 0) return;
  throw new TenantryError('migration_rows_unresolved', {
    migration: model.name,
    table: model.source.name,
    rows: count,
    keys: samples,
    remedy: 'Add a rule to tenants.sameTenant that every row has, such as the primary key.',
  });
}

/**
 * Rows that go to quarantine are deleted from their table, so nothing that stays may refer to them: by the rules of its
 * foreign key it would be deleted with them, or changed, or would forbid it.
 */
async function refuseReferred(tx: AnyDatabase, model: Model, table: OwnTable): Promise<void> {
  for (const referrer of await referrersOf(tx, table)) {
    const own = model.own.find(({ name }) => referrer.schema === model.schema && referrer.name === name);
    const stays = own === undefined ? 'true' : `${tenantOfRow(model, own, 'r', planMap)} is not null`;
    const { count, samples } = await countSamples(
      tx,
      `select ${keyText(table.key, 't')} as sample from ${referrer.sql} as r join ${table.sql} as t on ${referrer.on}
  where ${tenantOfRow(model, table, 't', planMap)} is null and ${stays}`,
    );
    if (count === 0) continue;
    throw new TenantryError('migration_conflict', {
      migration: model.name,
      table: table.name,
      rows: count,
      keys: samples,
      remedy: `They lead to no tenant and would go to quarantine, but rows of ${referrer.sql} that stay refer to them. Mend them, let ${referrer.sql} find its tenant through them, or choose defaultTenant(key).`,
    });
  }
}

async function surveyTable(tx: AnyDatabase, model: Model, table: OwnTable): Promise<Survey['tables'][number]> {
  const counted = await execute<{ count: string }>(tx, `select count(*)::text as count from ${rowsOf(table)} as t`);
  const tenant = tenantOfRow(model, table, 't', planMap);
  const { count, samples } = await countSamples(
    tx,
    `select ${keyText(table.key, 't')} as sample from ${rowsOf(table)} as t where ${tenant} is null`,
  );
  if (count > 0 && !setsAside(table)) {
    throw new TenantryError('migration_rows_unresolved', {
      migration: model.name,
      table: table.name,
      rows: count,
      keys: samples,
      remedy:
        'Mend the rows, or choose { unresolved: quarantine() } or { unresolved: defaultTenant(key) } for the table.',
    });
  }
  return { table, rows: Number(counted.rows[0]?.count ?? 0), unresolved: count, samples };
}

/** The SELECT of a derived table must give each key once. */
async function refuseDoubleKeys(tx: AnyDatabase, model: Model, table: OwnTable): Promise<void> {
  if (table.derivation === undefined) return;
  const key = table.key.map(({ name }) => `t.${quoteIdentifier(name)}`);
  const absent = key.map((column) => `${column} is null`).join(' or ');
  const { count, samples } = await countSamples(
    tx,
    `select ${keyText(table.key, 't')} as sample from ${rowsOf(table)} as t group by ${key.join(', ')} having count(*) > 1 or ${absent}`,
  );
  if (count === 0) return;
  throw new TenantryError('migration_conflict', {
    migration: model.name,
    table: table.name,
    rows: count,
    keys: samples,
    remedy:
      'The SELECT of this derived table gives these keys more than once, or NULL; choose one row with DISTINCT ON.',
  });
}

/** A value that is looked up must lead to one tenant. */
async function refuseTwoAnswers(tx: AnyDatabase, model: Model, table: OwnTable): Promise<void> {
  const lookup = table.leads?.lookup;
  if (lookup === undefined) return;
  const [key, gives] = [lookup.key, lookup.gives].map(quoteIdentifier);
  const { count, samples } = await countSamples(
    tx,
    `select l.${key}::text as sample from ${lookup.sql} as l join ${planMap} as m on m.source_key = l.${gives}::text
  group by l.${key} having count(distinct m.tenant_id) > 1 or count(distinct l.${gives}::text) > 1`,
  );
  if (count === 0) return;
  throw new TenantryError('migration_rows_ambiguous', {
    migration: model.name,
    table: lookup.table,
    rows: count,
    keys: samples,
    remedy: `These values of "${lookup.key}" lead to several rows of "${model.source.name}", and "${table.name}" looks them up. Leave one answer for each.`,
  });
}

/** A row and what it refers to must have the same tenant; otherwise the row leads to two. */
async function refuseCrossing(tx: AnyDatabase, model: Model, table: OwnTable): Promise<void> {
  for (const { key, parent: parentName } of table.references) {
    const parent = model.own.find((candidate) => candidate.name === parentName);
    const led = table.via?.parent.name === parentName && sameColumns(key.columns, table.via.columns);
    if (parent === undefined || led) continue;
    const on = key.columns.map(
      (column, place) => `t.${quoteIdentifier(column)} = o.${quoteIdentifier(key.targetColumns[place] ?? '')}`,
    );
    const { count, samples } = await countSamples(
      tx,
      `select ${keyText(table.key, 't')} as sample from ${table.sql} as t join ${parent.sql} as o on ${on.join(' and ')}
  where ${tenantOfRow(model, table, 't', planMap)} <> ${tenantOfRow(model, parent, 'o', planMap)}`,
    );
    if (count === 0) continue;
    throw new TenantryError('migration_rows_ambiguous', {
      migration: model.name,
      table: table.name,
      rows: count,
      keys: samples,
      remedy: `By "${table.via?.columns.join(', ') ?? 'its own key'}" they lead to one tenant, by foreign key "${key.name}" to another. Mend the rows or the definition.`,
    });
  }
}

/** What is right by the rules and still worth a person's look. */
async function decisions(tx: AnyDatabase, model: Model, rows: string): Promise<Decision[]> {
  const asked: { topic: string; detail: string; query: string }[] = [
    {
      topic: 'tenants',
      detail: 'tenants are made from several source rows',
      query: `select min(r.tenant_name) || ' (' || count(*) || ' rows, by ' || min(r.mapped_by) || ')' as sample from ${rows}
  group by r.tenant_id having count(*) > 1`,
    },
    {
      topic: 'subscriptions',
      detail: 'tenants whose source rows differ in the state of the subscription: the most alive one counts',
      query: `select min(r.tenant_name) || ': ' || string_agg(distinct coalesce(r.status, 'none'), ', ') as sample from ${rows}
  group by r.tenant_id having count(distinct r.status) > 1`,
    },
    {
      topic: 'providers',
      detail: 'tenants have more than one customer at the provider: none is joined there, the tenant keeps both ids',
      query: `select min(r.tenant_name) || ': ' || string_agg(distinct r.provider_id, ', ') as sample from ${rows}
  group by r.tenant_id having count(distinct nullif(btrim(r.provider_id), '')) > 1`,
    },
    {
      topic: 'names',
      detail: 'tenants have a name in common with another one, and a slug with a suffix',
      query: `select min(n.name) as sample from (select min(btrim(r.tenant_name)) as name, r.tenant_id from ${rows} group by r.tenant_id) as n
  group by lower(n.name) having count(*) > 1`,
    },
  ];
  const found: Decision[] = [];
  for (const { topic, detail, query } of asked) {
    const { count, samples } = await countSamples(tx, query);
    if (count > 0) found.push({ topic, count, detail, samples });
  }
  found.push(...(await tableDecisions(tx, model)));
  return found;
}

/** Rows that lead to no tenant of their own and go to a default one, by the policy of their table. */
async function defaulted(tx: AnyDatabase, model: Model): Promise<Decision[]> {
  const found: Decision[] = [];
  for (const table of model.own) {
    const otherwise = defaultTenantSql(model, table, planMap);
    if (otherwise === undefined) continue;
    const own = tenantOfRow(model, { ...table, unresolved: { kind: 'fail' } }, 't', planMap);
    const { count, samples } = await countSamples(
      tx,
      `select ${keyText(table.key, 't')} as sample from ${rowsOf(table)} as t where ${own} is null`,
    );
    const detail = `rows lead to no tenant of their own and go to the ${policyText(model, table)}`;
    if (count > 0) found.push({ topic: `default of ${table.name}`, count, detail, samples });
  }
  return found;
}

/** For people: what happens to rows that lead to no tenant. */
export function policyText(model: Model, table: OwnTable): string {
  if (table.unresolved.kind === 'default-tenant') {
    const { sourceKey } = table.unresolved;
    return `default tenant ${sourceKey === undefined ? JSON.stringify(model.definition.tenants.fallback?.name) : quoteLiteral(sourceKey)}`;
  }
  return setsAside(table) ? 'quarantine' : 'fail';
}
