import { quoteLiteral } from '../../database/isolation-sql.ts';
import { keyEquals, type Model } from '../model.ts';
import { optionalSql, orderSql } from '../source-sql.ts';
import { uuidSql } from '../sql-text.ts';
import {
  asideName,
  beginningSql,
  hasMembers,
  keyColumns,
  madeHere,
  type Part,
  type PartStore,
  selectSql,
} from './part.ts';
import { memberOfSql } from './people.ts';

/** What a digest must look like. */
export const digestPattern = '^[0-9a-f]{64}$';

/**
 * What is read of a row with an API key. Columns: `k`, `tenant_id`, `ord`, `digest` (NULL: the row has no key), `start`,
 * `key_name`, `key_created`, `key_expires`, `key_revoked`, `key_used`, `key_user`, and `of_user`: whether the key is a
 * user's, and nobody's without one.
 */
export function keyColumnsSql(model: Model, { table }: Part, from: string, store: PartStore): string {
  const { apiKeys, members } = model.definition;
  const optional = (expression: Parameters<typeof optionalSql>[2], type?: string): string =>
    optionalSql(model, table, expression, type);
  const digest = `btrim(${optional(apiKeys?.digest)})`;
  const hex =
    apiKeys?.scheme === 'sha256-base64'
      ? `case when ${digest} ~ '^[A-Za-z0-9+/]{43}=$' then encode(decode(${digest}, 'base64'), 'hex') else ${digest} end`
      : `lower(${digest})`;
  const own = apiKeys?.userId === undefined && members?.source === table.name;
  const user = !hasMembers(model.definition)
    ? 'null::text'
    : optional(apiKeys?.userId ?? (own ? members.userId : undefined));
  const columns = {
    ...keyColumns(store, table),
    ord: orderSql(model, table, apiKeys?.createdAt),
    digest: `nullif(${hex}, '')`,
    start: optional(apiKeys?.start),
    key_name: optional(apiKeys?.name),
    key_created: optional(apiKeys?.createdAt, 'timestamptz'),
    key_expires: optional(apiKeys?.expiresAt, 'timestamptz'),
    key_revoked: optional(apiKeys?.revokedAt, 'timestamptz'),
    key_used: optional(apiKeys?.lastUsedAt, 'timestamptz'),
    key_user: user,
    of_user: own && hasMembers(model.definition) ? 'true' : `${user} is not null`,
  };
  return selectSql(columns, from, table);
}

/** The key's identifier, made from its digest. */
export function keyIdSql(model: Model, digest: string): string {
  return uuidSql(`${model.name}:key`, digest);
}

/** Whether a key of `s` has its member, where it must have one. */
export function ownerThereSql(model: Model, store: PartStore): string {
  return `(not s.of_user or ${memberOfSql(model, store, 's.tenant_id', 's.key_user')} is not null)`;
}

/**
 * Chooses for each digest the row that holds the key, and remembers it. Rows whose user is no member hold none, nor do
 * rows whose key another row holds.
 */
export function fillKeysSql(model: Model, part: Part, from: string, store: PartStore): string {
  const migration = quoteLiteral(model.name);
  const newest = model.definition.apiKeys?.onConflict === 'keep-newest' ? ' desc' : '';
  return `insert into ${store.parts} (migration, part, row_key, tenant_id, made)
  select ${migration}, 'apiKeys', w.k, w.tenant_id, w.made from (
    select s.k, s.tenant_id, s.digest, ${keyIdSql(model, 's.digest')}::text as made,
      row_number() over (partition by s.digest order by s.ord${newest} nulls last, s.k) as place
    from (${keyColumnsSql(model, part, from, store)}) as s
    where s.tenant_id is not null and s.digest ~ '${digestPattern}' and ${ownerThereSql(model, store)}) as w
  where w.place = 1
    and not exists (select 1 from ${store.parts} q where q.tenant_id = w.tenant_id and q.made = w.made
      and q.part = 'apiKeys' and q.migration = ${migration})
    and not exists (select 1 from tenantry.api_key_digests d where d.digest = w.digest
      and (d.tenant_id <> w.tenant_id or d.key_id::text <> w.made))
  on conflict do nothing`;
}

/**
 * Takes back what the first pass made of rows that the application deleted, changed or moved in the same moment, whose
 * triggers could not see it yet; the pass after it makes what is missing.
 */
