import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import type { Model, OwnTable } from '../model.ts';
import { hasMembers, partOf, partsOf } from '../parts/part.ts';
import { byOldApplication } from '../trigger-sql.ts';
import { type BackKind, backFunctionSql, backName, backRowFunctionSql, markFunctionSql } from './back-sql.ts';
import { firstRowStatements } from './first-row.ts';
import { digestBackStatements, keyBackStatements, suspendedBackStatements } from './keys.ts';
import { grantBackStatements, lookupBackStatements, organizationBackStatements } from './lookups.ts';
import { memberBackStatements } from './members.ts';
import { tenantBackStatements } from './tenants.ts';

/** What carries one kind back. */
interface BackStatements {
  readonly kind: BackKind;
  readonly sql: readonly string[];
}

/**
 * What carries the library's tables back, functions first that the others call. Each belongs in a transaction of its own:
 * whoever locks two tables of the library at once waits for writers who wait for the other one.
 */
export function backStatements(model: Model): BackStatements[] {
  const all: BackStatements[] = [
    { kind: 'first', sql: firstRowStatements(model) },
    { kind: 'mark', sql: markFunctionSql(model) },
    { kind: 'drain', sql: drainStatements(model) },
    { kind: 'tenants', sql: tenantBackStatements(model) },
    { kind: 'lookups', sql: lookupBackStatements(model) },
    { kind: 'organizations', sql: organizationBackStatements(model) },
    { kind: 'grants', sql: grantBackStatements(model) },
    { kind: 'members', sql: memberBackStatements(model) },
    { kind: 'keys', sql: keyBackStatements(model) },
    { kind: 'digests', sql: digestBackStatements(model) },
    { kind: 'suspended', sql: suspendedBackStatements(model) },
  ];
  return all.filter(({ sql }) => sql.length > 0);
}

/** What waited for a lock is written as soon as somebody comes by, whoever holds the row by then. */
function drainStatements(model: Model): string[] {
  const migration = quoteLiteral(model.name);
  const cases = [
    `when 'tenantry.tenants' then
      perform tenantry.${backName(model, 'tenants')}(tenantry_tenant, tenantry_change.pending);`,
    `when 'tenantry.tenant_lookups' then
      perform tenantry.${backName(model, 'lookups')}(tenantry_tenant, tenantry_change.row_data ->> 'kind',
        case when (tenantry_change.row_data ->> 'removed')::boolean then tenantry_change.row_data ->> 'value' end,
        case when not (tenantry_change.row_data ->> 'removed')::boolean then tenantry_change.row_data ->> 'value' end);`,
  ];
  if (partOf(model, 'members') !== undefined && hasMembers(model.definition)) {
    // The old application, whose write was under way, has by now written over what waited.
    const set = ['email', 'name'].map(
      (column) =>
        `${column} = case when '${column}' = any(tenantry_change.pending) then d.${column} else m.${column} end`,
    );
    cases.push(`when 'tenantry.members' then
      update tenantry.members m set ${set.join(', ')} from json_populate_record(null::tenantry.members, tenantry_change.row_data) as d
      where m.tenant_id = tenantry_tenant and m.id = tenantry_change.row_key::uuid;
      perform tenantry.${backName(model, 'members')}(tenantry_tenant, tenantry_change.row_key::uuid, tenantry_change.pending);`);
  }
  if (partOf(model, 'apiKeys') !== undefined) {
    cases.push(`when 'tenantry.api_keys' then
      perform tenantry.${backName(model, 'keys')}(tenantry_tenant, tenantry_change.row_key::uuid, tenantry_change.pending);`);
  }
  const name = backName(model, 'drain');
  const column = quoteIdentifier(model.column);
  return [
    ...backFunctionSql(model, {
      name,
      parameters: [['tenantry_tenant', 'uuid']],
      returns: 'void',
      declare: 'tenantry_change record;',
      // Two who come by at once do not both write it, nor one beside the new application, which is writing the row again.
      body: `for tenantry_change in select * from tenantry.migration_changes c
    where c.migration = ${migration} and c.tenant_id = tenantry_tenant and c.pending <> '{}' order by c.table_name, c.row_key for update skip locked loop
    begin
      perform 1 from tenantry.tenants n where n.tenant_id = tenantry_tenant
        and tenantry_change.table_name in ('tenantry.tenants', 'tenantry.tenant_lookups') for no key update nowait;
      perform 1 from tenantry.members n where n.tenant_id = tenantry_tenant and n.id = case when tenantry_change.table_name = 'tenantry.members'
        then tenantry_change.row_key::uuid end for no key update nowait;
      perform 1 from tenantry.api_keys n where n.tenant_id = tenantry_tenant and n.id = case when tenantry_change.table_name = 'tenantry.api_keys'
        then tenantry_change.row_key::uuid end for no key update nowait;
    exception when lock_not_available then
      continue;
    end;
    case tenantry_change.table_name
    ${cases.join('\n    ')}
    end case;
  end loop;`,
    }),
    ...backRowFunctionSql(
      model,
      'drain',
      `if exists (select 1 from tenantry.migration_changes c where c.migration = ${migration} and c.tenant_id = NEW.${column} and c.pending <> '{}') then
    perform tenantry.${name}(NEW.${column});
  end if;`,
    ),
  ];
}

