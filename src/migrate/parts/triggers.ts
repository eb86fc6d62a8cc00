import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { keyText, type Model, type OwnTable } from '../model.ts';
import { byOldApplication, functionSql, objectName } from '../trigger-sql.ts';
import { auditSql } from './audit.ts';
import { fillGrantsSql, grantColumns, grantsAsideSql, grantsSql } from './grants.ts';
import { keyTrigger } from './key-trigger.ts';
import { memberTrigger } from './member-trigger.ts';
import { asideName, liveStore, type Part, partNames, partsOf } from './part.ts';
import {
  fillSubscriptionsSql,
  subscriptionColumns,
  subscriptionLookupsSql,
  subscriptionStatusSql,
} from './subscriptions.ts';

/** The inside of a trigger function, and functions that it calls. */
export interface TriggerBody {
  readonly declare: string;
  readonly body: string;
  readonly helpers?: readonly string[];
  readonly dropHelpers?: readonly string[];
}

/**
 * The triggers after a write fire by name: tenants first, then what is made of the same row in the order of the parts,
 * then what carries the row's move to the rows below it, whose members are there by then.
 */
const triggerName = (part: Part): string =>
  `A0_tenantry_${partNames.indexOf(part.name) + 1}_${part.name.toLowerCase()}`;

/** The statements that keep what is made of a table's rows right while the old application writes them. */
export function partTriggerStatements(model: Model, table: OwnTable): string[] {
  return partsHere(model, table).flatMap((part) => {
    const { declare, body, helpers = [] } = bodyOf(model, part);
    const name = objectName(model, table.name, part.name.toLowerCase());
    return [
      ...helpers,
      functionSql(model, name, declare, body),
      `create trigger ${quoteIdentifier(triggerName(part))} after insert or update or delete on ${table.sql} for each row
      when (${byOldApplication}) execute function tenantry.${name}()`,
    ];
  });
}

/** Takes away what {@link partTriggerStatements} made. */
export function dropPartTriggerStatements(model: Model, table: OwnTable): string[] {
  return partsHere(model, table).flatMap((part) => [
    `drop trigger if exists ${quoteIdentifier(triggerName(part))} on ${table.sql}`,
    `drop function if exists tenantry.${objectName(model, table.name, part.name.toLowerCase())}()`,
    ...(bodyOf(model, part).dropHelpers ?? []),
  ]);
}

function partsHere(model: Model, table: OwnTable): Part[] {
  return partsOf(model).filter((part) => part.table.name === table.name);
}

function bodyOf(model: Model, part: Part): TriggerBody {
  switch (part.name) {
    case 'members':
      return memberTrigger(model, part);
    case 'apiKeys':
      return keyTrigger(model, part);
    case 'subscriptions':
      return subscriptionTrigger(model, part);
    case 'grants':
      return grantTrigger(model, part);
    case 'audit':
      return auditTrigger(model, part);
  }
}

/** What both rows of parts that are remembered need: their keys, their columns, and where they are remembered. */
function remembered(model: Model, part: Part, columnsOf: typeof grantColumns) {
  const store = liveStore(model);
  const migration = quoteLiteral(model.name);
  const key = (row: 'NEW' | 'OLD'): string => keyText(part.table.key, row);
  const column = `NEW.${quoteIdentifier(model.column)}`;
  const whole = (row: 'NEW' | 'OLD'): string =>
    `(select s::text from (${columnsOf(model, part, `(select ${row}.*)`, store)}) as s)`;
  const whose = (row: string): string =>
    `q.row_key = ${row} and q.part = ${quoteLiteral(part.name)} and q.migration = ${migration}`;
  const mine = whose(`case TG_OP when 'DELETE' then ${key('OLD')} else ${key('NEW')} end`);
  const before = `if TG_OP <> 'INSERT' then
    if TG_OP = 'UPDATE' and ${key('OLD')} is distinct from ${key('NEW')} then
      update ${store.parts} q set row_key = ${key('NEW')} where ${whose(key('OLD'))};
    end if;
    select q.tenant_id, q.made into tenantry_tenant, tenantry_made from ${store.parts} q where ${mine};
    if TG_OP = 'UPDATE' and tenantry_tenant is not distinct from ${column} and ${whole('OLD')} is not distinct from ${whole('NEW')} then return null; end if;`;
  return { store, migration, key, column, whose, mine, before };
}

