import { createHash } from 'node:crypto';
import type { AnyDatabase } from '../../database/index.ts';
import { maintenanceState, movedState } from '../../database/moved-writes.ts';
import { execute } from '../sql-text.ts';
import { byApplication } from '../trigger-sql.ts';
import { partOf, type RowModel, type RowTable } from './rows/table.ts';

/*
 * Late writers: a request that found its tenant before it moved, and writes while or after it does. A row that is inserted
 * for a tenant takes a share of the lock on the tenant; it waits for a unit at work, and learns then where the tenant is.
 * What is led to one place goes there; everything else is refused with a clear error: nothing is written where nobody
 * would find it.
 */

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

const guardName = (kind: string, { column }: RowTable): string => `tenantry.retenant_${kind}_${shortHash(column)}`;

/** Counts the application's writes to a table since the guard stands. */
export const writesOf = ({ sql }: RowTable): string => `tenantry.retenant_writes_${shortHash(sql)}`;

const countName = ({ sql }: RowTable): string => `tenantry.retenant_count_${shortHash(sql)}`;

/** Puts the guard on every table, in one transaction. Every write waits for it once. */
export async function installGuard(tx: AnyDatabase, model: RowModel): Promise<void> {
  const { tables } = partOf(model, 'application');
  await execute(tx, standingSql);
  for (const table of tables) for (const statement of guardStatements(table)) await execute(tx, statement);
}

/** Takes the guard away, unless another re-tenanting needs it on a table. */
export async function removeGuard(tx: AnyDatabase, model: RowModel): Promise<void> {
  const { name, tables } = partOf(model, 'application');
  const others = await execute<{ count: string }>(
    tx,
    `select count(*)::text as count from tenantry.migrations where plan ->> 'kind' = 'retenanting' and name <> $1
and stage in ('moving', 'moved', 'rolling-back')`,
    [name],
  );
  if (others.rows[0]?.count !== '0') return;
  for (const table of tables) {
    for (const trigger of ['insert', 'write', 'session', 'count']) {
      await execute(tx, `drop trigger if exists tenantry_retenant_${trigger} on ${table.sql}`);
    }
    await execute(tx, `drop function if exists ${countName(table)}()`);
    await execute(tx, `drop sequence if exists ${writesOf(table)}`);
  }
  for (const table of tables) {
    for (const kind of ['insert', 'write']) await execute(tx, `drop function if exists ${guardName(kind, table)}()`);
  }
  await execute(tx, 'drop function if exists tenantry.retenant_session()');
  await execute(tx, 'drop function if exists tenantry.retenant_standing(uuid)');
}

const functionHead = 'language plpgsql security definer set search_path = pg_catalog, pg_temp';

/** Waits for a unit at work on a tenant, and tells where the tenant is then; refuses one that is nowhere to be written to. */
const standingSql = `create or replace function tenantry.retenant_standing(asked uuid) returns uuid ${functionHead} as $tenantry$
declare
  found uuid := asked;
  state text;
  place uuid;
  places integer;
begin
  for step in 1..64 loop
    select t.status into state from tenantry.tenants t where t.tenant_id = found for key share;
    if state is null then
      raise exception using errcode = '${movedState}', message = format('tenant_not_found: tenant %s is no more; find the tenant anew', asked);
    elsif state = 'maintenance' then
      raise exception using errcode = '${maintenanceState}', message = format('tenant_in_maintenance: tenant %s is being moved; try again in 5 seconds', asked);
    elsif state <> 'moved' then
      return found;
    end if;
    select count(distinct v.tenant_id), min(v.tenant_id::text)::uuid into places, place from tenantry.tenant_moves v where v.old_tenant_id = found;
    if places <> 1 then
      raise exception using errcode = '${movedState}', message = format('tenant_not_found: tenant %s went to several; find the tenant anew', asked);
    end if;
    found := place;
  end loop;
  return found;
end $tenantry$`;

function guardStatements(table: RowTable): string[] {
  const { sql, column } = table;
  const mine = `nullif(current_setting('tenantry.tenant_id', true), '')::uuid`;
  const [insert, write] = [guardName('insert', table), guardName('write', table)];
  return [
    `create or replace function ${insert}() returns trigger ${functionHead} as $tenantry$
declare place uuid := tenantry.retenant_standing(NEW.${column});
begin
  if place is distinct from NEW.${column} and ${mine} is not null then
    raise exception using errcode = '${movedState}', message = format('tenant_not_found: tenant %s moved to %s; find the tenant anew', NEW.${column}, place);
  end if;
  NEW.${column} := place;
  return NEW;
end $tenantry$`,
    // The row is locked by its writer already, so the tenant is only looked at: a unit that waits for the row must not be waited for.
    `create or replace function ${write}() returns trigger ${functionHead} as $tenantry$
begin
  if exists (select from tenantry.tenants t where t.tenant_id = OLD.${column} and t.status = 'maintenance') then
    raise exception using errcode = '${maintenanceState}', message = format('tenant_in_maintenance: tenant %s is being moved; try again in 5 seconds', OLD.${column});
  end if;
  if TG_OP = 'DELETE' then return OLD; end if;
  if NEW.${column} is distinct from OLD.${column} then NEW.${column} := tenantry.retenant_standing(NEW.${column}); end if;
  return NEW;
end $tenantry$`,
    `create or replace function tenantry.retenant_session() returns trigger ${functionHead} as $tenantry$
begin
  if ${mine} is not null and tenantry.retenant_standing(${mine}) <> ${mine} then
    raise exception using errcode = '${movedState}', message = format('tenant_not_found: tenant %s moved; find the tenant anew', ${mine});
  end if;
  return null;
end $tenantry$`,
    `create sequence if not exists ${writesOf(table)}`,
    `create or replace function ${countName(table)}() returns trigger ${functionHead} as $tenantry$
begin
  perform nextval('${writesOf(table)}');
  return null;
end $tenantry$`,
    ...[
      ['insert', 'before insert', 'row', insert],
      ['write', 'before update or delete', 'row', write],
      ['session', 'before update or delete', 'statement', 'tenantry.retenant_session'],
      ['count', 'after insert or update or delete or truncate', 'statement', countName(table)],
    ].map(
      ([name, when, each, called]) =>
        `create or replace trigger tenantry_retenant_${name} ${when} on ${sql} for each ${each} when (${byApplication}) execute function ${called}()`,
    ),
  ];
}
