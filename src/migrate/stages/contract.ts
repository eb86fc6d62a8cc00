import { quoteIdentifier } from '../../database/isolation-sql.ts';
import type { Model } from '../model.ts';
import type { Step } from '../plan.ts';
import { qualified } from '../sql-text.ts';
import { dropTriggerStatements } from '../triggers.ts';

/** The schema that holds what the contract stage takes out of use. */
export const archiveSchema = 'tenantry_archive';

/** Ends the dual writes and moves what the new application does not use into the archive, whole. */
export function contractSteps(model: Model): Step[] {
  const triggers = model.own.map(
    (table): Step => ({
      id: `contract:${table.name}:triggers`,
      stage: 'contract',
      table: table.name,
      kind: 'transaction',
      sql: dropTriggerStatements(model, table),
      // On the way back the triggers would only make tenants anew; the column's own undo follows.
      undo: [],
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
