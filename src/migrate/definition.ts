import type { RawBuilder } from 'kysely';
import type { Strategy } from '../tenancy/index.ts';

/** A column of the source table, or SQL over its columns. SQL may hold plain values as parameters. */
export type SourceExpression<Column extends string = string> = Column | RawBuilder<unknown>;

/** What to do with rows that lead to no tenant. */
export type UnresolvedPolicy =
  | { readonly kind: 'fail' }
  | { readonly kind: 'quarantine' }
  | { readonly kind: 'default-tenant'; readonly sourceKey: string };

/** A table whose rows find their tenant through one of their columns, or through the columns of a composite key. */
export interface ViaRule<Column extends string = string> {
  readonly kind: 'via';
  readonly column: Column | readonly Column[];
  /** The table that the column leads to; read from the foreign key, or the source of the tenants, when absent. */
  readonly to?: string;
  /** What of that table is compared, in the order of `column`; its primary key when absent. */
  readonly key?: string | readonly string[];
  readonly unresolved: UnresolvedPolicy;
}

/** A table that belongs to no tenant and that all of them read. */
export interface SharedRule {
  readonly kind: 'shared';
}

/** A table that the migration leaves as it is and that no tenant reads. */
export interface UntouchedRule {
  readonly kind: 'untouched';
}

/** Whose a table is. */
export type TableRule<Column extends string = string> = ViaRule<Column> | SharedRule | UntouchedRule;

/** How the roles of the members of one tenant are found. */
export type RoleRule<Column extends string = string> =
  | { readonly kind: 'first-is-owner'; readonly by: Column; readonly others: string }
  | { readonly kind: 'expression'; readonly role: SourceExpression<Column> };

/** Which source rows make one tenant. */
export interface TenantSource<Source extends string, Column extends string> {
  readonly source: Source;
  /** Rows with the same value belong to the same tenant; the first that is present (not NULL, not blank) decides. */
  readonly sameTenant: readonly SourceExpression<Column>[];
  /** The name of the tenant, taken from its oldest row. */
  readonly name: SourceExpression<Column>;
  readonly provider?: {
    /** The provider's id of the customer. */
    readonly customerId: SourceExpression<Column>;
    /** The provider's word for the state of the subscription. */
    readonly status?: SourceExpression<Column>;
  };
}

/** Which source rows make members. */
export interface MemberSource<Source extends string, Column extends string> {
  readonly source: Source;
  /** The application's id of the user. */
  readonly userId: SourceExpression<Column>;
  readonly email?: SourceExpression<Column>;
  readonly name?: SourceExpression<Column>;
  /** Rows of one tenant with the same value are one person; each row is a person of its own when absent. */
  readonly sameMember?: SourceExpression<Column>;
  readonly role: RoleRule<Column>;
}

/** Which source rows carry an API key. Rows without a digest carry none. */
export interface ApiKeySource<Source extends string, Column extends string> {
  readonly source: Source;
  readonly digest: SourceExpression<Column>;
  readonly scheme: 'sha256-hex' | 'sha256-base64';
  /** The beginning of the key that may be shown. */
  readonly start: SourceExpression<Column>;
  readonly createdAt?: SourceExpression<Column>;
  readonly revokedAt?: SourceExpression<Column>;
  readonly lastUsedAt?: SourceExpression<Column>;
}

/** A migration as data: from which rows tenants are made, and how every table finds its tenant. */
export interface MigrationDefinition<
  DB = Record<string, Record<string, unknown>>,
  Source extends keyof DB & string = keyof DB & string,
> {
  /** Names the migration in the database; also the namespace of the identifiers that it makes. */
  readonly name: string;
  readonly from: Strategy;
  readonly to: Strategy;
  /** The schema of the legacy tables; `public` when absent. */
  readonly schema?: string;
  /** The name of the tenant column that tables get; `tenant_id` when absent. */
  readonly column?: string;
  readonly tenants: TenantSource<Source, keyof DB[Source] & string>;
  readonly members?: MemberSource<Source, keyof DB[Source] & string>;
  readonly apiKeys?: ApiKeySource<Source, keyof DB[Source] & string>;
  /** Whose every other table is. */
  readonly tables: { readonly [Table in Exclude<keyof DB & string, Source>]: TableRule<keyof DB[Table] & string> };
  readonly contract?: {
    /** Tables that the contract stage moves to the schema `tenantry_archive`. */
    readonly archive?: readonly (keyof DB & string)[];
  };
}

/** A definition whose literal types were checked already; what the engine reads. */
export interface AnyMigration {
  readonly name: string;
  readonly from: Strategy;
  readonly to: Strategy;
  readonly schema?: string;
  readonly column?: string;
  readonly tenants: TenantSource<string, string>;
  readonly members?: MemberSource<string, string>;
  readonly apiKeys?: ApiKeySource<string, string>;
  readonly tables: { readonly [table: string]: TableRule };
  readonly contract?: { readonly archive?: readonly string[] };
}
