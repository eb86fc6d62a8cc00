/** A table whose rows belong to tenants. */
export interface OwnTable<Column extends string = string> {
  readonly kind: 'own';
  /** The column that holds the tenant. */
  readonly column: Column;
}

/** A table that all tenants read, such as countries or prices. */
export interface SharedTable<Writable extends boolean = boolean> {
  readonly kind: 'shared';
  /** Whether a tenant's scope may write to it. */
  readonly writable: Writable;
}

/** Whose rows a table holds. */
export type TableDeclaration = OwnTable | SharedTable;

/** Whose rows the tables of an application hold, by the names that its Kysely types give them. */
export type TableDeclarations = Readonly<Record<string, TableDeclaration | undefined>>;

/** The declarations that fit a database: its tables by name, with columns that they have. */
export type DeclarationsOf<DB> = {
  readonly [Table in keyof DB & string]?: OwnTable<keyof DB[Table] & string> | SharedTable;
};

/**
 * Declares a table as a tenant's own. Its rows carry the tenant in `tenant_id`, or in the column that is named.
 *
 * @example
 * ```ts
 * import { own } from 'tenantry/tenancy';
 *
 * own({ column: 'organization_id' }).column; // 'organization_id'
 * ```
 */
export function own(): OwnTable<'tenant_id'>;
export function own<const Column extends string>(options: { readonly column: Column }): OwnTable<Column>;
export function own({ column = 'tenant_id' }: { readonly column?: string } = {}): OwnTable {
  return { kind: 'own', column };
}

/**
 * Declares a table as shared: every tenant reads all of it. A scope refuses to write to it, unless it is declared
 * `writable`; what one tenant then writes, all others see.
 *
 * @example
 * ```ts
 * import { shared } from 'tenantry/tenancy';
 *
 * shared().writable; // false
 * ```
 */
export function shared(): SharedTable<false>;
export function shared<const Writable extends boolean>(options: { readonly writable: Writable }): SharedTable<Writable>;
export function shared({ writable = false }: { readonly writable?: boolean } = {}): SharedTable {
  return { kind: 'shared', writable };
}

/**
 * Holds declarations with their literal types, to be shared by several callers. A table in another schema is named
 * with it (`'audit.entries'`). A table that is not declared is refused by a scope.
 *
 * @example
 * ```ts
 * import { defineTables, own, shared } from 'tenantry/tenancy';
 *
 * const tables = defineTables({ projects: own(), notes: own({ column: 'organization_id' }), countries: shared() });
 * ```
 */
export function defineTables<const Tables extends TableDeclarations>(tables: Tables): Tables {
  return tables;
}
