import { quoteLiteral } from '../../database/isolation-sql.ts';
import { keyEquals, type Model } from '../model.ts';
import { optionalSql, statusRankSql } from '../source-sql.ts';
import { keyColumns, type Part, type PartStore, selectSql } from './part.ts';

/** What is read of a row that is a subscription. Columns: `k`, `tenant_id`, `status`, `customer_id`, `subscription_id`. */
export function subscriptionColumns(model: Model, { table }: Part, from: string, store: PartStore): string {
  const { subscriptions } = model.definition;
  const filled = (expression: Parameters<typeof optionalSql>[2]): string =>
    `nullif(btrim(${optionalSql(model, table, expression)}), '')`;
  const columns = {
    ...keyColumns(store, table),
    status: filled(subscriptions?.status),
    customer_id: filled(subscriptions?.customerId),
    subscription_id: filled(subscriptions?.subscriptionId),
  };
  return selectSql(columns, from, table);
}

/** Remembers which tenant each row of `from` is a subscription of. */
export function fillSubscriptionsSql(model: Model, part: Part, from: string, store: PartStore): string {
  return `insert into ${store.parts} (migration, part, row_key, tenant_id, made)
  select ${quoteLiteral(model.name)}, 'subscriptions', s.k, s.tenant_id, coalesce(s.subscription_id, '')
  from (${subscriptionColumns(model, part, from, store)}) as s where s.tenant_id is not null
  on conflict do nothing`;
}

/** Forgets the rows that the application deleted or moved in the moment in which they were remembered. */
export function unmakeSubscriptionsSql(model: Model, part: Part, store: PartStore): string {
  return `delete from ${store.parts} q where q.part = 'subscriptions' and q.migration = ${quoteLiteral(model.name)} and not exists (
    select 1 from (${subscriptionColumns(model, part, part.table.sql, store)}) as s where s.k = q.row_key and s.tenant_id = q.tenant_id)`;
}

/** The rows of subscriptions as a relation `r`: `of_tenant` and the columns of {@link subscriptionColumns}. */
function subscriptionRows(model: Model, part: Part, filter: string, store: PartStore): string {
  const from = `(select * from ${part.table.sql} as x where ${keyEquals(part.table.key, 'x', 'q.row_key')})`;
  return `(select q.tenant_id as of_tenant, s.* from ${store.parts} q
    cross join lateral (${subscriptionColumns(model, part, from, store)}) as s
    where q.migration = ${quoteLiteral(model.name)} and q.part = 'subscriptions' and ${filter}) as r`;
}

/** The most alive subscription of each of `tenants`, a relation with a column `tenant_id`, says how the tenant stands. */
export function subscriptionStatusSql(model: Model, part: Part, tenants: string, store: PartStore): string {
  const status = `(select r.status from ${subscriptionRows(model, part, 'q.tenant_id = c.tenant_id', store)}
    where r.status is not null order by ${statusRankSql('r.status')}, r.k limit 1)`;
  return `update tenantry.tenants t set subscription_status = n.status, entitlement_revision = t.entitlement_revision + 1
  from (select c.tenant_id, ${status} as status from ${tenants} as c) as n
  where t.tenant_id = n.tenant_id and t.subscription_status is distinct from n.status`;
}

/** Keeps the provider's ids of all customers and subscriptions; one that names a tenant already goes on naming it. */
export function subscriptionLookupsSql(model: Model, part: Part, filter: string, store: PartStore): string {
  return `insert into tenantry.tenant_lookups (kind, value, tenant_id)
  select distinct on (i.kind, i.value) i.kind, i.value, r.of_tenant from ${subscriptionRows(model, part, filter, store)}
    cross join lateral (values ('provider_customer', r.customer_id), ('provider_subscription', r.subscription_id)) as i (kind, value)
  where i.value is not null order by i.kind, i.value, ${statusRankSql('r.status')}, r.k
  on conflict (kind, value) do nothing`;
}