/** Writes all that still waits, where there is a way back. */
export function drainAllSql(model: Model): string {
  const name = backName(model, 'drain');
  return `do $tenantry_drain$
declare tenantry_waiting uuid;
begin
  if to_regprocedure('tenantry.${name}(uuid)') is null then return; end if;
  for tenantry_waiting in select distinct c.tenant_id from tenantry.migration_changes c
    where c.migration = ${quoteLiteral(model.name)} and c.pending <> '{}' loop
    perform tenantry.${name}(tenantry_waiting);
  end loop;
end $tenantry_drain$`;
}

/** The legacy tables that are written back to. */
function isWrittenBack(model: Model, table: OwnTable): boolean {
  return table.name === model.source.name || partsOf(model).some((part) => part.table.name === table.name);
}

/** Fires after the triggers of the other way, when a writer of the old application passes what waited for it. */
export function drainTriggerStatements(model: Model, table: OwnTable): string[] {
  if (!isWrittenBack(model, table)) return [];
  return [
    `create trigger tenantry_drain after update on ${table.sql} for each row
      when (${byOldApplication}) execute function tenantry.${backName(model, 'drain')}_row()`,
  ];
}

/** Takes away what {@link drainTriggerStatements} made. */
export function dropDrainTriggerStatements(table: OwnTable): string[] {
  return [`drop trigger if exists tenantry_drain on ${table.sql}`];
}

const signatures: Readonly<Record<BackKind, readonly string[]>> = {
  suspended: ['_row()'],
  digests: ['_row()'],
  keys: ['_row()', '(uuid, uuid, text[])'],
  members: ['_row()', '(uuid, uuid, text[])'],
  grants: ['_row()'],
  organizations: ['_row()'],
  lookups: ['_row()', '(uuid, text, text, text)'],
  tenants: ['_row()', '(uuid, text[])'],
  drain: ['_row()', '(uuid)'],
  mark: ['(text, text, uuid, text[], text[], text[], json)'],
  first: ['(uuid)'],
};

/**
 * Takes functions of the way back away, with their triggers: a trigger on a table of the library is the owner's to drop,
 * but goes with its function. It waits for a shorter time than PostgreSQL does for a deadlock, so that it is never an
 * application that is chosen to end.
 */
export function dropBackStatements(model: Model, kind: BackKind): string[] {
  return [
    'set local lock_timeout = 500',
    ...signatures[kind].map(
      (signature) => `drop function if exists tenantry.${backName(model, kind)}${signature} cascade`,
    ),
  ];
}

/** The statements that take all of the way back away, a transaction each; who calls before what is called. */
export function endBackWrites(model: Model): BackStatements[] {
  return [...backStatements(model)].reverse().map(({ kind }) => ({ kind, sql: dropBackStatements(model, kind) }));
}
