import { quoteLiteral } from '../../database/isolation-sql.ts';
import type { SourceExpression } from '../definition.ts';
import { type Model, mapTable, type OwnTable } from '../model.ts';
import { dollarQuoted } from '../sql-text.ts';
import { byNewApplication, flowPathSql, objectName } from '../trigger-sql.ts';

/** What is written back, each by functions of its own whose triggers stand on one table of the library at most. */
export type BackKind =
  | 'first'
  | 'mark'
  | 'drain'
  | 'tenants'
  | 'lookups'
  | 'organizations'
  | 'grants'
  | 'members'
  | 'keys'
  | 'digests'
  | 'suspended';

/** The name of a function of the way back, without its schema. */
export function backName(model: Model, kind: BackKind): string {
  return objectName(model, 'tenantry', `back_${kind}`);
}

/** A function of the way back. */
export interface BackFunction {
  readonly name: string;
  /** Each as its name and type. */
  readonly parameters: readonly (readonly [name: string, type: string])[];
  readonly returns: string;
  readonly declare: string;
  readonly body: string;
  /** Waits for locks as long as its caller would. */
  readonly patient?: boolean;
}

/**
 * How long a write of the new application waits for a legacy row that another transaction holds, in milliseconds. It is
 * shorter than PostgreSQL's deadlock_timeout: an old application that holds the row and waits for the tenant then goes on.
 * What could not be written in that time is remembered, and written as soon as the row is free.
 */
const lockTimeout = 500;

/**
 * Makes a function that runs as the owner of the migration, and whose writes the triggers of the other way leave alone.
 * Nobody calls it but triggers.
 */
export function backFunctionSql(
  model: Model,
  { name, parameters, returns, declare, body, patient = false }: BackFunction,
): string[] {
  const list = parameters.map(([parameter, type]) => `${parameter} ${type}`).join(', ');
  const types = parameters.map(([, type]) => type).join(', ');
  const impatient = patient ? '' : ` set lock_timeout = ${lockTimeout}`;
  return [
    `create or replace function tenantry.${name}(${list}) returns ${returns} language plpgsql security definer
  ${flowPathSql(model, 'reverse')}${impatient} as ${dollarQuoted(`
  ${declare === '' ? '' : `declare ${declare}`}
  begin
  ${body}
  end `)}`,
    `revoke all on function tenantry.${name}(${types}) from public`,
  ];
}

/** A trigger on a table of the library for what the new application writes there. */
export function backTriggerSql(
  model: Model,
  kind: BackKind,
  table: string,
  { on, when = 'true' }: { readonly on: 'insert' | 'update' | 'delete'; readonly when?: string },
): string {
  return `create trigger ${objectName(model, 'tenantry', `tenantry_back_${kind}_${on}`)} after ${on} on tenantry.${table} for each row
      when (${byNewApplication} and ${when}) execute function tenantry.${backName(model, kind)}_row()`;
}

/** The function that such triggers call. */
export function backRowFunctionSql(model: Model, kind: BackKind, body: string): string[] {
  return backFunctionSql(model, {
    name: `${backName(model, kind)}_row`,
    parameters: [],
    returns: 'trigger',
    declare: '',
    body: `${body}
  return null;`,
  });
}

/** The condition that a tenant is one that the migration made, or the library since the switch. */
export function oursSql(model: Model, tenant: string): string {
  const migration = quoteLiteral(model.name);
  return `(exists (select 1 from ${mapTable} m where m.migration = ${migration} and m.tenant_id = ${tenant})
    or exists (select 1 from tenantry.migration_parts q where q.tenant_id = ${tenant} and q.part in ('tenants', 'fallback') and q.migration = ${migration}))`;
}

/** The column that a part of a definition is; undefined when it is SQL or not said. */
export function plainColumn(table: OwnTable, expression: SourceExpression | undefined): string | undefined {
  if (typeof expression !== 'string') return undefined;
  return table.table.columns.some(({ name, generated }) => name === expression && !generated) ? expression : undefined;
}

/**
 * A value in the type of a column, whose length is then checked when it is assigned: a cast to the length itself would
 * cut it off without a word.
 */