export function unmakeKeysSql(model: Model, part: Part, store: PartStore, tenants: string): string[] {
  const migration = quoteLiteral(model.name);
  return [
    `delete from ${store.parts} q where q.part = 'apiKeys' and q.migration = ${migration} and not exists (
    select 1 from (${keyColumnsSql(model, part, part.table.sql, store)}) as s
    where s.k = q.row_key and s.tenant_id = q.tenant_id and ${keyIdSql(model, 's.digest')}::text = q.made)`,
    `delete from tenantry.api_keys k where k.tenant_id in ${tenants} and ${madeHere('k.id')} and k.revoked_at is null
    and not exists (select 1 from ${store.parts} q where q.tenant_id = k.tenant_id and q.made = k.id::text
      and q.part = 'apiKeys' and q.migration = ${migration})`,
  ];
}

/** The rows that hold keys as a relation `r`: columns of {@link keyColumnsSql} and `made`. */
function keyRows(model: Model, part: Part, filter: string, store: PartStore): string {
  const from = `(select * from ${part.table.sql} as x where ${keyEquals(part.table.key, 'x', 'q.row_key')})`;
  return `(select q.tenant_id as of_tenant, q.made, s.* from ${store.parts} q
    cross join lateral (${keyColumnsSql(model, part, from, store)}) as s
    where q.migration = ${quoteLiteral(model.name)} and q.part = 'apiKeys' and ${filter}) as r`;
}

/** Makes keys, or brings those up to date that are there. One that was revoked on either side stays revoked. */
export function keysSql(model: Model, part: Part, filter: string, store: PartStore): string {
  const member = hasMembers(model.definition) ? memberOfSql(model, store, 'r.of_tenant', 'r.key_user') : 'null::uuid';
  const { apiKeys } = model.definition;
  // What no legacy column says is the library's alone.
  const said = (column: string, expression: unknown): string =>
    expression === undefined ? '' : `${column} = excluded.${column}, `;
  return `insert into tenantry.api_keys
    (tenant_id, id, name, environment, start, scheme, scopes, member_id, created_at, expires_at, revoked_at, last_used_at)
  select r.of_tenant, r.made::uuid, r.key_name, 'live', coalesce(r.start, ''), 'sha256', '{*}', ${member},
    coalesce(r.key_created, ${beginningSql(model)}), r.key_expires, r.key_revoked, r.key_used
  from ${keyRows(model, part, filter, store)}
  on conflict (tenant_id, id) do update set ${said('name', apiKeys?.name)}${said('expires_at', apiKeys?.expiresAt)}
    member_id = coalesce(excluded.member_id, api_keys.member_id), revoked_at = coalesce(api_keys.revoked_at, excluded.revoked_at),
    last_used_at = greatest(api_keys.last_used_at, excluded.last_used_at)`;
}

/** Makes the digests by which keys are found. */
export function digestsSql(model: Model, part: Part, filter: string, store: PartStore): string {
  return `insert into tenantry.api_key_digests (digest, tenant_id, key_id, facts)
  select r.digest, k.tenant_id, k.id, k.facts from ${keyRows(model, part, filter, store)}
  join tenantry.api_keys k on k.tenant_id = r.of_tenant and k.id = r.made::uuid
  on conflict (digest) do nothing`;
}

/** Records the rows with a digest of which no key was made, with the reason. The digest itself is not repeated. */
export function keysAsideSql(model: Model, part: Part, from: string, store: PartStore): string {
  const migration = quoteLiteral(model.name);
  return `insert into tenantry.migration_quarantine (migration, table_name, row_key, row_data, reason)
  select ${migration}, ${quoteLiteral(asideName(part))}, s.k,
    json_build_object('tenant_id', s.tenant_id, 'user_id', s.key_user, 'start', s.start),
    case when s.digest !~ '${digestPattern}' then 'its digest is no SHA-256'
      when not ${ownerThereSql(model, store)} then 'its user is no member of the tenant'
      else 'another row holds the same key' end
  from (${keyColumnsSql(model, part, from, store)}) as s
  where s.tenant_id is not null and s.digest is not null and not exists (select 1 from ${store.parts} q
    where q.row_key = s.k and q.part = 'apiKeys' and q.migration = ${migration})
  on conflict (migration, table_name, row_key) do update set row_data = excluded.row_data, reason = excluded.reason`;
}
