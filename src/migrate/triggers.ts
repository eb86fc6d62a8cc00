import { quoteIdentifier } from '../database/isolation-sql.ts';
import { createDerivedSql, dropDerivedSql, dropFollowStatements, followStatements } from './derived.ts';
import { dropLookupTriggerStatements, lookupTriggerStatements } from './lookup-trigger.ts';
import { defaultTenantSql, hasKey, isSource, type Model, type OwnTable, sameColumns, tenantOfRow } from './model.ts';
import { dropPartTriggerStatements } from './parts/triggers.ts';
import { dropDrainTriggerStatements } from './reverse/back-statements.ts';
import { derivedChangesStatements, dropDerivedChangesStatements } from './reverse/derived-changes.ts';
import { dropFillStatements } from './reverse/fill.ts';
import { sourceColumns, tenantIdSql } from './source-sql.ts';
import { dropSourceTriggerStatements, sourceTriggerStatements } from './source-trigger.ts';
import { byApplication, functionSql, objectName } from './trigger-sql.ts';

/** The sequence that counts writes of the application to a table while the migration watches it. */
export function writesSequence(model: Model, table: OwnTable): string {
  return `tenantry.${objectName(model, table.name, 'writes')}`;
}

/**
 * The statements that keep the tenant column of a table right while the old application writes: the column itself, a
 * trigger that fills it, one that carries a row's move to another tenant down to the rows below it, and one that counts
 * writes. All of them belong in one transaction, so that no write falls between the column and its trigger.
 */
export function dualWriteStatements(model: Model, table: OwnTable): string[] {
  const fill = objectName(model, table.name, 'fill');
  const count = objectName(model, table.name, 'count');
  const column = quoteIdentifier(model.column);
  const statements = [
    table.derivation === undefined
      ? `alter table ${table.sql} add column ${column} uuid`
      : createDerivedSql(model, table),
    `create sequence ${writesSequence(model, table)}`,
    functionSql(model, fill, '', fillBody(model, table)),
    `create trigger "~tenantry_fill" before insert or update on ${table.sql} for each row when (${byApplication})
      execute function tenantry.${fill}()`,
    ...lateStatements(model, table),
    functionSql(model, count, '', `perform nextval('${writesSequence(model, table)}'); return null;`),
    `create trigger tenantry_count after insert or update or delete or truncate on ${table.sql} for each statement
      when (${byApplication}) execute function tenantry.${count}()`,
  ];
  if (model.own.some((child) => child.via?.parent.name === table.name)) {
    statements.push(
      carrySql(model, table, table),
      `create trigger "A0_tenantry_carry" after update on ${table.sql} for each row
        when (OLD.${column} is distinct from NEW.${column} and (OLD.${column} is not null${ledAnew(table)}) and ${byApplication})
        execute function tenantry.${objectName(model, table.name, 'carry')}()`,
    );
  }
  if (table.via !== undefined) statements.push(carrySql(model, table.via.parent, table));
  if (table.name === model.source.name) statements.push(...sourceTriggerStatements(model));
  return [
    ...statements,
    ...lookupTriggerStatements(model, table),
    ...followStatements(model, table),
    ...derivedChangesStatements(model, table),
  ];
}

/**
 * The function that carries a move down to the rows below. Each of these tables puts itself in when it gets its column: a
 * write between two steps meets no column that is not there yet.
 */
function carrySql(model: Model, table: OwnTable, upTo: OwnTable): string {
  const column = quoteIdentifier(model.column);
  const there = model.own.slice(0, model.own.indexOf(upTo) + 1);
  const body = there
    .filter((child) => child.via?.parent.name === table.name)
    .map(
      (child) => `update ${child.sql} set ${column} = NEW.${column}
    where ${(child.via?.columns ?? []).map((name, place) => `${quoteIdentifier(name)} = NEW.${quoteIdentifier(child.via?.parentKey[place] ?? '')}`).join(' and ')};`,
    );
  return functionSql(model, objectName(model, table.name, 'carry'), '', `${body.join('\n  ')}\n  return null;`).replace(
    /^create function/,
    'create or replace function',
  );
}

/**
 * A row whose tenant is only filled in moves nowhere, and the rows below it wait for their own turn; one that leads
 * elsewhere than before takes them along, also when it led nowhere.
 */
function ledAnew({ via, leads }: OwnTable): string {
  const columns = (row: string): string =>
    (via?.columns ?? []).map((name) => `${row}.${quoteIdentifier(name)}`).join(', ');
  if (leads !== undefined) return ' or true';
  return via === undefined ? '' : ` or (${columns('OLD')}) is distinct from (${columns('NEW')})`;
}

