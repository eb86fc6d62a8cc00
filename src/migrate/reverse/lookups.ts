import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { keyEquals, keyText, type Model, type OwnTable } from '../model.ts';
import { liveStore, partOf } from '../parts/part.ts';
import {
  attemptSql,
  backFunctionSql,
  backName,
  backRowFunctionSql,
  backTriggerSql,
  differSql,
  inTypeOf,
  leaveSql,
  markSql,
  oursSql,
  outcomeVariables,
  plainColumn,
} from './back-sql.ts';
import { firstRowSql } from './first-row.ts';

/** A legacy column that holds what names a tenant. */
interface Place {
  readonly kind: 'provider_customer' | 'provider_subscription' | 'slug';
  readonly table: OwnTable;
  readonly column: string;
}

/** The provider's ids and the slugs that the library gives a tenant are written into the legacy columns for them. */
export function lookupBackStatements(model: Model): string[] {
  const name = backName(model, 'lookups');
  const kinds = `NEW.kind in ('provider_customer', 'provider_subscription', 'slug')`;
  const call = (row: string, before: string, after: string): string =>
    `perform tenantry.${name}(${row}.tenant_id, ${row}.kind, ${before}, ${after});`;
  return [
    ...backFunctionSql(model, {
      name,
      parameters: [
        ['tenantry_tenant', 'uuid'],
        ['tenantry_kind', 'text'],
        ['tenantry_before', 'text'],
        ['tenantry_after', 'text'],
      ],
      returns: 'void',
      declare: `tenantry_first text; tenantry_placed boolean := false; ${outcomeVariables}`,
      body: lookupBody(model),
    }),
    ...backRowFunctionSql(
      model,
      'lookups',
      `if TG_OP = 'INSERT' then
    ${call('NEW', 'null', 'NEW.value')}
  elsif TG_OP = 'DELETE' then
    ${call('OLD', 'OLD.value', 'null')}
  elsif OLD.tenant_id = NEW.tenant_id and OLD.kind = NEW.kind then
    ${call('NEW', 'OLD.value', 'NEW.value')}
  else
    ${call('OLD', 'OLD.value', 'null')}
    ${call('NEW', 'null', 'NEW.value')}
  end if;`,
    ),
    backTriggerSql(model, 'lookups', 'tenant_lookups', { on: 'insert', when: kinds }),
    backTriggerSql(model, 'lookups', 'tenant_lookups', {
      on: 'update',
      when: `${kinds} and ${differSql(['kind', 'value', 'tenant_id'])}`,
    }),
    backTriggerSql(model, 'lookups', 'tenant_lookups', { on: 'delete', when: kinds.replace('NEW', 'OLD') }),
  ];
}

function placesOf(model: Model): Place[] {
  const { tenants, subscriptions } = model.definition;
  const part = partOf(model, 'subscriptions');
  const place = (
    kind: Place['kind'],
    table: OwnTable | undefined,
    expression: Parameters<typeof plainColumn>[1],
  ): Place[] => {
    const column = table === undefined ? undefined : plainColumn(table, expression);
    return table === undefined || column === undefined ? [] : [{ kind, table, column }];
  };
  return [
    ...place('slug', model.source, tenants.slug),
    ...place('provider_customer', model.source, tenants.provider?.customerId),
    ...place('provider_customer', part?.table, subscriptions?.customerId),
    ...place('provider_subscription', part?.table, subscriptions?.subscriptionId),
  ];
}

function lookupBody(model: Model): string {
  const column = quoteIdentifier(model.column);
  const attempts = placesOf(model).map(({ kind, table, column: named }) => {
    const x = `x.${quoteIdentifier(named)}`;
    const value = inTypeOf(table, named, 'tenantry_after');
    const first =
      table.name === model.source.name
        ? keyEquals(table.key, 'x', 'tenantry_first')
        : `${keyText(table.key, 'x')} = (select min(q.row_key) from ${liveStore(model).parts} q where q.tenant_id = tenantry_tenant
            and q.part = 'subscriptions' and q.migration = ${quoteLiteral(model.name)})`;
    // A slug is replaced; another customer of the provider never takes the place of one that is there.
    const empty = kind === 'slug' ? 'true' : `btrim(coalesce(${x}::text, '')) = ''`;
    return `if tenantry_kind = '${kind}' and not tenantry_placed and cardinality(tenantry_wait) = 0 then
    tenantry_left := '{}';
    ${attemptSql(
      'value',
      `if tenantry_before is not null then
        update ${table.sql} as x set ${quoteIdentifier(named)} = ${value} where x.${column} = tenantry_tenant and btrim(${x}::text) = tenantry_before;
      elsif not exists (select 1 from ${table.sql} as x where x.${column} = tenantry_tenant and btrim(${x}::text) = tenantry_after) then
        update ${table.sql} as x set ${quoteIdentifier(named)} = ${value} where ${first} and ${empty};
        if not found then raise exception 'another value is there'; end if;
      end if;`,
    )}
    tenantry_placed := cardinality(tenantry_done) > 0;
  end if;`;
  });
  return `if not ${oursSql(model, 'tenantry_tenant')} then return; end if;
  tenantry_first := ${firstRowSql(model, 'tenantry_tenant')};
  if tenantry_first is null then return; end if;
  tenantry_left := '{value}';
  ${attempts.join('\n  ')}
  ${markSql(
    model,
    'tenant_lookups',
    `tenantry_kind || ':' || coalesce(tenantry_after, tenantry_before)`,
    'tenantry_tenant',
    `json_build_object('kind', tenantry_kind, 'value', coalesce(tenantry_after, tenantry_before), 'tenant_id', tenantry_tenant, 'removed', tenantry_after is null)`,
  )}`;
}

/** What the legacy tables have no column for is recorded, so that a rollback can tell of it: here the seats bought. */
export function organizationBackStatements(model: Model): string[] {
  const body = `if ${oursSql(model, 'NEW.tenant_id')} then
    ${leaveSql(model, 'organizations', 'NEW.tenant_id::text', 'NEW.tenant_id', `'{seats_bought}'`, 'row_to_json(NEW)')}
  end if;`;
  return [
    ...backRowFunctionSql(model, 'organizations', body),
    backTriggerSql(model, 'organizations', 'organizations', { on: 'update', when: differSql(['seats_bought']) }),
  ];
}

/** Grants are several legacy rows that were joined: what becomes of them is recorded. */
export function grantBackStatements(model: Model): string[] {
  const name = (row: 'NEW' | 'OLD'): string =>
    `${row}.tenant_id || ':' || ${row}.member_id || ':' || ${row}.permission`;
  const migrated = (
    row: 'NEW' | 'OLD',
  ): string => `exists (select 1 from tenantry.migration_parts q where q.tenant_id = ${row}.tenant_id
      and q.made = ${row}.member_id || ':' || ${row}.permission and q.part = 'grants' and q.migration = ${quoteLiteral(model.name)})`;
  const leave = (row: 'NEW' | 'OLD', what: string): string =>
    leaveSql(model, 'member_grants', name(row), `${row}.tenant_id`, `'{${what}}'`, `row_to_json(${row})`);
  const body = `if TG_OP = 'DELETE' then
    if ${migrated('OLD')} then ${leave('OLD', 'deleted')} end if;
  elsif ${migrated('NEW')} then
    ${leave('NEW', 'expires_at')}
  end if;`;
  return [
    ...backRowFunctionSql(model, 'grants', body),
    backTriggerSql(model, 'grants', 'member_grants', { on: 'update', when: differSql(['expires_at']) }),
    backTriggerSql(model, 'grants', 'member_grants', { on: 'delete' }),
  ];
}
