import { quoteIdentifier } from '../../database/isolation-sql.ts';
import { additionSteps } from '../additions.ts';
import type { Model } from '../model.ts';
import type { Step } from '../plan.ts';
import { backStatements, drainAllSql, drainTriggerStatements, dropBackStatements } from '../reverse/back-statements.ts';
import { derivedChangesStatements } from '../reverse/derived-changes.ts';
import { fillStatements, linkOf } from '../reverse/fill.ts';
import { carryChangesStatements, photoStatements } from '../reverse/photo.ts';
import { qualified } from '../sql-text.ts';
import { dropBackTriggerStatements, dropTriggerStatements } from '../triggers.ts';
import { archiveSchema } from './archive-schema.ts';

/**
 * Ends the writes in both directions and moves what the new application does not use into the archive, whole. How the
 * library's rows are then is remembered; on the way back what changed since is carried into the legacy columns.
 */
export function contractSteps(model: Model): Step[] {
  const drain: Step = {
    id: 'contract:drain',
    stage: 'contract',
    table: null,
    kind: 'transaction',
    sql: [drainAllSql(model)],
    undo: [],
    lock: 'row',
  };
  const triggers = model.own.map((table): Step => {
    const link = linkOf(model, table);
    return {
      id: `contract:${table.name}:triggers`,
      stage: 'contract',
      table: table.name,
      kind: 'transaction',
      sql: [...dropTriggerStatements(model, table), ...dropBackTriggerStatements(model, table)],
      // The other direction does not come back: it would only make tenants anew, and its columns go next.
      undo: [
        ...(link === undefined ? [] : fillStatements(model, link)),
        ...drainTriggerStatements(model, table),
        ...derivedChangesStatements(model, table),
      ],
      lock: 'access exclusive',
    };
  });
  const back = [...backStatements(model)].reverse().map(
    ({ kind, sql }): Step => ({
      id: `contract:back:${kind}`,
      stage: 'contract',
      table: null,
      kind: 'transaction',
      sql: [...photoStatements(model, kind), ...dropBackStatements(model, kind)],
      undo: [...sql, ...carryChangesStatements(model, kind)],
      lock: 'none',
    }),
  );
  const archived = (model.definition.contract?.archive ?? []).map(
    (table): Step => ({
      id: `contract:${table}:archive`,
      stage: 'contract',
      table,
      kind: 'transaction',
      sql: [
        `create schema if not exists ${archiveSchema}`,
        `alter table ${qualified(model.schema, table)} set schema ${archiveSchema}`,
      ],
      undo: [`alter table ${qualified(archiveSchema, table)} set schema ${quoteIdentifier(model.schema)}`],
      lock: 'access exclusive',
    }),
  );
  return [drain, ...triggers, ...back, ...additionSteps(model, 'contract'), ...archived];
}
