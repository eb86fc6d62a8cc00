import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { keyText, type Model, type OwnTable } from '../model.ts';
import { byNewApplication, objectName } from '../trigger-sql.ts';
import { backFunctionSql } from './back-sql.ts';

const nobody = '00000000-0000-0000-0000-000000000000';

function functionName(model: Model, table: OwnTable): string {
  return objectName(model, table.name, 'mine');
}

/**
 * Remembers what the new application writes to a table that the migration makes from others: there is no place for it
 * without the table. What was inserted and deleted again is forgotten.
 */
export function derivedChangesStatements(model: Model, table: OwnTable): string[] {
  if (table.derivation === undefined) return [];
  const migration = quoteLiteral(model.name);
  const name = functionName(model, table);
  const key = (row: 'NEW' | 'OLD'): string => keyText(table.key, row);
  const mark = (
    row: 'NEW' | 'OLD',
    what: 'inserted' | 'changed' | 'deleted',
  ): string => `insert into tenantry.migration_changes as c
      (migration, table_name, row_key, tenant_id, done, left_out, pending, row_data)
    values (${migration}, ${quoteLiteral(table.name)}, ${key(row)}, coalesce(${row}.${quoteIdentifier(model.column)}, '${nobody}'), '{}', '{${what}}', '{}', row_to_json(${row}))
    on conflict (migration, table_name, row_key) do update set tenant_id = excluded.tenant_id, row_data = excluded.row_data,
      left_out = case when c.left_out = '{inserted}' and excluded.left_out = '{changed}' then c.left_out else excluded.left_out end;`;
  const body = `if TG_OP = 'DELETE' or TG_OP = 'UPDATE' and ${key('OLD')} is distinct from ${key('NEW')} then
    delete from tenantry.migration_changes c where c.migration = ${migration} and c.table_name = ${quoteLiteral(table.name)}
      and c.row_key = ${key('OLD')} and c.left_out = '{inserted}';
    if not found then
      ${mark('OLD', 'deleted')}
    end if;
  end if;
  if TG_OP = 'INSERT' or TG_OP = 'UPDATE' and ${key('OLD')} is distinct from ${key('NEW')} then
    ${mark('NEW', 'inserted')}
  elsif TG_OP = 'UPDATE' then
    ${mark('NEW', 'changed')}
  end if;
  return null;`;
  return [
    ...backFunctionSql(model, { name, parameters: [], returns: 'trigger', declare: '', body, patient: true }),
    `create trigger tenantry_mine after insert or update or delete on ${table.sql} for each row
      when (${byNewApplication}) execute function tenantry.${name}()`,
  ];
}

/** Takes the function of {@link derivedChangesStatements} away, and its trigger where the table is still there. */
export function dropDerivedChangesStatements(model: Model, table: OwnTable): string[] {
  return table.derivation === undefined
    ? []
    : [`drop function if exists tenantry.${functionName(model, table)}() cascade`];
}
