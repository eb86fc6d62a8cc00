import { quoteIdentifier, quoteLiteral } from '../database/isolation-sql.ts';
import type { SourceExpression } from './definition.ts';
import { keyEquals, keyText, type Model, mapTable, type OwnTable } from './model.ts';
import { uuidSql } from './sql-text.ts';

/** How alive a subscription is; where rows of one tenant disagree, the most alive one counts. */
const statusRank = [
  'active',
  'trialing',
  'past_due',
  'unpaid',
  'paused',
  'incomplete',
  'canceled',
  'incomplete_expired',
];

/** The words of a provider for a subscription that is paid or being paid. */
export const liveStatuses: readonly string[] = ['active', 'trialing', 'past_due', 'unpaid', 'paused'];

/** A part of a definition as SQL of a type; NULL of that type when the definition does not say it. */
export function optionalSql(
  model: Model,
  table: OwnTable,
  expression: SourceExpression | undefined,
  type = 'text',
): string {
  return expression === undefined ? `null::${type}` : `(${model.text(expression, table.name)})::${type}`;
}

/** By what rows of a table are put in order: a column, or their primary key as it is. */
export function orderSql(model: Model, table: OwnTable, by: SourceExpression | undefined): string {
  if (by !== undefined) return `(${model.text(by, table.name)})`;
  const key = table.key.map((column) => `${quoteIdentifier(table.name)}.${quoteIdentifier(column.name)}`);
  return key.length === 1 ? `${key[0]}` : `row(${key.join(', ')})`;
}

/**
 * Everything that a migration reads of one source row to make its tenant, as a SELECT over the source table or over a
 * row that stands in for it. The user's SQL sees the columns of the source alone, under the source's own name.
 *
 * Columns: `k` key, `g` group (NULL where no rule is present), `rule`, `ord`, `tenant_name`, `slug`, `provider_id`,
 * `status`.
 */
export function sourceColumns(model: Model, from: string): string {
  const { tenants, members } = model.definition;
  const alias = quoteIdentifier(model.source.name);
  const rules = tenants.sameTenant.map((rule, place) => {
    const label = quoteLiteral(typeof rule === 'string' ? rule : `rule ${place + 1}`);
    const value = `(${model.text(rule)})::text`;
    return { label, present: `btrim(${value}) <> ''`, group: `${label} || ':' || ${value}` };
  });
  const choose = (value: (rule: (typeof rules)[number]) => string): string =>
    `case ${rules.map((rule) => `when ${rule.present} then ${value(rule)}`).join(' ')} end`;
  const by = members?.source === model.source.name ? members.role.by : undefined;
  const columns: Record<string, string> = {
    k: keyText(model.source.key, alias),
    g: choose((rule) => rule.group),
    rule: choose((rule) => rule.label),
    ord: orderSql(model, model.source, by),
    tenant_name: optionalSql(model, model.source, tenants.name),
    slug: optionalSql(model, model.source, tenants.slug),
    provider_id: optionalSql(model, model.source, tenants.provider?.customerId),
    status: optionalSql(model, model.source, tenants.provider?.status),
  };
  const list = Object.entries(columns).map(([name, value]) => `${value} as ${name}`);
  return `select ${list.join(',\n    ')} from ${from} as ${alias}`;
}

/** The tenant's identifier, made from the group that its source rows share. */
export function tenantIdSql(model: Model, group: string): string {
  return uuidSql(`${model.name}:tenant`, group);
}

/**
 * Groups all source rows into tenants, written into `map`. A row that is there stays as it is: once a row has a tenant
 * it keeps it, whatever happens to the columns that the rules read.
 */
export function fillMapSql(model: Model, map = mapTable): string {
  return `insert into ${map} (migration, source_key, group_key, tenant_id, rule)
  select ${quoteLiteral(model.name)}, s.k, s.g, ${tenantIdSql(model, 's.g')}, s.rule
  from (${sourceColumns(model, model.source.sql)}) as s
  where s.g is not null
  on conflict do nothing`;
}

/** The mapped source rows as a relation `r`: the map's columns and those of {@link sourceColumns}. */
export function mappedRows(model: Model, filter: string, map = mapTable): string {
  const from = `(select * from ${model.source.sql} as x where ${keyEquals(model.source.key, 'x', 'm.source_key')})`;
  return `(select m.source_key, m.group_key, m.tenant_id, m.rule as mapped_by, s.*
    from ${map} m cross join lateral (${sourceColumns(model, from)}) as s
    where m.migration = ${quoteLiteral(model.name)} and ${filter}) as r`;
}

/** Orders the status words of a provider by how alive they are. */
export function statusRankSql(status: string): string {
  return `coalesce(array_position(array[${statusRank.map(quoteLiteral).join(', ')}], ${status}), ${statusRank.length + 1})`;
}
