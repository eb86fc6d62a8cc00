import { createHash } from 'node:crypto';
import { quoteIdentifier } from '../database/isolation-sql.ts';
import type { Model } from './model.ts';
import { dollarQuoted } from './sql-text.ts';

/** A short name that is the same for the same migration and table, within PostgreSQL's 63 bytes. */
export function objectName(model: Model, table: string, kind: string): string {
  const hash = createHash('sha256').update(`${model.name}:${model.schema}.${table}`).digest('hex').slice(0, 12);
  return `${kind}_${hash}`;
}

/** Triggers do nothing for the migration's own statements, which say so for their transaction. */
export const byApplication = `current_setting('tenantry.runner', true) is distinct from 'on'`;

/** Which way a trigger function writes: legacy rows into the library's tables, or back. */
type Flow = 'forward' | 'reverse';

/**
 * The search path of a trigger function. It says at its end which way the function writes, by the name of a schema that
 * does not exist: PostgreSQL lets only a superuser attach a setting of one's own to a function, and what is attached ends
 * with the function, also when it fails.
 */
export function flowPathSql(model: Model, flow: Flow): string {
  return `set search_path = pg_catalog, ${quoteIdentifier(model.schema)}, pg_temp, tenantry_flows_${flow}`;
}

/** Writes that a trigger of the migration makes do not come back. */
export const byOldApplication = `${byApplication} and position('tenantry_flows_reverse' in current_setting('search_path')) = 0`;

/** What the new application writes itself, neither a trigger nor the migration. */
export const byNewApplication = `${byApplication} and position('tenantry_flows_' in current_setting('search_path')) = 0`;

/**
 * A trigger function. It runs as the owner of the migration, so that the old application needs no right on the library's
 * tables.
 */
export function functionSql(model: Model, name: string, declare: string, body: string): string {
  return `create function tenantry.${name}() returns trigger language plpgsql security definer
  ${flowPathSql(model, 'forward')} as ${dollarQuoted(`
  ${declare}
  begin
  ${body}
  end `)}`;
}
