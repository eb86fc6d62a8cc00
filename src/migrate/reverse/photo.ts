import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { type Model, mapTable } from '../model.ts';
import { tenantsMade } from '../populate.ts';
import { sourceColumns } from '../source-sql.ts';
import { dollarQuoted } from '../sql-text.ts';
import { type BackKind, backName } from './back-sql.ts';

/** A table of the library whose changes are found by comparing, where no trigger told of them. */
interface Watched {
  readonly table: string;
  /** SQL of what names a row `n`. */
  readonly key: string;
  readonly columns: readonly string[];
  /** PL/pgSQL for a row `n` that came. */
  readonly came?: string;
  /** PL/pgSQL for a row of which the names of the changed columns are in `tenantry_columns`. */
  readonly changed?: string;
  /** PL/pgSQL for a row that went; its key is `n.row_key`. */
  readonly went?: string;
}

/** What is remembered of rows, and what is to be done about a difference: what their triggers would have done. */
function watchedOf(model: Model, kind: BackKind): Watched | undefined {
  const call = (of: BackKind, list: string): string => `perform tenantry.${backName(model, of)}(${list});`;
  const leave = (table: string, key: string, what: string, data: string): string =>
    `perform tenantry.${backName(model, 'mark')}('tenantry.${table}', ${key}, n.tenant_id, '{}', ${what}, '{}', ${data});`;
  const gone = (table: string, key: string): string =>
    leave(table, key, `'{deleted}'`, `json_build_object('tenant_id', n.tenant_id, 'key', n.row_key)`);
  const id = 'substr(n.row_key, 38)';
  switch (kind) {
    case 'tenants':
      return {
        table: 'tenants',
        key: 'n.tenant_id::text',
        columns: ['name', 'subscription_status', 'status', 'plan', 'anchor_at'],
        came: `insert into tenantry.migration_parts (migration, part, row_key, tenant_id, made)
        values (${quoteLiteral(model.name)}, 'tenants', n.tenant_id::text, n.tenant_id, 'new') on conflict do nothing;
        ${call(kind, `n.tenant_id, '{}'`)}`,
        changed: call(kind, 'n.tenant_id, tenantry_columns'),
        went: gone('tenants', 'n.row_key'),
      };
    case 'lookups':
      return {
        table: 'tenant_lookups',
        key: `n.tenant_id || ':' || n.kind || ':' || n.value`,
        columns: [],
        came: `if n.kind in ('provider_customer', 'provider_subscription', 'slug') then ${call(kind, 'n.tenant_id, n.kind, null, n.value')} end if;`,
        went: `if split_part(${id}, ':', 1) in ('provider_customer', 'provider_subscription', 'slug') then
          ${call(kind, `n.tenant_id, split_part(${id}, ':', 1), substr(${id}, 2 + length(split_part(${id}, ':', 1))), null`)}
        end if;`,
      };
    case 'organizations':
      return {
        table: 'organizations',
        key: 'n.tenant_id::text',
        columns: ['seats_bought'],
        changed: leave(
          'organizations',
          'n.tenant_id::text',
          'tenantry_columns',
          '(select row_to_json(o) from tenantry.organizations o where o.tenant_id = n.tenant_id)',
        ),
      };
    case 'grants':
      return {
        table: 'member_grants',
        key: `n.tenant_id || ':' || n.member_id || ':' || n.permission`,
        columns: ['expires_at'],
        changed: leave(
          'member_grants',
          `n.tenant_id || ':' || n.member_id || ':' || n.permission`,
          'tenantry_columns',
          '(select row_to_json(o) from tenantry.member_grants o where (o.tenant_id, o.member_id, o.permission) = (n.tenant_id, n.member_id, n.permission))',
        ),
        went: gone('member_grants', 'n.row_key'),
      };
    case 'members':
      return {
        table: 'members',
        key: `n.tenant_id || ':' || n.id`,
        columns: ['email', 'name', 'role', 'status', 'user_id'],
        came: call(kind, `n.tenant_id, n.id, '{}'`),
        changed: call(kind, 'n.tenant_id, n.id, tenantry_columns'),
        went: gone('members', id),
      };
    case 'keys':
      return {
        table: 'api_keys',
        key: `n.tenant_id || ':' || n.id`,
        columns: ['revoked_at', 'last_used_at', 'name', 'expires_at', 'enabled'],
        came: call(kind, `n.tenant_id, n.id, '{}'`),
        // A key that was disabled is as good as revoked.
        changed: call(kind, `n.tenant_id, n.id, array_replace(tenantry_columns, 'enabled', 'revoked_at')`),
        went: `${call(kind, `n.tenant_id, ${id}::uuid, '{revoked_at}'`)}
        ${gone('api_keys', id)}`,
      };
    case 'first':
    case 'mark':
    case 'drain':
    case 'digests':
    case 'suspended':
      return undefined;
  }
}

