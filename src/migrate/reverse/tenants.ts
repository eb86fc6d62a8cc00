import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { fallbackTenantId, keyEquals, keyText, type Model, mapTable, type OwnTable } from '../model.ts';
import { liveStore, partOf } from '../parts/part.ts';
import { subscriptionColumns } from '../parts/subscriptions.ts';
import { mappedRows, sourceColumns, statusRankSql, tenantIdSql } from '../source-sql.ts';
import { cleanSql } from '../sql-text.ts';
import {
  attemptSql,
  backFunctionSql,
  backName,
  backRowFunctionSql,
  backTriggerSql,
  changedSql,
  differSql,
  inTypeOf,
  leaveSql,
  lockedSql,
  markSql,
  oursSql,
  outcomeVariables,
  plainColumn,
} from './back-sql.ts';

const columns = ['name', 'subscription_status', 'status', 'plan', 'anchor_at'];

/** What happens to tenants in the library is written into the rows that they were made from. */
export function tenantBackStatements(model: Model): string[] {
  const name = backName(model, 'tenants');
  const migration = quoteLiteral(model.name);
  // Once the tenants of the migration are taken back, the library's new ones are none of it.
  const going = `exists (select 1 from tenantry.migration_steps s where s.migration = ${migration} and s.step = 'expand:tenants')`;
  const body = `if TG_OP = 'DELETE' then
    if ${oursSql(model, 'OLD.tenant_id')} then
      ${leaveSql(model, 'tenants', 'OLD.tenant_id::text', 'OLD.tenant_id', `'{deleted}'`, 'row_to_json(OLD)')}
    end if;
  elsif TG_OP = 'UPDATE' then
    perform tenantry.${name}(NEW.tenant_id, ${changedSql(columns)});
  elsif ${going} then
    insert into tenantry.migration_parts (migration, part, row_key, tenant_id, made)
    values (${migration}, 'tenants', NEW.tenant_id::text, NEW.tenant_id, 'new') on conflict do nothing;
    perform tenantry.${name}(NEW.tenant_id, '{}');
  end if;`;
  return [
    ...backFunctionSql(model, {
      name,
      parameters: [
        ['tenantry_tenant', 'uuid'],
        ['tenantry_columns', 'text[]'],
      ],
      returns: 'void',
      declare: `tenantry_row tenantry.tenants; tenantry_key text; tenantry_was text; ${outcomeVariables}`,
      body: tenantBody(model),
    }),
    ...backRowFunctionSql(model, 'tenants', body),
    backTriggerSql(model, 'tenants', 'tenants', { on: 'insert' }),
    backTriggerSql(model, 'tenants', 'tenants', { on: 'update', when: differSql(columns) }),
    backTriggerSql(model, 'tenants', 'tenants', { on: 'delete' }),
  ];
}

function tenantBody(model: Model): string {
  const { source, definition } = model;
  const name = plainColumn(source, definition.tenants.name);
  const mine = `${mapTable} m where m.migration = ${quoteLiteral(model.name)} and m.tenant_id = tenantry_tenant`;
  const on = keyEquals(source.key, 'x', 'm.source_key');
  const rows = `${source.sql} as x join ${mine.replace(' where ', ` on ${on} where `)}`;
  const left = (column: string): string => `tenantry_left := tenantry_left || '${column}'::text;`;
  const when = (column: string, statements: string): string => `if '${column}' = any(tenantry_columns) then
      ${statements}
    end if;`;
  const clean = (column: string): string => cleanSql(`x.${quoteIdentifier(column)}::text`);
  const naming =
    name === undefined
      ? left('name')
      : attemptSql(
          'name',
          `select r.name into tenantry_was from (select ${cleanSql('r.tenant_name')} as name, r.ord, r.k from ${mappedRows(model, 'm.tenant_id = tenantry_tenant')}) as r
      where r.name <> '' order by r.ord, r.k limit 1;
      update ${source.sql} as x set ${quoteIdentifier(name)} = ${inTypeOf(source, name, 'tenantry_row.name')}
      from ${mine.replace(' where ', ` where ${on} and `)} and (tenantry_was is null or ${clean(name)} = tenantry_was);`,
        );
  return `if not ${oursSql(model, 'tenantry_tenant')} then return; end if;
  select * into tenantry_row from tenantry.tenants t where t.tenant_id = tenantry_tenant;
  if not found then return; end if;
  if exists (select 1 from ${mine}) then
    ${lockedSql(
      `perform 1 from ${rows} order by m.source_key for no key update of x`,
      [
        when('name', naming),
        when('subscription_status', statusSql(model) ?? left('subscription_status')),
        ...['status', 'plan', 'anchor_at'].map((column) => when(column, left(column))),
      ].join('\n    '),
    )}
  ${fallbackSql(model)}else
    ${makeTenant(model)}
    tenantry_left := '{}';
  end if;
  ${markSql(model, 'tenants', 'tenantry_tenant::text', 'tenantry_tenant', 'row_to_json(tenantry_row)')}`;
}

