import type { CatalogueColumn } from '../../catalogue.ts';
import type { OwnRowRule, UniquePolicy } from '../definition.ts';
import type { LibraryRule } from './library-rules.ts';

/** A unique key of a tenant's rows. */
export interface RowUnique {
  /** Its columns without the tenant's, or the name of its index where it is made of expressions. */
  readonly name: string;
  /** The name of its index. */
  readonly index: string;
  /** SQL over the bare columns of the table. */
  readonly parts: readonly string[];
  /** SQL over the bare columns: the rows that it is about. */
  readonly condition: string | null;
  /** Rows without a value stand side by side, unless this says otherwise. */
  readonly nullsEqual: boolean;
  readonly policy: UniquePolicy | PreferPolicy;
}

/** Of rows of the library: the row that comes takes over when SQL over it, `x`, and the target's row, `o`, says so. */
export interface PreferPolicy {
  readonly prefer: string;
}

/** A reference from rows to rows of the same tenant, without the tenant's column. */
export interface RowReference {
  readonly columns: readonly string[];
  readonly parent: string;
  readonly parentColumns: readonly string[];
  /** Whether the columns may be emptied. */
  readonly nullable: boolean;
  readonly crossing: 'fail' | 'clear';
}

/** A column of an application's table, with what makes its value. */
export interface RowColumn extends CatalogueColumn {
  /** SQL that gives a new value, where there is one. */
  readonly fresh: string | null;
}

/** A table that tenants own, as the database has it and with its rule. */
export interface RowTable {
  readonly name: string;
  /** Its quoted name with the schema. */
  readonly sql: string;
  /** The tenant column, quoted. */
  readonly column: string;
  /** What tells the rows of one tenant apart. */
  readonly key: readonly RowColumn[];
  /** Whether the key alone tells rows of all tenants apart. */
  readonly globalKey: boolean;
  /** All columns but the tenant's. */
  readonly columns: readonly RowColumn[];
  readonly uniques: readonly RowUnique[];
  readonly references: readonly RowReference[];
  readonly rule: OwnRowRule;
  /** How a row that follows another refers to it. */
  readonly follows: RowReference | null;
  /** Triggers of the application that fire when a row is written. */
  readonly triggers: readonly string[];
  /** How a table of the library itself is carried; null for the application's. */
  readonly library: LibraryRule | null;
}

/** All tables of a re-tenanting, each after those that it follows. */
export interface RowModel {
  readonly name: string;
  readonly schema: string;
  /** The library's first, then the application's. */
  readonly tables: readonly RowTable[];
  /** Tables whose rows are decided over elsewhere: others refer to them. */
  readonly people: readonly RowTable[];
  /** Whether the tenants afterwards have no members. */
  readonly memberless: boolean;
  /** Whether everybody begins to use anew. */
  readonly anew: boolean;
  /** Tables of the library, with their names, of which nobody knows how they are carried. */
  readonly unknown: readonly RowTable[];
  /** Tables of the library that stay with a tenant, whatever becomes of it. */
  readonly staying: readonly RowTable[];
}

/** The part of a model that is the application's, or the library's. */
export function partOf(model: RowModel, whose: 'application' | 'library'): RowModel {
  return { ...model, tables: model.tables.filter(({ library }) => (library === null) === (whose === 'application')) };
}

/** The table of a name. */
export function tableOf(model: RowModel, name: string): RowTable {
  const table = [...model.tables, ...model.people].find((candidate) => candidate.name === name);
  if (table === undefined) throw new TypeError(`"${name}" is no table of the re-tenanting`);
  return table;
}