const printOf = (columns: readonly string[]): string =>
  columns.length === 0
    ? `''::text`
    : `concat_ws(',', ${columns.map((column) => `md5(coalesce('=' || n.${column}::text, ''))`).join(', ')})`;

const partOfPhoto = (kind: BackKind): string => quoteLiteral(`photo of ${kind}`);

/** Which rows are compared; of tenants also those of others, so that only the new ones are new. */
function scopeOf(model: Model, kind: BackKind): string {
  return kind === 'tenants' ? '' : ` where n.tenant_id in ${tenantsMade(model)}`;
}

/** Remembers how the library's rows are when their triggers end. Writers wait until those are gone. */
export function photoStatements(model: Model, kind: BackKind): string[] {
  const watched = watchedOf(model, kind);
  if (watched === undefined) return [];
  const { table, key, columns } = watched;
  return [
    `lock table tenantry.${table} in share row exclusive mode`,
    `insert into tenantry.migration_parts (migration, part, row_key, tenant_id, made)
  select ${quoteLiteral(model.name)}, ${partOfPhoto(kind)}, ${key}, n.tenant_id, ${printOf(columns)}
  from tenantry.${table} n${scopeOf(model, kind)}
  on conflict (row_key, part, migration) do update set made = excluded.made`,
  ];
}

/** Carries back what changed since {@link photoStatements}, and forgets the photo. */
export function carryChangesStatements(model: Model, kind: BackKind): string[] {
  const watched = watchedOf(model, kind);
  if (watched === undefined) return [];
  const { table, key, columns, came, changed, went } = watched;
  const mine = `p.migration = ${quoteLiteral(model.name)} and p.part = ${partOfPhoto(kind)}`;
  const names = columns.map(
    (column, place) =>
      `case when split_part(n.tenantry_was, ',', ${place + 1}) <> split_part(n.tenantry_is, ',', ${place + 1}) then ${quoteLiteral(column)} end`,
  );
  const now = `select n.*, p.made as tenantry_was, ${printOf(columns)} as tenantry_is
    from tenantry.${table} n left join tenantry.migration_parts p on p.row_key = ${key} and ${mine}${scopeOf(model, kind)}`;
  const there = `  for n in select * from (${now}) as n where n.tenantry_was is distinct from n.tenantry_is loop
    if n.tenantry_was is null then
      ${came ?? 'null;'}
    else
      tenantry_columns := array_remove(array[${names.join(', ')}]::text[], null);
      ${changed ?? 'null;'}
    end if;
  end loop;`;
  const away = `  for n in select p.row_key, p.tenant_id from tenantry.migration_parts p where ${mine}
    and not exists (select 1 from tenantry.${table} n where ${key} = p.row_key) loop
    ${went}
  end loop;`;
  return [
    ...(kind === 'tenants' ? [mapNewRowsSql(model)] : []),
    `do ${dollarQuoted(
      `
#variable_conflict use_column
declare n record; tenantry_columns text[];
begin
${went === undefined ? '' : away}
${there}
end `,
      'tenantry_photo',
    )}`,
    `delete from tenantry.migration_parts p where ${mine}`,
  ];
}

/** Rows of the source that the new application wrote meanwhile stand for the tenant that they have. */
function mapNewRowsSql(model: Model): string {
  return `insert into ${mapTable} (migration, source_key, group_key, tenant_id, rule)
  select ${quoteLiteral(model.name)}, s.k, s.g, x.${quoteIdentifier(model.column)}, s.rule
  from ${model.source.sql} as x cross join lateral (${sourceColumns(model, '(select x.*)')}) as s
  where s.g is not null and x.${quoteIdentifier(model.column)} is not null
  on conflict do nothing`;
}
