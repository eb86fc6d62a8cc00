import { quoteIdentifier, quoteLiteral } from '../database/isolation-sql.ts';
import { keyEquals, keyText, type Model, mapTable } from './model.ts';
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

/**
 * Everything that a migration reads of one source row, as a SELECT over the source table or over a row that stands in
 * for it. The user's SQL sees the columns of the source alone, under the source's own name.
 *
 * Columns: `k` key, `g` group (NULL where no rule is present), `rule`, `same`, `ord`, and those of the parts defined.
 */
export function sourceColumns(model: Model, from: string): string {
  const { tenants, members, apiKeys } = model.definition;
  const alias = quoteIdentifier(model.source.name);
  const rules = tenants.sameTenant.map((rule, place) => {
    const label = quoteLiteral(typeof rule === 'string' ? rule : `rule ${place + 1}`);
    const value = `(${model.text(rule)})::text`;
    return { label, present: `btrim(${value}) <> ''`, group: `${label} || ':' || ${value}` };
  });
  const choose = (value: (rule: (typeof rules)[number]) => string): string =>
    `case ${rules.map((rule) => `when ${rule.present} then ${value(rule)}`).join(' ')} end`;
  const optional = (expression: Parameters<Model['text']>[0] | undefined, type = 'text'): string =>
    expression === undefined ? `null::${type}` : `(${model.text(expression)})::${type}`;
  const digest = optional(apiKeys?.digest);
  const columns: Record<string, string> = {
    k: keyText(model.source.key, alias),
    g: choose((rule) => rule.group),
    rule: choose((rule) => rule.label),
    same: optional(members?.sameMember),
    ord: members?.role.kind === 'first-is-owner' ? `(${model.text(members.role.by)})` : 'null::text',
    tenant_name: optional(tenants.name),
    provider_id: optional(tenants.provider?.customerId),
    status: optional(tenants.provider?.status),
    user_id: optional(members?.userId),
    email: optional(members?.email),
    member_name: optional(members?.name),
    role: members?.role.kind === 'expression' ? optional(members.role.role) : 'null::text',
    digest:
      apiKeys?.scheme === 'sha256-base64'
        ? `encode(decode(nullif(btrim(${digest}), ''), 'base64'), 'hex')`
        : `nullif(lower(btrim(${digest})), '')`,
    start: optional(apiKeys?.start),
    key_created: optional(apiKeys?.createdAt, 'timestamptz'),
    key_revoked: optional(apiKeys?.revokedAt, 'timestamptz'),
    key_used: optional(apiKeys?.lastUsedAt, 'timestamptz'),
  };
  const list = Object.entries(columns).map(([name, value]) => `${value} as ${name}`);
  return `select ${list.join(',\n    ')} from ${from} as ${alias}`;
}

/** The tenant's identifier, made from the group that its source rows share. */
export function tenantIdSql(model: Model, group: string): string {
  return uuidSql(`${model.name}:tenant`, group);
}

/** The member's identifier, made from the first source row that is this person. */
export function memberIdSql(model: Model, memberKey: string): string {
  return uuidSql(`${model.name}:member`, memberKey);
}

/** The key's identifier, made from its digest. */
export function keyIdSql(model: Model, digest: string): string {
  return uuidSql(`${model.name}:key`, digest);
}

/**
 * Groups all source rows into tenants and persons, written into `map`. A row that is there stays as it is: once a row
 * has a tenant it keeps it, whatever happens to the columns that the rules read.
 */
export function fillMapSql(model: Model, map = mapTable): string {
  return `insert into ${map} (migration, source_key, group_key, tenant_id, member_key, rule)
  select ${quoteLiteral(model.name)}, s.k, s.g, ${tenantIdSql(model, 's.g')},
    first_value(s.k) over (partition by s.g, coalesce('same:' || s.same, 'key:' || s.k) order by s.ord, s.k), s.rule
  from (${sourceColumns(model, model.source.sql)}) as s
  where s.g is not null
  on conflict do nothing`;
}

/** The mapped source rows as a relation `r`: the map's columns and those of {@link sourceColumns}. */
export function mappedRows(model: Model, filter: string, map = mapTable): string {
  const from = `(select * from ${model.source.sql} as x where ${keyEquals(model.source.key, 'x', 'm.source_key')})`;
  return `(select m.source_key, m.group_key, m.tenant_id, m.member_key, m.rule as mapped_by, s.*
    from ${map} m cross join lateral (${sourceColumns(model, from)}) as s
    where m.migration = ${quoteLiteral(model.name)} and ${filter}) as r`;
}

/** Orders the status words of a provider by how alive they are. */
export function statusRankSql(status: string): string {
  return `coalesce(array_position(array[${statusRank.map(quoteLiteral).join(', ')}], ${status}), ${statusRank.length + 1})`;
}
