import { quoteIdentifier } from '../../database/isolation-sql.ts';
import type { Model } from '../model.ts';
import type { Step } from '../plan.ts';
import { qualified } from '../sql-text.ts';
import { dropTriggerStatements, dualWriteStatements } from '../triggers.ts';

/** The schema that holds what the contract stage takes out of use. */
const archiveSchema = 'tenantry_archive';

/** Ends the dual writes and moves what the new application does not use into the archive, whole. */
export function contractSteps(model: Model): Step[] {
  const triggers = model.own.map(
    (table): Step => ({
      id: `contract:${table.name}:triggers`,
      stage: 'contract',
      table: table.name,
      kind: 'transaction',
      sql: dropTriggerStatements(model, table),
      undo: dualWriteStatements(model, table).filter((statement) => /^create (function|trigger)/.test(statement)),
      lock: 'access exclusive',
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
  return [...triggers, ...archived];
}
