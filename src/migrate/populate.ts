import { quoteLiteral } from '../database/isolation-sql.ts';
import { type Model, mapTable } from './model.ts';
import { auditSql } from './parts/audit.ts';
import { fillGrantsSql, grantsAsideSql, grantsSql, unmakeGrantsSql } from './parts/grants.ts';
import { digestsSql, fillKeysSql, keysAsideSql, keysSql, unmakeKeysSql } from './parts/keys.ts';
import { asideName, beginningSql, hasMembers, liveStore, type Part, type PartStore, partsOf } from './parts/part.ts';
import {
  countSeatsSql,
  fillPeopleSql,
  forgetPeopleSql,
  membersSql,
  mendMembersSql,
  userLookupsSql,
} from './parts/people.ts';
import {
  fillSubscriptionsSql,
  subscriptionLookupsSql,
  subscriptionStatusSql,
  unmakeSubscriptionsSql,
} from './parts/subscriptions.ts';
import { mappedRows, statusRankSql } from './source-sql.ts';
import { cleanSql } from './sql-text.ts';

/** Statements that make rows of the library's tables from legacy rows in one transaction, and what takes them back. */
export interface Population {
  readonly name: string;
  readonly sql: readonly string[];
  readonly undo?: readonly string[];
  /** The table of the application that it locks for a moment. */
  readonly locks?: string;
}

/**
 * The statements that make tenants, lookups and organizations, in an order in which each finds what it refers to.
 * `filter` narrows the map (`m`): everything when a migration populates, one tenant when a trigger does. Each can run
 * again and then changes only what the legacy columns changed.
 */
export function tenantStatements(model: Model, filter: string): Population[] {
  const rows = mappedRows(model, filter);
  const { to } = model.definition;
  const now = beginningSql(model);
  const statements: Population[] = [
    { name: 'tenants', sql: [tenants(model, rows, now)] },
    { name: 'lookups', sql: [providerLookups(rows)] },
  ];
  if (to.tenantKind === 'organization') {
    statements.push(
      { name: 'slugs', sql: [slugs(model, rows)] },
      { name: 'organizations', sql: [organizations(model, rows, now)] },
    );
  }
  if (to.tenantKind === 'program') statements.push({ name: 'program', sql: [programLookup(model, rows)] });
  return statements;
}

/** The tenants that a migration made, also those whose source rows the old application has deleted since. */
export function tenantsMade(model: Model): string {
  const migration = quoteLiteral(model.name);
  return `(select m.tenant_id from ${mapTable} m where m.migration = ${migration}
    union all select q.tenant_id from tenantry.migration_parts q where q.migration = ${migration} and q.part in ('tenants', 'fallback'))`;
}

/**
 * The statements that make everything else from the rows of the parts, once every row has its tenant. The application
 * writes meanwhile, and its triggers do not see what a statement has not committed yet; so each part is made in a first
 * pass, a lock waits for a moment until whoever wrote during it is done, and a second pass mends what is not right. From
 * then on triggers see everything.
 */
export function partStatements(model: Model): Population[] {
  const store = liveStore(model);
  return partsOf(model).flatMap((part) => passesOf(model, part, store));
}

function passesOf(model: Model, part: Part, store: PartStore): Population[] {
  const from = part.table.sql;
  const made = tenantsMade(model);
  const settled: Population = {
    name: `${part.name}:settled`,
    sql: [`lock table ${from} in share row exclusive mode`],
    locks: part.table.name,
  };
  const asideUndo = [
    `delete from tenantry.migration_quarantine where migration = ${quoteLiteral(model.name)} and table_name = ${quoteLiteral(asideName(part))}`,
  ];
  switch (part.name) {
    case 'members': {
      const people = fillPeopleSql(model, part, from, store);
      const first: Population[] = [
        { name: 'people', sql: [people] },
        { name: 'people-statistics', sql: [`analyze ${store.people}`] },
      ];
      if (!hasMembers(model.definition)) {
        const lookups = userLookupsSql(model, 'true', store);
        return model.definition.to.tenantKind === 'user'
          ? [...first, { name: 'owners', sql: [lookups] }, settled, { name: 'owners:again', sql: [people, lookups] }]
          : first;
      }
      return [
        ...first,
        { name: 'members', sql: [membersSql(model, part, store), countSeatsSql(made, ' skip locked')] },
        // Nobody takes or leaves a seat while they are counted to the last.
        { ...settled, sql: [...settled.sql, countSeatsSql(made, '')] },
        { name: 'people:again', sql: [forgetPeopleSql(model, part, store), people] },
        { name: 'members:again', sql: [mendMembersSql(model, part, store, made)] },
      ];
    }
    case 'subscriptions': {
      const fill = fillSubscriptionsSql(model, part, from, store);
      const again = [
        unmakeSubscriptionsSql(model, part, store),
        fill,
        subscriptionStatusSql(model, part, `(select distinct x.tenant_id from ${made} as x)`, store),
        subscriptionLookupsSql(model, part, 'true', store),
      ];
      return [{ name: 'subscription-rows', sql: [fill] }, settled, { name: 'subscriptions', sql: again }];
    }
    case 'apiKeys': {
      const fill = fillKeysSql(model, part, from, store);
      const missing = `not exists (select 1 from tenantry.api_key_digests d where d.tenant_id = q.tenant_id and d.key_id = q.made::uuid)`;
      const keys = [keysSql(model, part, missing, store), digestsSql(model, part, missing, store)];
      const again = [...unmakeKeysSql(model, part, store, made), fill, ...keys, keysAsideSql(model, part, from, store)];
      return [
        { name: 'key-rows', sql: [fill] },
        { name: 'keys', sql: keys },
        settled,
        { name: 'keys:again', sql: again, undo: asideUndo },
      ];
    }
    case 'grants': {
      const fill = fillGrantsSql(model, part, from, store);
      const missing = `not exists (select 1 from tenantry.member_grants g where g.tenant_id = q.tenant_id
        and g.member_id = left(q.made, 36)::uuid and g.permission = substr(q.made, 38))`;
      const grants = grantsSql(model, part, missing, store);
      const again = [
        ...unmakeGrantsSql(model, part, store, made),
        fill,
        grants,
        grantsAsideSql(model, part, from, store),
      ];
      return [
        { name: 'grant-rows', sql: [fill] },
        { name: 'grants', sql: [grants] },
        settled,
        { name: 'grants:again', sql: again, undo: asideUndo },
      ];
    }
    case 'audit':
      return [{ name: 'audit', sql: [auditSql(model, part, from, store)] }];
  }
}

