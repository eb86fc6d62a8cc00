import { quoteLiteral } from '../database/isolation-sql.ts';
import type { Model } from './model.ts';
import { keyIdSql, mappedRows, memberIdSql, statusRankSql } from './source-sql.ts';

/** One statement that makes rows of the library's tables from the mapped source rows. */
export interface PopulateStatement {
  readonly name: string;
  readonly sql: string;
}

/**
 * The statements that make tenants, lookups, organizations, members and keys, in an order in which each finds what it
 * refers to. `filter` narrows the map (`m`): everything when a migration populates, one tenant when a trigger does. Each
 * can run again and then changes only what the legacy columns changed.
 */
export function populateStatements(model: Model, filter: string): PopulateStatement[] {
  const rows = mappedRows(model, filter);
  const people = model.definition.to.tenantKind === 'organization';
  const now = `(select created_at from tenantry.migrations where name = ${quoteLiteral(model.name)})`;
  const statements: PopulateStatement[] = [{ name: 'tenants', sql: tenants(model, rows, now) }];
  statements.push({ name: 'lookups', sql: providerLookups(rows) });
  if (people) {
    statements.push(
      { name: 'slugs', sql: slugs(rows) },
      { name: 'organizations', sql: organizations(model, rows, now) },
    );
    if (model.definition.members !== undefined) statements.push({ name: 'members', sql: members(model, rows, now) });
  } else {
    statements.push({ name: 'owners', sql: ownerLookups(model, rows) });
  }
  if (model.definition.apiKeys !== undefined) {
    statements.push({ name: 'keys', sql: keys(model, rows, now) }, { name: 'digests', sql: digests(model, rows) });
  }
  return statements;
}

const clean = (text: string): string => `btrim(regexp_replace(${text}, '[[:cntrl:]]', '', 'g'))`;

function tenants(model: Model, rows: string, now: string): string {
  const { to } = model.definition;
  return `insert into tenantry.tenants
    (tenant_id, kind, name, plan, subscription_status, anchor_at, created_at, updated_at)
  select r.tenant_id, ${quoteLiteral(to.tenantKind)},
    coalesce((array_agg(${clean('r.tenant_name')} order by r.ord, r.k) filter (where ${clean('r.tenant_name')} <> ''))[1], min(r.group_key)),
    ${quoteLiteral(to.plan)},
    (array_agg(r.status order by ${statusRankSql('r.status')}, r.ord, r.k) filter (where r.status is not null))[1],
    ${now}, ${now}, ${now}
  from ${rows} group by r.tenant_id
  on conflict (tenant_id) do update set subscription_status = excluded.subscription_status,
    entitlement_revision = tenants.entitlement_revision + 1
  where tenants.subscription_status is distinct from excluded.subscription_status`;
}

function providerLookups(rows: string): string {
  return `insert into tenantry.tenant_lookups (kind, value, tenant_id)
  select distinct on (r.provider_id) 'provider_customer', r.provider_id, r.tenant_id from ${rows}
  where btrim(r.provider_id) <> '' order by r.provider_id, r.ord, r.k
  on conflict (kind, value) do nothing`;
}

/** What names the tenant of one user, or of the whole program, for the strategy that the migration leads to. */
function ownerLookups(model: Model, rows: string): string {
  const { to } = model.definition;
  const named = to.lookupOf('');
  const value = to.tenantKind === 'user' ? 'r.user_id' : quoteLiteral(named?.value ?? '');
  return `insert into tenantry.tenant_lookups (kind, value, tenant_id)
  select distinct ${quoteLiteral(named?.kind ?? to.tenantKind)}, ${value}, r.tenant_id from ${rows}
  on conflict (kind, value) do nothing`;
}

