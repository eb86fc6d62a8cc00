import type { AnyDatabase } from '../../../database/index.ts';
import { quoteLiteral } from '../../../database/isolation-sql.ts';
import { valueOfRow } from './decide-rows.ts';
import { ledger, ofTable, rowAfterEntry } from './row-sql.ts';
import type { RowModel, RowTable } from './table.ts';

/**
 * Counts rows that a split brought elsewhere than their own columns say, by a join with the targets. NULL for tables whose
 * rows say nothing themselves: those are held by the rows that they follow.
 */
export function placedSql(db: AnyDatabase, { name }: RowModel, table: RowTable): string | null {
  const { rule } = table;
  if (rule.kind !== 'user' && rule.kind !== 'target') return null;
  const [kind, expression] = rule.kind === 'user' ? ['user', rule.user] : ['key', rule.target];
  return `select count(*) filter (where x.${table.column} <> coalesce(w.tenant_id, u.main_tenant_id)) as wrong
from ${ledger.units} u join ${ledger.rows} j on j.retenanting = u.retenanting and j.unit = u.unit and ${ofTable('j', table)} and j.action = 'move'
join ${table.sql} x on ${rowAfterEntry(table, 'x', 'j')}
left join ${ledger.ways} w on w.retenanting = u.retenanting and w.unit = u.unit and w.kind = ${quoteLiteral(kind)} and w.value = ${valueOfRow(db, table, expression)}
where u.retenanting = ${quoteLiteral(name)} and u.targets > 1 and not u.chosen`;
}
