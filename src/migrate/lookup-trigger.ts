import { quoteIdentifier } from '../database/isolation-sql.ts';
import { type Model, type OwnTable, tenantOfRow } from './model.ts';
import { byApplication, functionSql, objectName } from './trigger-sql.ts';

/** Rows that find their tenant in another table follow what the old application writes there. */
export function lookupTriggerStatements(model: Model, table: OwnTable): string[] {
  const lookup = table.leads?.lookup;
  if (lookup === undefined) return [];
  const name = objectName(model, table.name, 'look');
  const column = quoteIdentifier(model.column);
  const follow = (row: 'NEW' | 'OLD'): string =>
    `update ${table.sql} as t set ${column} = ${tenantOfRow(model, table, 't')}
    where t.${quoteIdentifier(lookup.column)} = ${row}.${quoteIdentifier(lookup.key)};`;
  const body = `if TG_OP <> 'INSERT' then
    ${follow('OLD')}
  end if;
  if TG_OP <> 'DELETE' then
    ${follow('NEW')}
  end if;
  return null;`;
  return [
    functionSql(model, name, '', body),
    `create trigger ${triggerName(model, table)} after insert or update or delete on ${lookup.sql} for each row
      when (${byApplication}) execute function tenantry.${name}()`,
  ];
}

/** Takes away what {@link lookupTriggerStatements} made. */
export function dropLookupTriggerStatements(model: Model, table: OwnTable): string[] {
  const lookup = table.leads?.lookup;
  if (lookup === undefined) return [];
  return [
    `drop trigger if exists ${triggerName(model, table)} on ${lookup.sql}`,
    `drop function if exists tenantry.${objectName(model, table.name, 'look')}()`,
  ];
}

/** Several tables may look into one. */
function triggerName(model: Model, table: OwnTable): string {
  return quoteIdentifier(objectName(model, table.name, 'A0_tenantry_look'));
}