/** The row's subscription counts where it stands now; what it says of the customer goes with it. */
function subscriptionTrigger(model: Model, part: Part): TriggerBody {
  const { store, key, column, mine, before } = remembered(model, part, subscriptionColumns);
  const both = `(select distinct x.tenant_id from (values (tenantry_tenant), (case when TG_OP <> 'DELETE' then ${column} end)) as x (tenant_id))`;
  const body = `${before}
    delete from ${store.parts} q where ${mine};
  end if;
  if TG_OP <> 'DELETE' then
    if exists (select 1 from tenantry.tenants t where t.tenant_id = ${column}) then
      if tenantry_tenant <> ${column} then
        update tenantry.tenant_lookups l set tenant_id = ${column}
        from (${subscriptionColumns(model, part, '(select NEW.*)', store)}) as s
        where l.tenant_id = tenantry_tenant and (l.kind, l.value) in (('provider_customer', s.customer_id), ('provider_subscription', s.subscription_id));
      end if;
      ${fillSubscriptionsSql(model, part, '(select NEW.*)', store)};
      ${subscriptionLookupsSql(model, part, `q.row_key = ${key('NEW')}`, store)};
    end if;
  end if;
  ${subscriptionStatusSql(model, part, both, store)};
  return null;`;
  return { declare: 'declare tenantry_tenant uuid; tenantry_made text;', body };
}

/** The grants that the row made and makes are brought up to what all rows say. */
function grantTrigger(model: Model, part: Part): TriggerBody {
  const { store, migration, key, column, whose, mine, before } = remembered(model, part, grantColumns);
  const those = 'q.tenant_id = tenantry_tenant and q.made = tenantry_made';
  const body = `${before}
    delete from tenantry.migration_quarantine q where q.migration = ${migration} and q.table_name = ${quoteLiteral(asideName(part))} and q.row_key = ${key('OLD')};
    if tenantry_made is not null then
      perform 1 from tenantry.members m where m.tenant_id = tenantry_tenant and m.id = left(tenantry_made, 36)::uuid for no key update;
      delete from ${store.parts} q where ${mine};
      if exists (select 1 from ${store.parts} q where ${those} and q.part = 'grants' and q.migration = ${migration}) then
        ${grantsSql(model, part, those, store)};
      else
        delete from tenantry.member_grants g where g.tenant_id = tenantry_tenant
          and g.member_id = left(tenantry_made, 36)::uuid and g.permission = substr(tenantry_made, 38);
      end if;
    end if;
    if TG_OP = 'DELETE' then return null; end if;
  end if;
  if not exists (select 1 from tenantry.organizations o where o.tenant_id = ${column}) then return null; end if;
  ${fillGrantsSql(model, part, '(select NEW.*)', store)};
  select q.tenant_id, q.made into tenantry_tenant, tenantry_made from ${store.parts} q where ${whose(key('NEW'))};
  if found then
    ${grantsSql(model, part, those, store)};
  else
    ${grantsAsideSql(model, part, '(select NEW.*)', store)};
  end if;
  return null;`;
  return { declare: 'declare tenantry_tenant uuid; tenantry_made text;', body };
}

/** A row that had no tenant yet becomes an entry; what happened stays as it was told first. */
function auditTrigger(model: Model, part: Part): TriggerBody {
  const column = quoteIdentifier(model.column);
  const body = `if TG_OP = 'INSERT' or TG_OP = 'UPDATE' and OLD.${column} is null then
    if exists (select 1 from tenantry.tenants t where t.tenant_id = NEW.${column}) then
      ${auditSql(model, part, '(select NEW.*)', liveStore(model))};
    end if;
  end if;
  return null;`;
  return { declare: '', body };
}
