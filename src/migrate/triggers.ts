import { createHash } from 'node:crypto';
import { quoteIdentifier, quoteLiteral } from '../database/isolation-sql.ts';
import { keyEquals, keyText, type Model, mapTable, type OwnTable, tenantOfRow } from './model.ts';
import { populateStatements } from './populate.ts';
import { keyIdSql, memberIdSql, sourceColumns, tenantIdSql } from './source-sql.ts';
import { dollarQuoted } from './sql-text.ts';

/** A short name that is the same for the same migration and table, within PostgreSQL's 63 bytes. */
export function objectName(model: Model, table: string, kind: string): string {
  const hash = createHash('sha256').update(`${model.name}:${model.schema}.${table}`).digest('hex').slice(0, 12);
  return `${kind}_${hash}`;
}

/** The sequence that counts writes of the application to a table while the migration watches it. */
export function writesSequence(model: Model, table: OwnTable): string {
  return `tenantry.${objectName(model, table.name, 'writes')}`;
}

/** Triggers do nothing for the migration's own statements, which say so for their transaction. */
const byApplication = `current_setting('tenantry.runner', true) is distinct from 'on'`;

/** Functions run as the owner of the migration, so that the old application needs no right on the library's tables. */
function functionSql(model: Model, name: string, declare: string, body: string): string {
  return `create function tenantry.${name}() returns trigger language plpgsql security definer
  set search_path = pg_catalog, ${quoteIdentifier(model.schema)}, pg_temp as ${dollarQuoted(`
  ${declare}
  begin
  ${body}
  end `)}`;
}

/**
 * The statements that keep the tenant column of a table right while the old application writes: the column itself, a
 * trigger that fills it, one that carries a row's move to another tenant down to the rows below it, and one that counts
 * writes. All of them belong in one transaction, so that no write falls between the column and its trigger.
 */
export function dualWriteStatements(model: Model, table: OwnTable): string[] {
  const fill = objectName(model, table.name, 'fill');
  const carry = objectName(model, table.name, 'carry');
  const count = objectName(model, table.name, 'count');
  const children = model.own.filter((child) => child.via?.parent.name === table.name);
  const column = quoteIdentifier(model.column);
  const statements = [
    `alter table ${table.sql} add column ${column} uuid`,
    `create sequence ${writesSequence(model, table)}`,
    functionSql(model, fill, '', fillBody(model, table)),
    `create trigger tenantry_fill before insert or update on ${table.sql} for each row when (${byApplication})
      execute function tenantry.${fill}()`,
    functionSql(model, count, '', `perform nextval('${writesSequence(model, table)}'); return null;`),
    `create trigger tenantry_count after insert or update or delete or truncate on ${table.sql} for each statement
      when (${byApplication}) execute function tenantry.${count}()`,
  ];
  if (children.length > 0) {
    const body = children.map(
      (child) => `update ${child.sql} set ${column} = NEW.${column}
    where ${(child.via?.columns ?? []).map((name, place) => `${quoteIdentifier(name)} = NEW.${quoteIdentifier(child.via?.parentKey[place] ?? '')}`).join(' and ')};`,
    );
    statements.push(
      functionSql(model, carry, '', `${body.join('\n  ')}\n  return null;`),
      `create trigger "A0_tenantry_carry" after update on ${table.sql} for each row
        when (OLD.${column} is distinct from NEW.${column} and OLD.${column} is not null and ${byApplication})
        execute function tenantry.${carry}()`,
    );
  }
  if (table.via === undefined) statements.push(...sourceStatements(model));
  return statements;
}

/** The statements that take away what {@link dualWriteStatements} made, the column last. */
export function undoDualWriteStatements(model: Model, table: OwnTable): string[] {
  return [
    ...dropTriggerStatements(model, table),
    `drop sequence if exists ${writesSequence(model, table)}`,
    `alter table ${table.sql} drop column if exists ${quoteIdentifier(model.column)}`,
  ];
}

/** Takes the triggers away and leaves the column. */
export function dropTriggerStatements(model: Model, table: OwnTable): string[] {
  const triggers = ['tenantry_fill', 'tenantry_count', 'A0_tenantry_carry', 'A0_tenantry_source'];
  const functions = ['fill', 'count', 'carry', 'source'].map((kind) => objectName(model, table.name, kind));
  return [
    ...triggers.map((trigger) => `drop trigger if exists ${quoteIdentifier(trigger)} on ${table.sql}`),
    ...functions.map((name) => `drop function if exists tenantry.${name}()`),
  ];
}

