import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { keyEquals, type Model, type OwnTable } from '../model.ts';
import { byNewApplication, objectName } from '../trigger-sql.ts';
import { backFunctionSql } from './back-sql.ts';
import { firstRowSql } from './first-row.ts';

/** The legacy columns by which a row names a source row, where the tenant alone can say what they are. */
export interface Link {
  readonly table: OwnTable;
  readonly columns: readonly { readonly name: string; readonly sourceColumn: string; readonly relaxed: boolean }[];
}

/** The link of a table; undefined where a row leads to its tenant by another way than one step to the source. */
export function linkOf(model: Model, table: OwnTable): Link | undefined {
  if (table.derivation !== undefined || table.via === undefined || table.via.parent.name !== model.source.name)
    return undefined;
  const { via } = table;
  const columns = via.columns.map((name, place) => {
    const column = table.table.columns.find((candidate) => candidate.name === name);
    const inKey = table.key.some((part) => part.name === name);
    return { name, sourceColumn: via.parentKey[place] ?? '', relaxed: column?.notNull === true && !inKey };
  });
  return { table, columns };
}

/** All links of a migration. */
export function linksOf(model: Model): Link[] {
  return model.own.map((table) => linkOf(model, table)).filter((link) => link !== undefined);
}

/** The condition that a row names no source row. */
export function unlinkedSql({ columns }: Link, alias: string): string {
  return `(${columns.map(({ name }) => `${alias}.${quoteIdentifier(name)} is null`).join(' or ')})`;
}

function fillName(model: Model, { table }: Link): string {
  return objectName(model, table.name, 'back');
}

/**
 * The function that gives a row of the new application, which knows its tenant alone, the legacy columns that lead there.
 * On the way back it refuses rows that lead nowhere: what it let in then would be lost with the tenant column.
 */
export function fillFunctionSql(model: Model, link: Link, strict: boolean): string[] {
  const tenant = `NEW.${quoteIdentifier(model.column)}`;
  const values = link.columns.map(
    ({ name, sourceColumn }) =>
      `NEW.${quoteIdentifier(name)} := (select x.${quoteIdentifier(sourceColumn)} from ${model.source.sql} as x where ${keyEquals(model.source.key, 'x', 'tenantry_row')});`,
  );
  const refuse = `if ${unlinkedSql(link, 'NEW')} then
    raise exception using errcode = 'object_not_in_prerequisite_state', message = ${quoteLiteral(`tenantry: ${model.name} is being taken back, and the old shape has no place for rows of this tenant`)};
  end if;`;
  return backFunctionSql(model, {
    name: fillName(model, link),
    parameters: [],
    returns: 'trigger',
    patient: true,
    declare: 'tenantry_row text;',
    body: `tenantry_row := ${firstRowSql(model, tenant)};
  ${values.join('\n  ')}
  ${strict ? refuse : ''}
  return NEW;`,
  });
}

/** Fires before the trigger that finds the tenant of a row: rows that it gives a default tenant stay as they were written. */
export function fillStatements(model: Model, link: Link): string[] {
  const column = quoteIdentifier(model.column);
  const led = (row: string): string =>
    `(${link.columns.map(({ name }) => `${row}.${quoteIdentifier(name)}`).join(', ')})`;
  const name = fillName(model, link);
  return [
    ...fillFunctionSql(model, link, false),
    `create trigger tenantry_back_insert before insert on ${link.table.sql} for each row
      when (${byNewApplication} and NEW.${column} is not null and ${unlinkedSql(link, 'NEW')}) execute function tenantry.${name}()`,
    `create trigger tenantry_back_move before update on ${link.table.sql} for each row
      when (${byNewApplication} and OLD.${column} is not null and NEW.${column} is not null and OLD.${column} <> NEW.${column}
        and ${led('OLD')} is not distinct from ${led('NEW')}) execute function tenantry.${name}()`,
  ];
}

/** Takes away what {@link fillStatements} made. */
export function dropFillStatements(model: Model, table: OwnTable): string[] {
  const link = linkOf(model, table);
  if (link === undefined) return [];
  return [
    `drop trigger if exists tenantry_back_insert on ${table.sql}`,
    `drop trigger if exists tenantry_back_move on ${table.sql}`,
    `drop function if exists tenantry.${fillName(model, link)}()`,
  ];
}