/** No legacy row stands for the fallback, nor is one made for it. */
function fallbackSql(model: Model): string {
  if (model.definition.tenants.fallback === undefined) return '';
  return `elsif tenantry_tenant = ${quoteLiteral(fallbackTenantId(model))}::uuid then
    tenantry_left := tenantry_columns;
  `;
}

/**
 * Legacy rows of one tenant may differ in the state of their subscription, and the most alive one counts. The rows that
 * counted, and those that would count more than the new state, get the new one; the others stay as they are.
 */
function statusSql(model: Model): string | undefined {
  const { tenants, subscriptions } = model.definition;
  const part = partOf(model, 'subscriptions');
  const table: OwnTable = part?.table ?? model.source;
  const column = plainColumn(table, part === undefined ? tenants.provider?.status : subscriptions?.status);
  if (column === undefined) return undefined;
  const migration = quoteLiteral(model.name);
  const store = liveStore(model);
  const those =
    part === undefined
      ? `${mapTable} m where m.migration = ${migration} and m.tenant_id = tenantry_tenant`
      : `${store.parts} m where m.migration = ${migration} and m.part = 'subscriptions' and m.tenant_id = tenantry_tenant`;
  const on = keyEquals(table.key, 'x', part === undefined ? 'm.source_key' : 'm.row_key');
  const read =
    part === undefined
      ? `select r.status, r.k from ${mappedRows(model, 'm.tenant_id = tenantry_tenant')}`
      : `select s.status, s.k from (${subscriptionColumns(model, part, `(select x.* from ${table.sql} as x join ${those.replace(' where ', ` on ${on} where `)})`, store)}) as s`;
  const value = `nullif(btrim(x.${quoteIdentifier(column)}::text), '')`;
  const put = (
    where: string,
  ): string => `update ${table.sql} as x set ${quoteIdentifier(column)} = ${inTypeOf(table, column, 'tenantry_row.subscription_status')}
      from ${those.replace(' where ', ` where ${on} and `)} and ${where};`;
  return attemptSql(
    'subscription_status',
    `tenantry_was := (select r.status from (${read}) as r where r.status is not null order by ${statusRankSql('r.status')}, r.k limit 1);
      ${put(`case when tenantry_row.subscription_status is null then ${value} is not null
        else ${value} = tenantry_was or ${statusRankSql(value)} < ${statusRankSql('tenantry_row.subscription_status')} and ${value} is not null end`)}
      if tenantry_was is null and tenantry_row.subscription_status is not null then
        ${put(`${keyText(table.key, 'x')} = (select r.k from (${read}) as r order by r.k limit 1)`)}
        if not found then raise exception 'there is no row of a subscription'; end if;
      end if;`,
  );
}

/** A tenant that the library made gets a row where the rows of tenants are no persons, and a name is all that they need. */
function makeTenant(model: Model): string {
  const { source, definition } = model;
  const { tenants, members } = definition;
  const name = plainColumn(source, tenants.name);
  if (name === undefined || members?.source === source.name)
    return '-- The row of its first member will be its own, where there is a place for it.';
  const values = new Map<string, string>();
  const add = (column: string | undefined, value: string): void => {
    if (column !== undefined && !values.has(column)) values.set(column, inTypeOf(source, column, value));
  };
  add(name, 'tenantry_row.name');
  add(
    plainColumn(source, tenants.slug),
    `(select l.value from tenantry.tenant_lookups l where l.kind = 'slug' and l.tenant_id = tenantry_tenant limit 1)`,
  );
  add(plainColumn(source, tenants.provider?.status), 'tenantry_row.subscription_status');
  values.set(model.column, 'tenantry_tenant');
  const migration = quoteLiteral(model.name);
  const made = `(select * from ${source.sql} as x where ${keyEquals(source.key, 'x', 'tenantry_key')})`;
  return attemptSql(
    'row',
    `insert into ${source.sql} as x (${[...values.keys()].map(quoteIdentifier).join(', ')}) overriding system value
      values (${[...values.values()].join(', ')}) returning ${keyText(source.key, 'x')} into tenantry_key;
      insert into ${mapTable} (migration, source_key, group_key, tenant_id, rule)
      select ${migration}, s.k, s.g, tenantry_tenant, s.rule from (${sourceColumns(model, made)}) as s
      where s.g is not null and not exists (select 1 from ${mapTable} o where o.migration = ${migration} and o.tenant_id = ${tenantIdSql(model, 's.g')});
      if not found then raise exception 'the row would be grouped into another tenant'; end if;`,
  );
}
