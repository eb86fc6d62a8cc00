import type {
  ColumnType,
  InsertType,
  Kysely,
  KyselyTypeError,
  QueryExecutorProvider,
  SelectType,
  Transaction,
} from 'kysely';
import type { OwnTable, SharedTable, TableDeclarations } from './tables.ts';

/** A row of a tenant's own table within a scope: the tenant's column may be left out of an insert, and is never set. */
export type ScopedRow<Row, Column> = {
  [Name in keyof Row]: Name extends Column
    ? ColumnType<SelectType<Row[Name]>, InsertType<Row[Name]> | undefined, never>
    : Row[Name];
};

/** A row that is only read: no value fits its columns in an insert, and an update knows none of them. */
export type ReadonlyRow<Row> = {
  [Name in keyof Row]: ColumnType<SelectType<Row[Name]>, KyselyTypeError<'a shared table that is not writable'>, never>;
};

/** A row of a declared table within a scope: scoped, free, or only read. */
export type DeclaredRow<Row, Declaration> =
  Declaration extends OwnTable<infer Column>
    ? ScopedRow<Row, Column>
    : Declaration extends SharedTable<true>
      ? Row
      : ReadonlyRow<Row>;

/** Declarations that name tables of the database and no others. */
export type DeclaredTables<DB, Tables> = Tables & { readonly [Name in Exclude<keyof Tables, keyof DB>]: never };

/**
 * The tables of an application as a tenant's scope sees them: those that are declared, or all of the application's own
 * where nothing is declared.
 */
export type ScopedDatabase<DB, Tables extends TableDeclarations | undefined> = Tables extends TableDeclarations
  ? { [Table in keyof DB & keyof Tables]: DeclaredRow<DB[Table], Tables[Table]> }
  : { [Table in Exclude<keyof DB, `tenantry.${string}`>]: ScopedRow<DB[Table], 'tenant_id'> };

/** What a tenant's scope offers of Kysely: queries, and nothing that would leave the tenant. */
export interface TenantQueries<Scoped>
  extends QueryExecutorProvider,
    Pick<
      Kysely<Scoped>,
      | 'selectFrom'
      | 'selectNoFrom'
      | 'insertInto'
      | 'updateTable'
      | 'deleteFrom'
      | 'with'
      | 'withRecursive'
      | 'fn'
      | 'dynamic'
    > {
  /** The tenant to whom all queries are kept. */
  readonly tenantId: string;
}

/** The queries of one tenant. */
export type TenantDb<DB, Tables extends TableDeclarations | undefined = undefined> = TenantQueries<
  ScopedDatabase<DB, Tables>
>;

/** A transaction of one tenant, whose queries carry the tenant's predicate. */
export type TenantTransaction<DB, Tables extends TableDeclarations | undefined = undefined> = Transaction<
  ScopedDatabase<DB, Tables>
>;
