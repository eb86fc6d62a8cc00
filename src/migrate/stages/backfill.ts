import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { additionSteps } from '../additions.ts';
import { deriveStep } from '../derived.ts';
import { hasKey, type Model, mapTable, type OwnTable, tenantOfRow } from '../model.ts';
import type { Step } from '../plan.ts';
import { type Population, partStatements, tenantStatements } from '../populate.ts';
import { fillMapSql } from '../source-sql.ts';
import { lookAgainStep, placeBatchSql } from './place-batches.ts';

/**
 * The map first, then the tenants that are made from it, then the tenant of every row, parents before children, then the
 * members, keys and all else that is made of rows.
 */
export function backfillSteps(model: Model): Step[] {
  const statement = ({ name, sql, undo = [], locks }: Population): Step => ({
    id: `populate:${name}`,
    stage: 'backfill',
    table: locks ?? null,
    kind: 'transaction',
    sql,
    undo,
    lock: locks === undefined ? 'none' : 'share row exclusive',
  });
  return [
    statement({ name: 'map', sql: [fillMapSql(model)] }),
    // Every row of every table looks its tenant up there, and the planner must know how many keys it holds.
    statement({ name: 'map-statistics', sql: [`analyze ${mapTable}`] }),
    ...tenantStatements(model, 'true').map(statement),
    ...model.own.flatMap((table) => [
      ...(table.derivation === undefined ? [] : [deriveStep(model, table, table.derivation)]),
      rowsStep(model, table),
      ...(hasKey(table) ? [] : [lookAgainStep(model, table)]),
      vacuumStep(table),
    ]),
    ...partStatements(model).map(statement),
    ...additionSteps(model, 'backfill'),
  ];
}

function rowsStep(model: Model, table: OwnTable): Step {
  return {
    id: `backfill:${table.name}`,
    stage: 'backfill',
    table: table.name,
    kind: 'batches',
    sql: [batchSql(model, table).next],
    undo: [
      `delete from tenantry.migration_checkpoints where migration = ${quoteLiteral(model.name)} and table_name = ${quoteLiteral(table.name)}`,
    ],
    lock: 'row',
  };
}

/** Gives back the room of the rows' old versions, and tells the planner of the new column. */
function vacuumStep(table: OwnTable): Step {
  return {
    id: `backfill:${table.name}:vacuum`,
    stage: 'backfill',
    table: table.name,
    kind: 'concurrently',
    sql: [`vacuum (analyze) ${table.sql}`],
    undo: [],
    lock: 'share update exclusive',
  };
}

/** The statements of one table's backfill. Keys travel as texts, one parameter per column of the key. */
export interface BatchSql {
  /** The last key of the table: the bound, beyond which the trigger has filled every row. */
  readonly bound: string;
  /** The last key of the batch that begins at the start; parameters: bound, size. */
  readonly firstEdge: string;
  /** The last key of the batch after a key; parameters: that key, bound, size. */
  readonly nextEdge: string;
  /** Fills the rows up to an edge; parameters: edge. */
  readonly first: string;
  /** Fills the rows after a key up to an edge; parameters: key, edge. */
  readonly next: string;
}

/** Writes the statements of one table's backfill: keyset batches by row comparison, served by the primary key. */
export function batchSql(model: Model, table: OwnTable): BatchSql {
  if (!hasKey(table)) return placeBatchSql(model, table);
  const names = table.key.map((column) => quoteIdentifier(column.name));
  const key = `(${names.map((name) => `t.${name}`).join(', ')})`;
  const texts = (alias: string): string =>
    `json_build_array(${names.map((name) => `${alias}.${name}::text`).join(', ')}) as key`;
  const given = (from: number): string =>
    `(${table.key.map((column, place) => `$${from + place}::text::${column.type}`).join(', ')})`;
  const width = table.key.length;
  const order = names.join(', ');
  const backwards = names.map((name) => `${name} desc`).join(', ');
  const edge = (where: string, size: number): string =>
    `select ${texts('b')} from (select ${order} from ${table.sql} as t where ${where} order by ${order} limit $${size}::integer) as b
  order by ${backwards} limit 1`;
  const column = quoteIdentifier(model.column);
  const fill = (where: string): string =>
    `update ${table.sql} as t set ${column} = ${tenantOfRow(model, table, 't')}\n  where ${where} and t.${column} is null`;
  return {
    bound: `select ${texts('t')} from ${table.sql} as t order by ${backwards} limit 1`,
    firstEdge: edge(`${key} <= ${given(1)}`, width + 1),
    nextEdge: edge(`${key} > ${given(1)} and ${key} <= ${given(width + 1)}`, 2 * width + 1),
    first: fill(`${key} <= ${given(1)}`),
    next: fill(`${key} > ${given(1)} and ${key} <= ${given(width + 1)}`),
  };
}