function tenants(model: Model, rows: string, now: string): string {
  const { to, subscriptions } = model.definition;
  const name = cleanSql('r.tenant_name');
  // Where subscriptions have rows of their own, those say how the tenant stands.
  const update =
    subscriptions === undefined
      ? `update set subscription_status = excluded.subscription_status,
    entitlement_revision = tenants.entitlement_revision + 1
  where tenants.subscription_status is distinct from excluded.subscription_status`
      : 'nothing';
  return `insert into tenantry.tenants
    (tenant_id, kind, name, plan, subscription_status, anchor_at, created_at, updated_at)
  select r.tenant_id, ${quoteLiteral(to.tenantKind)},
    coalesce((array_agg(${name} order by r.ord, r.k) filter (where ${name} <> ''))[1], min(r.group_key)),
    ${quoteLiteral(to.plan)},
    (array_agg(r.status order by ${statusRankSql('r.status')}, r.ord, r.k) filter (where r.status is not null))[1],
    ${now}, ${now}, ${now}
  from ${rows} group by r.tenant_id
  on conflict (tenant_id) do ${update}`;
}

/** The ids of the customers that the source rows name. */
export function providerLookups(rows: string): string {
  return `insert into tenantry.tenant_lookups (kind, value, tenant_id)
  select distinct on (r.provider_id) 'provider_customer', r.provider_id, r.tenant_id from ${rows}
  where btrim(r.provider_id) <> '' order by r.provider_id, r.ord, r.k
  on conflict (kind, value) do nothing`;
}

/** What names the tenant of the whole program. */
function programLookup(model: Model, rows: string): string {
  const { to } = model.definition;
  const named = to.lookupOf('');
  return `insert into tenantry.tenant_lookups (kind, value, tenant_id)
  select distinct ${quoteLiteral(named?.kind ?? to.tenantKind)}, ${quoteLiteral(named?.value ?? '')}, r.tenant_id from ${rows}
  on conflict (kind, value) do nothing`;
}

/** A tenant keeps the slug that it has; names that give the same slug are told apart by a piece of the tenant's id. */
function slugs(model: Model, rows: string): string {
  const base = (text: string): string =>
    `nullif(btrim(left(regexp_replace(lower(${text}), '[^a-z0-9]+', '-', 'g'), 48), '-'), '')`;
  const said =
    model.definition.tenants.slug === undefined
      ? 'null::text'
      : `(select r.slug from ${mappedRows(model, 'm.tenant_id = n.tenant_id')} where btrim(r.slug) <> '' order by r.ord, r.k limit 1)`;
  return `insert into tenantry.tenant_lookups (kind, value, tenant_id)
  select 'slug', case when w.place = 1 and not exists (select 1 from tenantry.tenant_lookups l
      where l.kind = 'slug' and l.value = w.base) then w.base else w.base || '-' || substr(w.tenant_id::text, 1, 8) end, w.tenant_id
  from (
    select t.tenant_id, t.base, row_number() over (partition by t.base order by t.tenant_id) as place
    from (
      select n.tenant_id, coalesce(${base(said)}, ${base('n.name')}, 'organization') as base
      from tenantry.tenants n
      where n.tenant_id in (select r.tenant_id from ${rows})
        and not exists (select 1 from tenantry.tenant_lookups l where l.kind = 'slug' and l.tenant_id = n.tenant_id)
    ) as t
  ) as w
  on conflict (kind, value) do nothing`;
}

/**
 * Organizations of the tenants of some rows. Seats are counted when the members are made. One whose slug another took in
 * the same moment is named by its id.
 */
export function organizations(model: Model, rows: string, now: string): string {
  const { rule, initial } = model.definition.to.seats;
  const atFirst = rule === 'none' || initial === null ? 'null::integer' : String(initial);
  const bought = rule === 'bought' ? '0' : atFirst;
  return `insert into tenantry.organizations (tenant_id, slug, seats_bought, seats_taken, created_at, updated_at)
  select r.tenant_id, coalesce((select min(l.value) from tenantry.tenant_lookups l where l.kind = 'slug' and l.tenant_id = r.tenant_id),
      r.tenant_id::text), ${bought}, 0, ${now}, ${now}
  from ${rows} group by r.tenant_id
  on conflict (tenant_id) do nothing`;
}