export function inTypeOf(table: OwnTable, column: string, value: string): string {
  const type = table.table.columns.find(({ name }) => name === column)?.type ?? 'text';
  return `(${value})::${type.replace(/\(\d+(?:,\d+)?\)/, '')}`;
}

/** Runs statements that the legacy table may refuse; what it refuses is left out, and the new application goes on. */
export function attemptSql(column: string, statements: string): string {
  return `begin
      ${statements}
      tenantry_done := tenantry_done || ${quoteLiteral(column)}::text;
    exception
      when lock_not_available or deadlock_detected or serialization_failure then
        tenantry_wait := tenantry_wait || ${quoteLiteral(column)}::text;
      when others then
        tenantry_left := tenantry_left || ${quoteLiteral(column)}::text;
    end;`;
}

/** Locks legacy rows once for all columns; while another transaction holds them, everything waits for later. */
export function lockedSql(lock: string, statements: string): string {
  return `begin
      ${lock};
    exception when lock_not_available or deadlock_detected or serialization_failure then
      tenantry_wait := tenantry_columns;
    end;
    if cardinality(tenantry_wait) = 0 then
    ${statements}
    end if;`;
}

/** The variables of {@link attemptSql}. */
export const outcomeVariables = `tenantry_done text[] := '{}'; tenantry_left text[] := '{}'; tenantry_wait text[] := '{}';`;

/** Records what became of a change. */
export function markSql(model: Model, table: string, key: string, tenant: string, data: string): string {
  return `perform tenantry.${backName(model, 'mark')}(${quoteLiteral(`tenantry.${table}`)}, ${key}, ${tenant}, tenantry_done, tenantry_left, tenantry_wait, ${data});`;
}

/** Records something that has no place in the legacy tables. */
export function leaveSql(model: Model, table: string, key: string, tenant: string, what: string, data: string): string {
  return `perform tenantry.${backName(model, 'mark')}(${quoteLiteral(`tenantry.${table}`)}, ${key}, ${tenant}, '{}', ${what}, '{}', ${data});`;
}

/** The function that {@link markSql} calls. Each column is done, waits, or is left out: the last outcome counts. */
export function markFunctionSql(model: Model): string[] {
  const without = (column: string, others: readonly string[]): string =>
    `${column} = array(select unnest(c.${column} || excluded.${column}) except select unnest(${others.map((other) => `excluded.${other}`).join(' || ')}))`;
  return backFunctionSql(model, {
    name: backName(model, 'mark'),
    parameters: [
      ['tenantry_table', 'text'],
      ['tenantry_key', 'text'],
      ['tenantry_tenant', 'uuid'],
      ['tenantry_done', 'text[]'],
      ['tenantry_left', 'text[]'],
      ['tenantry_wait', 'text[]'],
      ['tenantry_data', 'json'],
    ],
    returns: 'void',
    declare: '',
    body: `if cardinality(tenantry_done || tenantry_left || tenantry_wait) = 0 then return; end if;
  insert into tenantry.migration_changes as c (migration, table_name, row_key, tenant_id, done, left_out, pending, row_data)
  values (${quoteLiteral(model.name)}, tenantry_table, tenantry_key, tenantry_tenant, tenantry_done, tenantry_left, tenantry_wait, tenantry_data)
  on conflict (migration, table_name, row_key) do update set ${without('done', ['left_out', 'pending'])},
    ${without('left_out', ['done', 'pending'])}, ${without('pending', ['done', 'left_out'])},
    tenant_id = excluded.tenant_id, row_data = excluded.row_data;`,
  });
}

/** An array of the names of what changed between OLD and NEW. */
export function changedSql(columns: readonly string[]): string {
  const each = columns.map(
    (column) => `case when OLD.${column} is distinct from NEW.${column} then ${quoteLiteral(column)} end`,
  );
  return `array_remove(array[${each.join(', ')}]::text[], null)`;
}

/** The condition that some columns differ between OLD and NEW. */
export function differSql(columns: readonly string[]): string {
  const row = (alias: string): string => `(${columns.map((column) => `${alias}.${column}`).join(', ')})`;
  return `${row('OLD')} is distinct from ${row('NEW')}`;
}
