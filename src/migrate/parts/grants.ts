import { quoteLiteral } from '../../database/isolation-sql.ts';
import { keyEquals, type Model } from '../model.ts';
import { optionalSql } from '../source-sql.ts';
import { asideName, beginningSql, keyColumns, type Part, type PartStore, selectSql } from './part.ts';
import { memberOfSql } from './people.ts';

/**
 * What is read of a row that grants a permission. Columns: `k`, `tenant_id`, `grant_user`, `permission` (NULL when
 * empty), `granted_by`, `granted_at`, `grant_ends`.
 */
export function grantColumns(model: Model, { table }: Part, from: string, store: PartStore): string {
  const { grants } = model.definition;
  const columns = {
    ...keyColumns(store, table),
    grant_user: optionalSql(model, table, grants?.userId),
    permission: `nullif(btrim(${optionalSql(model, table, grants?.permission)}), '')`,
    granted_by: optionalSql(model, table, grants?.grantedBy),
    granted_at: optionalSql(model, table, grants?.grantedAt, 'timestamptz'),
    grant_ends: optionalSql(model, table, grants?.expiresAt, 'timestamptz'),
  };
  return selectSql(columns, from, table);
}

/** Finds for each row of `from` whom it grants what, and remembers it as member and permission. */
export function fillGrantsSql(model: Model, part: Part, from: string, store: PartStore): string {
  return `insert into ${store.parts} (migration, part, row_key, tenant_id, made)
  select ${quoteLiteral(model.name)}, 'grants', s.k, s.tenant_id, h.member_id || ':' || s.permission
  from (${grantColumns(model, part, from, store)}) as s
    cross join lateral (select ${memberOfSql(model, store, 's.tenant_id', 's.grant_user')} as member_id) as h
  where s.tenant_id is not null and s.permission is not null and h.member_id is not null
  on conflict do nothing`;
}

/**
 * Takes back what the first pass made of rows that the application deleted, changed or moved in the same moment, whose
 * triggers could not see it yet; the pass after it makes what is missing.
 */
export function unmakeGrantsSql(model: Model, part: Part, store: PartStore, tenants: string): string[] {
  const migration = quoteLiteral(model.name);
  return [
    `delete from ${store.parts} q where q.part = 'grants' and q.migration = ${migration} and not exists (
    select 1 from (${grantColumns(model, part, part.table.sql, store)}) as s
    where s.k = q.row_key and s.tenant_id = q.tenant_id and s.permission = substr(q.made, 38))`,
    `delete from tenantry.member_grants g where g.tenant_id in ${tenants}
    and not exists (select 1 from ${store.parts} q where q.tenant_id = g.tenant_id and q.made = g.member_id || ':' || g.permission
      and q.part = 'grants' and q.migration = ${migration})`,
  ];
}

/**
 * Makes grants, or brings those up to date that are there. Several rows that grant the same are one: from the first of
 * them on, until the last of them ends.
 */
export function grantsSql(model: Model, part: Part, filter: string, store: PartStore): string {
  const from = `(select * from ${part.table.sql} as x where ${keyEquals(part.table.key, 'x', 'q.row_key')})`;
  return `insert into tenantry.member_grants (tenant_id, member_id, permission, granted_by, granted_at, expires_at)
  select q.tenant_id, left(q.made, 36)::uuid, substr(q.made, 38),
    (array_agg(s.granted_by order by s.granted_at nulls last, s.k))[1], coalesce(min(s.granted_at), ${beginningSql(model)}),
    case when not bool_or(s.grant_ends is null) then max(s.grant_ends) end
  from ${store.parts} q cross join lateral (${grantColumns(model, part, from, store)}) as s
  where q.migration = ${quoteLiteral(model.name)} and q.part = 'grants' and ${filter}
  group by q.tenant_id, q.made
  on conflict (tenant_id, member_id, permission) do update set granted_by = excluded.granted_by,
    granted_at = excluded.granted_at, expires_at = excluded.expires_at`;
}

/** Records the rows that grant nobody, or nothing, with the reason. */
export function grantsAsideSql(model: Model, part: Part, from: string, store: PartStore): string {
  const migration = quoteLiteral(model.name);
  return `insert into tenantry.migration_quarantine (migration, table_name, row_key, row_data, reason)
  select ${migration}, ${quoteLiteral(asideName(part))}, s.k,
    json_build_object('tenant_id', s.tenant_id, 'user_id', s.grant_user, 'permission', s.permission, 'granted_by', s.granted_by),
    case when s.permission is null then 'it names no permission' else 'its user is no member of the tenant' end
  from (${grantColumns(model, part, from, store)}) as s
  where s.tenant_id is not null and not exists (select 1 from ${store.parts} q
    where q.row_key = s.k and q.part = 'grants' and q.migration = ${migration})
  on conflict (migration, table_name, row_key) do update set row_data = excluded.row_data, reason = excluded.reason`;
}
