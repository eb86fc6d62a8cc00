import { quoteLiteral } from '../../database/isolation-sql.ts';
import { checksumSettings, checksumSql } from '../checksum.ts';
import type { Model, OwnTable } from '../model.ts';
import type { Step } from '../plan.ts';
import { dualWriteStatements, undoDualWriteStatements, writesSequence } from '../triggers.ts';

/** Columns and triggers first, parents before children; then what verify compares with. */
export function expandSteps(model: Model): Step[] {
  return [
    ...model.own.map((table) => columnStep(model, table)),
    ...model.own.map((table) => baselineStep(model, table)),
  ];
}

function columnStep(model: Model, table: OwnTable): Step {
  return {
    id: `expand:${table.name}`,
    stage: 'expand',
    table: table.name,
    kind: 'transaction',
    sql: dualWriteStatements(model, table),
    undo: undoDualWriteStatements(model, table),
    lock: 'access exclusive',
  };
}

/** The writes are read before the rows, so that a write in between makes the comparison void and never wrong. */
function baselineStep(model: Model, table: OwnTable): Step {
  const where = `migration = ${quoteLiteral(model.name)} and table_name = ${quoteLiteral(table.name)}`;
  return {
    id: `baseline:${table.name}`,
    stage: 'expand',
    table: table.name,
    kind: 'transaction',
    sql: [
      ...checksumSettings,
      `insert into tenantry.migration_baselines (migration, table_name, row_count, checksum, writes)
  select ${quoteLiteral(model.name)}, ${quoteLiteral(table.name)}, 0, '', case when is_called then last_value else 0 end
  from ${writesSequence(model, table)}`,
      `update tenantry.migration_baselines b set row_count = c.row_count, checksum = c.checksum
  from (${checksumSql(table)}) as c where ${where.replaceAll('migration =', 'b.migration =').replaceAll('table_name =', 'b.table_name =')}`,
    ],
    undo: [`delete from tenantry.migration_baselines where ${where}`],
    lock: 'none',
  };
}