/** A row gets its tenant when it has none, or when what it leads through changed and nobody set the tenant by hand. */
function fillBody(model: Model, table: OwnTable): string {
  const column = `NEW.${quoteIdentifier(model.column)}`;
  if (table.via === undefined) {
    const group = `(select s.g from (${sourceColumns(model, '(select NEW.*)')}) as s)`;
    return `if ${column} is null then
    ${column} := coalesce(${tenantOfRow(model, table, 'NEW')}, ${tenantIdSql(model, group)});
  end if;
  return NEW;`;
  }
  const led = (row: 'NEW' | 'OLD'): string =>
    `(${(table.via?.columns ?? []).map((name) => `${row}.${quoteIdentifier(name)}`).join(', ')})`;
  const old = `OLD.${quoteIdentifier(model.column)}`;
  return `if TG_OP = 'INSERT' then
    if ${column} is null then ${column} := ${tenantOfRow(model, table, 'NEW')}; end if;
  elsif ${column} is null or (${led('NEW')} is distinct from ${led('OLD')} and ${column} is not distinct from ${old}) then
    ${column} := ${tenantOfRow(model, table, 'NEW')};
  end if;
  return NEW;`;
}

/**
 * A source row that the old application makes or changes makes or changes its tenant, member and key. Named so that it
 * fires before the checks of foreign keys, which look for the tenant.
 */
function sourceStatements(model: Model): string[] {
  const source = objectName(model, model.source.name, 'source');
  const migration = quoteLiteral(model.name);
  const key = (row: 'NEW' | 'OLD'): string => keyText(model.source.key, row);
  const digestOf = (row: 'NEW' | 'OLD'): string =>
    `(select s.digest from (${sourceColumns(model, `(select ${row}.*)`)}) as s)`;
  const revokeOld = `update tenantry.api_keys set revoked_at = coalesce(revoked_at, now())
      where tenant_id = its_tenant and id = ${keyIdSql(model, 'its_digest')};`;
  const stored = `(select * from ${model.source.sql} as x where ${keyEquals(model.source.key, 'x', 'r.source_key')})`;
  const makeMap = `insert into ${mapTable} (migration, source_key, group_key, tenant_id, member_key, rule)
    select ${migration}, s.k, s.g, NEW.${quoteIdentifier(model.column)}, coalesce((
        select r.member_key from ${mapTable} r
        where r.migration = ${migration} and r.tenant_id = NEW.${quoteIdentifier(model.column)}
          and exists (select 1 from (${sourceColumns(model, stored)}) as o where o.same = s.same)
        limit 1), s.k), s.rule
    from (${sourceColumns(model, '(select NEW.*)')}) as s where s.g is not null
    on conflict (migration, source_key) do nothing;`;
  const populate = populateStatements(model, 'm.tenant_id = its_tenant').map((statement) => `${statement.sql};`);
  const body = `if TG_OP <> 'INSERT' then
    its_digest := ${digestOf('OLD')};
    select m.tenant_id, m.member_key into its_tenant, its_member from ${mapTable} m where m.migration = ${migration} and m.source_key = ${key('OLD')};
  end if;
  if TG_OP = 'DELETE' then
    ${revokeOld}
    delete from ${mapTable} where migration = ${migration} and source_key = ${key('OLD')};
    update tenantry.members set status = 'removed' where tenant_id = its_tenant and id = ${memberIdSql(model, 'its_member')}
      and not exists (select 1 from ${mapTable} m where m.migration = ${migration} and m.tenant_id = its_tenant and m.member_key = its_member);
    update tenantry.organizations o set seats_taken = (select count(*) from tenantry.members a
      where a.tenant_id = its_tenant and a.status in ('active', 'pending')) where o.tenant_id = its_tenant;
    return null;
  end if;
  ${makeMap}
  select m.tenant_id into its_tenant from ${mapTable} m where m.migration = ${migration} and m.source_key = ${key('NEW')};
  ${populate.join('\n  ')}
  if TG_OP = 'UPDATE' and its_digest is distinct from ${digestOf('NEW')} then
    ${revokeOld}
  end if;
  return null;`;
  return [
    functionSql(model, source, 'declare its_tenant uuid; its_member text; its_digest text;', body),
    `create trigger "A0_tenantry_source" after insert or update or delete on ${model.source.sql} for each row
      when (${byApplication}) execute function tenantry.${source}()`,
  ];
}
