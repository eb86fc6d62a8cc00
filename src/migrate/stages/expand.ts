import { quoteLiteral } from '../../database/isolation-sql.ts';
import { additionSteps } from '../additions.ts';
import { checksumSettings, checksumSql } from '../checksum.ts';
import { fallbackSteps } from '../fallback.ts';
import type { Model, OwnTable } from '../model.ts';
import { dropPartTriggerStatements, partTriggerStatements } from '../parts/triggers.ts';
import type { Step } from '../plan.ts';
import { putKeptAwayStatements } from '../quarantine-sql.ts';
import { cutOffStatements } from '../reverse/cut-off.ts';
import { dualWriteStatements, undoDualWriteStatements, writesSequence } from '../triggers.ts';

/** Columns and triggers first, parents before children; then what verify compares with. */
export function expandSteps(model: Model): Step[] {
  return [
    tenantsStep(model),
    ...fallbackSteps(model),
    ...additionSteps(model, 'expand'),
    ...model.own.map((table) => columnStep(model, table)),
    ...model.own.flatMap((table) => partsStep(model, table)),
    ...model.own.filter(({ derivation }) => derivation === undefined).map((table) => baselineStep(model, table)),
  ];
}

/**
 * From the first trigger on tenants are made, until they are taken back with all that stands for them. What an earlier
 * rollback kept makes room.
 */
function tenantsStep(model: Model): Step {
  return {
    id: tenantsStepId,
    stage: 'expand',
    table: null,
    kind: 'transaction',
    sql: putKeptAwayStatements(model),
    undo: cutOffStatements(model),
    lock: 'row',
  };
}

const tenantsStepId = 'expand:tenants';

/** The step that makes the tenant column of a table and its triggers. */
export function columnStepId(table: OwnTable): string {
  return `expand:${table.name}`;
}

/**
 * The steps of expand in the order in which they are taken back, once the dual writes have ended: the tenants while the
 * columns are still there by which what belongs to them is found, the columns after that.
 */
export function expandBackwards(model: Model, steps: readonly Step[]): Step[] {
  const columns = model.own.filter(({ derivation }) => derivation === undefined).map(columnStepId);
  const late = steps.filter(({ id }) => columns.includes(id));
  return [...late, ...steps.filter((step) => !late.includes(step))].reverse();
}

function columnStep(model: Model, table: OwnTable): Step {
  return {
    id: columnStepId(table),
    stage: 'expand',
    table: table.name,
    kind: 'transaction',
    sql: dualWriteStatements(model, table),
    undo: undoDualWriteStatements(model, table),
    lock: 'access exclusive',
  };
}

/**
 * What keeps members, keys and the like right reads several tables, so it comes when all of them have their column. The
 * backfill makes what was written before.
 */
function partsStep(model: Model, table: OwnTable): Step[] {
  const sql = partTriggerStatements(model, table);
  if (sql.length === 0) return [];
  const undo = dropPartTriggerStatements(model, table);
  return [
    {
      id: `expand:${table.name}:parts`,
      stage: 'expand',
      table: table.name,
      kind: 'transaction',
      sql,
      undo,
      lock: 'share row exclusive',
    },
  ];
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
