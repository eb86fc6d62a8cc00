import { quoteIdentifier, quoteLiteral } from '../database/isolation-sql.ts';
import { keyText, type Model, mapTable } from './model.ts';
import { providerLookups, tenantStatements } from './populate.ts';
import { mappedRows, sourceColumns } from './source-sql.ts';
import { byOldApplication, functionSql, objectName } from './trigger-sql.ts';

/**
 * Its place among the triggers after a write, which fire by name: before those that make members and keys of the same
 * row, which look for the tenant, before the ones that carry a move down, and before the checks of foreign keys.
 */
const trigger = 'A0_tenantry_0_source';

/** A source row that the old application makes or changes makes or changes its tenant; it touches no other row's. */
export function sourceTriggerStatements(model: Model): string[] {
  const name = objectName(model, model.source.name, 'source');
  const migration = quoteLiteral(model.name);
  const key = (row: 'NEW' | 'OLD'): string => keyText(model.source.key, row);
  const all = (row: 'NEW' | 'OLD'): string =>
    `(select s::text from (${sourceColumns(model, `(select ${row}.*)`)}) as s)`;
  const one = (column: string, row: 'NEW' | 'OLD'): string =>
    `(select s.${column} from (${sourceColumns(model, `(select ${row}.*)`)}) as s)`;
  const [tenants, ...others] = tenantStatements(model, 'm.tenant_id = tenantry_tenant');
  const { subscriptions, tenants: source } = model.definition;
  const counts = source.provider?.status !== undefined && subscriptions === undefined;
  const again = counts
    ? `if TG_OP = 'INSERT' or ${one('status', 'OLD')} is distinct from ${one('status', 'NEW')} then
      ${tenants?.sql.join(';')};
    end if;`
    : '';
  const body = `if TG_OP <> 'INSERT' then
    if TG_OP = 'UPDATE' and ${key('OLD')} is distinct from ${key('NEW')} then
      update ${mapTable} set source_key = ${key('NEW')} where migration = ${migration} and source_key = ${key('OLD')};
    end if;
    select m.tenant_id into tenantry_tenant from ${mapTable} m
    where m.migration = ${migration} and m.source_key = case TG_OP when 'DELETE' then ${key('OLD')} else ${key('NEW')} end;
    if TG_OP = 'DELETE' then
      delete from ${mapTable} where migration = ${migration} and source_key = ${key('OLD')};
      insert into tenantry.migration_parts (migration, part, row_key, tenant_id, made)
      select ${migration}, 'tenants', tenantry_tenant::text, tenantry_tenant, '' where tenantry_tenant is not null on conflict do nothing;
      return null;
    end if;
    if tenantry_tenant is not null and ${all('OLD')} is not distinct from ${all('NEW')} then return null; end if;
  end if;
  insert into ${mapTable} (migration, source_key, group_key, tenant_id, rule)
  select ${migration}, s.k, s.g, NEW.${quoteIdentifier(model.column)}, s.rule
  from (${sourceColumns(model, '(select NEW.*)')}) as s where s.g is not null
  on conflict (migration, source_key) do nothing;
  select m.tenant_id into tenantry_tenant from ${mapTable} m where m.migration = ${migration} and m.source_key = ${key('NEW')};
  if not exists (select 1 from tenantry.tenants t where t.tenant_id = tenantry_tenant) then
    ${[tenants, ...others].map((made) => `${made?.sql.join(';')};`).join('\n    ')}
  else
    ${again}
    ${providerLookups(mappedRows(model, `m.source_key = ${key('NEW')}`))};
  end if;
  return null;`;
  return [
    functionSql(model, name, 'declare tenantry_tenant uuid;', body),
    `create trigger ${quoteIdentifier(trigger)} after insert or update or delete on ${model.source.sql} for each row
      when (${byOldApplication}) execute function tenantry.${name}()`,
  ];
}

/** Takes the trigger of {@link sourceTriggerStatements} away. */
export function dropSourceTriggerStatements(model: Model): string[] {
  return [
    `drop trigger if exists ${quoteIdentifier(trigger)} on ${model.source.sql}`,
    `drop function if exists tenantry.${objectName(model, model.source.name, 'source')}()`,
  ];
}