/** A tenant keeps the slug that it has; names that give the same slug are told apart by a piece of the tenant's id. */
function slugs(rows: string): string {
  return `insert into tenantry.tenant_lookups (kind, value, tenant_id)
  select 'slug', case when w.place = 1 and not exists (select 1 from tenantry.tenant_lookups l
      where l.kind = 'slug' and l.value = w.base) then w.base else w.base || '-' || substr(w.tenant_id::text, 1, 8) end, w.tenant_id
  from (
    select t.tenant_id, t.base, row_number() over (partition by t.base order by t.tenant_id) as place
    from (
      select n.tenant_id, coalesce(nullif(btrim(left(regexp_replace(lower(n.name), '[^a-z0-9]+', '-', 'g'), 48), '-'), ''), 'organization') as base
      from tenantry.tenants n
      where n.tenant_id in (select r.tenant_id from ${rows})
        and not exists (select 1 from tenantry.tenant_lookups l where l.kind = 'slug' and l.tenant_id = n.tenant_id)
    ) as t
  ) as w
  on conflict (kind, value) do nothing`;
}

/** Everybody who was let in before has a seat afterwards: as many are bought as are taken. */
function organizations(model: Model, rows: string, now: string): string {
  const taken = 'count(distinct r.member_key)::integer';
  const { rule, initial } = model.definition.to.seats;
  const atLeast = rule === 'none' || initial === null ? 'null::integer' : `greatest(${initial}, ${taken})`;
  const bought = rule === 'bought' ? taken : atLeast;
  return `insert into tenantry.organizations (tenant_id, slug, seats_bought, seats_taken, created_at, updated_at)
  select r.tenant_id, (select min(l.value) from tenantry.tenant_lookups l where l.kind = 'slug' and l.tenant_id = r.tenant_id),
    ${bought}, ${taken}, ${now}, ${now}
  from ${rows} group by r.tenant_id
  on conflict (tenant_id) do update set seats_taken = excluded.seats_taken,
    seats_bought = greatest(organizations.seats_bought, excluded.seats_bought)
  where organizations.seats_taken is distinct from excluded.seats_taken`;
}

function members(model: Model, rows: string, now: string): string {
  const rule = model.definition.members?.role;
  const role =
    rule?.kind === 'first-is-owner'
      ? `case when f.place = 1 then 'owner' else ${quoteLiteral(rule.others)} end`
      : 'f.role';
  return `insert into tenantry.members (tenant_id, id, user_id, email, name, role, created_at, updated_at)
  select f.tenant_id, ${memberIdSql(model, 'f.member_key')}, f.user_id, nullif(btrim(f.email), ''),
    nullif(${clean('f.member_name')}, ''), ${role}, ${now}, ${now}
  from (select r.*, row_number() over (partition by r.tenant_id order by r.ord, r.k) as place
    from ${rows} where r.source_key = r.member_key) as f
  on conflict (tenant_id, id) do update set email = excluded.email, name = excluded.name
  where (members.email, members.name) is distinct from (excluded.email, excluded.name)`;
}

function keys(model: Model, rows: string, now: string): string {
  const member = model.definition.members === undefined ? 'null::uuid' : memberIdSql(model, 'r.member_key');
  return `insert into tenantry.api_keys
    (tenant_id, id, environment, start, scheme, scopes, member_id, created_at, revoked_at, last_used_at)
  select r.tenant_id, ${keyIdSql(model, 'r.digest')}, 'live', coalesce(r.start, ''), 'sha256', '{*}', ${member},
    coalesce(r.key_created, ${now}), r.key_revoked, r.key_used
  from ${rows} where r.digest is not null
  on conflict (tenant_id, id) do update set revoked_at = coalesce(api_keys.revoked_at, excluded.revoked_at),
    last_used_at = greatest(api_keys.last_used_at, excluded.last_used_at)
  where (api_keys.revoked_at is null and excluded.revoked_at is not null)
    or excluded.last_used_at > coalesce(api_keys.last_used_at, '-infinity')`;
}

function digests(model: Model, rows: string): string {
  return `insert into tenantry.api_key_digests (digest, tenant_id, key_id)
  select r.digest, r.tenant_id, ${keyIdSql(model, 'r.digest')} from ${rows} where r.digest is not null
  on conflict (digest) do nothing`;
}