/** The statements that take away what {@link dualWriteStatements} made, the column last. */
export function undoDualWriteStatements(model: Model, table: OwnTable): string[] {
  return [
    ...dropTriggerStatements(model, table),
    ...dropBackTriggerStatements(model, table),
    `drop sequence if exists ${writesSequence(model, table)}`,
    ...(table.derivation === undefined
      ? [`alter table ${table.sql} drop column if exists ${quoteIdentifier(model.column)}`]
      : dropDerivedSql(table)),
  ];
}

/** Takes the triggers away and leaves the column. */
export function dropTriggerStatements(model: Model, table: OwnTable): string[] {
  const triggers = ['~tenantry_fill', 'tenantry_count', 'A0_tenantry_carry', 'A0_tenantry_late'];
  const functions = ['fill', 'count', 'carry', 'late'].map((kind) => objectName(model, table.name, kind));
  return [
    ...triggers.map((trigger) => `drop trigger if exists ${quoteIdentifier(trigger)} on ${table.sql}`),
    ...functions.map((name) => `drop function if exists tenantry.${name}()`),
    ...(table.name === model.source.name ? dropSourceTriggerStatements(model) : []),
    ...dropLookupTriggerStatements(model, table),
    ...dropFollowStatements(model, table),
    ...dropPartTriggerStatements(model, table),
  ];
}

/** Takes the triggers of the way back away. */
export function dropBackTriggerStatements(model: Model, table: OwnTable): string[] {
  return [
    ...dropFillStatements(model, table),
    ...dropDrainTriggerStatements(table),
    ...dropDerivedChangesStatements(model, table),
  ];
}

/**
 * A row whose way to its tenant is only written after it, as a deferred foreign key allows, finds it before its
 * transaction ends. It costs nothing where the tenant is there already.
 */
function lateStatements(model: Model, table: OwnTable): string[] {
  if (isSource(table) || table.derivation !== undefined || (table.via === undefined && !hasKey(table))) return [];
  const name = objectName(model, table.name, 'late');
  const column = quoteIdentifier(model.column);
  const given = defaultTenantSql(model, table);
  const waits = table.references.some(
    ({ key }) => key.deferrable && sameColumns(key.columns, table.via?.columns ?? []),
  );
  const byDefault = given !== undefined && waits;
  const names = hasKey(table) ? table.key.map((part) => part.name) : (table.via?.columns ?? []);
  const mine = names.map((part) => `t.${quoteIdentifier(part)} = NEW.${quoteIdentifier(part)}`).join(' and ');
  const tenant = tenantOfRow(model, table, 't');
  const open = byDefault ? `(t.${column} is null or t.${column} = ${given})` : `t.${column} is null`;
  const body = `update ${table.sql} as t set ${column} = ${tenant} where ${mine} and ${open} and ${tenant} is distinct from t.${column};
  return null;`;
  return [
    functionSql(model, name, '', body),
    `create constraint trigger "A0_tenantry_late" after insert or update on ${table.sql} deferrable initially deferred for each row
      when (${byDefault ? '' : `NEW.${column} is null and `}${byApplication}) execute function tenantry.${name}()`,
  ];
}

/** A row gets its tenant when it has none, or when what it leads through changed and nobody set the tenant by hand. */
function fillBody(model: Model, table: OwnTable): string {
  const column = `NEW.${quoteIdentifier(model.column)}`;
  if (isSource(table)) {
    const group = `(select s.g from (${sourceColumns(model, '(select NEW.*)')}) as s)`;
    return `if ${column} is null then
    ${column} := coalesce(${tenantOfRow(model, table, 'NEW')}, ${tenantIdSql(model, group)});
  end if;
  return NEW;`;
  }
  const led = (row: 'NEW' | 'OLD'): string =>
    table.leads?.key(row) ??
    `(${(table.via?.columns ?? []).map((name) => `${row}.${quoteIdentifier(name)}`).join(', ')})`;
  const old = `OLD.${quoteIdentifier(model.column)}`;
  const tenant = tenantAtWrite(model, table);
  return `if TG_OP = 'INSERT' then
    if ${column} is null then ${column} := ${tenant}; end if;
  elsif ${column} is null or (${led('NEW')} is distinct from ${led('OLD')} and ${column} is not distinct from ${old}) then
    ${column} := ${tenant};
  end if;
  return NEW;`;
}

/**
 * The row above knows its tenant before the rest of the library does: one statement may write both, and the triggers that
 * come after a write fire when all of it is done.
 */
function tenantAtWrite(model: Model, table: OwnTable): string {
  const further = tenantOfRow(model, table, 'NEW');
  if (table.via === undefined) return further;
  const { columns, parent, parentKey } = table.via;
  const on = parentKey.map((key, place) => `p.${quoteIdentifier(key)} = NEW.${quoteIdentifier(columns[place] ?? '')}`);
  return `coalesce((select p.${quoteIdentifier(model.column)} from ${parent.sql} as p where ${on.join(' and ')}), ${further})`;
}
