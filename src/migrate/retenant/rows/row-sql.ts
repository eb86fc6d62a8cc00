import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { keyEquals, keyText } from '../../model.ts';
import type { RowColumn, RowReference, RowTable } from './table.ts';

/** Where it is written what becomes of rows; a plan has tables of its own that are dropped. */
export interface Ledger {
  readonly rows: string;
  readonly units: string;
  readonly ways: string;
}

/** The ledger of a run. */
export const ledger: Ledger = {
  rows: 'tenantry.retenant_rows',
  units: 'tenantry.retenant_units',
  ways: 'tenantry.retenant_ways',
};

/** Entries of the units at work: parameter 1 is the re-tenanting, parameter 2 the units. */
export const ofUnits = (alias: string): string => `${alias}.retenanting = $1 and ${alias}.unit = any($2::text[])`;

/** Entries of one table. */
export const ofTable = (alias: string, { name }: Pick<RowTable, 'name'>): string =>
  `${alias}.table_name = ${quoteLiteral(name)}`;

/** A row's key as one text. */
export const keyOfRow = (table: RowTable, alias: string): string => keyText(table.key, alias);

/** The row that an entry tells of, where it stood before. */
export const rowOfEntry = (table: RowTable, row: string, entry: string): string =>
  `${row}.${table.column} = ${entry}.old_tenant_id and ${keyEquals(table.key, row, `${entry}.old_key`)}`;

/** The row that an entry tells of, where it stands afterwards. */
export const rowAfterEntry = (table: RowTable, row: string, entry: string): string =>
  `${row}.${table.column} = ${entry}.new_tenant_id and ${keyEquals(table.key, row, `${entry}.new_key`)}`;

/** Whether a reference leads to the key of its parent, so that the parent itself need not be asked. */
export function leadsToKey({ parentColumns }: RowReference, parent: RowTable): boolean {
  return parent.key.length === parentColumns.length && parent.key.every(({ name }) => parentColumns.includes(name));
}

/** The key of the parent row to which a row refers, as one text; NULL where it refers to none. */
export function parentKey(reference: RowReference, parent: RowTable, alias: string): string {
  const { columns, parentColumns } = reference;
  const column = (name: string): string => `${alias}.${quoteIdentifier(columns[parentColumns.indexOf(name)] ?? '')}`;
  if (!leadsToKey(reference, parent)) {
    const on = columns.map(
      (name, place) => `q.${quoteIdentifier(parentColumns[place] ?? '')} = ${alias}.${quoteIdentifier(name)}`,
    );
    return `(select ${keyOfRow(parent, 'q')} from ${parent.sql} q where ${on.join(' and ')} limit 1)`;
  }
  const parts = parent.key.map(({ name }) => column(name));
  if (parts.length === 1) return `${parts[0]}::text`;
  return `case when ${parts.map((part) => `${part} is not null`).join(' and ')} then jsonb_build_array(${parts.join(', ')})::text end`;
}

/** The value of a column that refers to a parent, out of the parent's key as one text. */
export function referringValue(reference: RowReference, parent: RowTable, column: string, key: string): string {
  const name = reference.parentColumns[reference.columns.indexOf(column)] ?? '';
  const place = parent.key.findIndex((part) => part.name === name);
  return parent.key.length === 1 ? key : `(${key}::jsonb ->> ${place})`;
}

/** Columns by name, quoted and prefixed. */
export const listColumns = (columns: readonly RowColumn[], alias: string): string =>
  columns.map(({ name }) => `${alias}.${quoteIdentifier(name)}`).join(', ');

/** What stands in a row beside its tenant, as a number that can be summed up in any order. */
export const contentHash = (table: RowTable, alias: string): string =>
  `hashtextextended(row(${listColumns(table.columns, alias)})::text, 0)::numeric`;
