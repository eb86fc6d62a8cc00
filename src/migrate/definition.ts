import type { RawBuilder } from 'kysely';
import type { Strategy } from '../tenancy/index.ts';

/** A column of the source table, or SQL over its columns. SQL may hold plain values as parameters. */
export type SourceExpression<Column extends string = string> = Column | RawBuilder<unknown>;

/** What to do with rows that lead to no tenant. */
export type UnresolvedPolicy =
  | { readonly kind: 'fail' }
  | { readonly kind: 'quarantine' }
  | {
      readonly kind: 'default-tenant';
      /** The key of the source row whose tenant it is; `tenants.fallback` when absent. */
      readonly sourceKey?: string;
    };

/** A tenant that the migration makes beside those of the source rows. */
export interface FallbackTenant {
  readonly name: string;
  /** Made from the name when absent. */
  readonly slug?: string;
  /** The plan of all others when absent. */
  readonly plan?: string;
}

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

/**
 * A table whose rows find their tenant through a table that says which value belongs to which source row, such as the
 * domains of companies.
 */
export interface LookupRule<Column extends string = string> {
  readonly kind: 'lookup';
  readonly column: Column;
  /** The table that is asked; it may be of any kind. */
  readonly table: string;
  /** The column of it that is compared with `column`. */
  readonly key: string;
  /** The column of it that holds the key of a source row. */
  readonly gives: string;
  readonly unresolved: UnresolvedPolicy;
}

/** A table whose rows find their tenant by SQL over their own columns, whose value is the key of a source row. */
export interface SqlRule {
  readonly kind: 'sql';
  readonly sourceKey: RawBuilder<unknown>;
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
export type TableRule<Column extends string = string> =
  | ViaRule<Column>
  | LookupRule<Column>
  | SqlRule
  | SharedRule
  | UntouchedRule;

/** The rule of a table that tenants own. */
export type OwnRule<Column extends string = string> = ViaRule<Column> | LookupRule<Column> | SqlRule;

/**
 * A table that the migration makes and fills from the rows of others, and keeps right while the old application writes:
 * what belonged to an organization for each of its users, for example.
 */
export interface DerivedTable {
  /** The columns and their types, such as `{ user_id: 'bigint', package_id: 'bigint', since: 'timestamptz' }`. */
  readonly columns: { readonly [column: string]: string };
  /** The columns of its primary key. */
  readonly key: readonly string[];
  /** Whose its rows are. */
  readonly tenant: OwnRule;
  /** A SELECT of exactly these columns from the legacy tables. */
  readonly select: RawBuilder<unknown>;
  /**
   * The tables that the SELECT reads and whose writes it must follow, each with what ties its rows to the derived ones:
   * `{ users: { id: 'user_id' } }` says that a row of users concerns the rows with its id as their user_id.
   */
  readonly follows: { readonly [table: string]: { readonly [column: string]: string } };
}

/** Statements of the application's own, run within a stage and taken back with it: new tables, new columns, first rows. */
export interface Addition {
  /** Names the step, such as `voucher-types`. */
  readonly name: string;
  readonly stage: 'expand' | 'backfill' | 'enforce' | 'switch' | 'contract';
  readonly sql: readonly (string | RawBuilder<unknown>)[];
  readonly undo: readonly (string | RawBuilder<unknown>)[];
  /**
   * Tables that it makes. A table of the tenants' own has the tenant column; the enforce stage puts row-level security
   * on it. What stands in such tables when the addition is taken back is kept in quarantine.
   */
  readonly creates?: { readonly [table: string]: 'own' | 'shared' };
  /** Columns that it adds to legacy tables; they are no part of what the migration conserves. */
  readonly adds?: { readonly [table: string]: readonly string[] };
  /**
   * Legacy tables of which it changes something else, such as a NOT NULL or a column that goes: from then on that is no
   * drift.
   */
  readonly changes?: readonly string[];
}

/** How the roles of the members of one tenant are found. */
export type RoleRule<Column extends string = string> =
  | { readonly kind: 'first-is-owner'; readonly by: Column; readonly others: string }
  | {
      readonly kind: 'expression';
      readonly role: SourceExpression<Column>;
      /** By what the oldest member is found, who becomes owner where nobody is said to be; the primary key when absent. */
      readonly by?: Column;
    };

/** Which source rows make one tenant. */
export interface TenantSource<Source extends string, Column extends string> {
  readonly source: Source;
  /** Rows with the same value belong to the same tenant; the first that is present (not NULL, not blank) decides. */
  readonly sameTenant: readonly SourceExpression<Column>[];
  /** The name of the tenant, taken from its oldest row. */
  readonly name: SourceExpression<Column>;
  /** The slug of the organization, taken from its oldest row; made from the name when absent. */
  readonly slug?: SourceExpression<Column>;
  readonly provider?: {
    /** The provider's id of the customer. */
    readonly customerId: SourceExpression<Column>;
    /** The provider's word for the state of the subscription. */
    readonly status?: SourceExpression<Column>;
  };
  /**
   * An organization for rows that lead to no other, where no source row could be its beginning. It is made also when no
   * row needs it; tables lead there by `defaultTenant()`.
   */
  readonly fallback?: FallbackTenant;
}

/**
 * Which rows make members. The table is the source of the tenants, or any other that tenants own: its rows then belong to
 * the tenant that its rule leads to.
 */
export interface MemberSource<Source extends string, Column extends string> {
  readonly source: Source;
  /** The application's id of the user. */
  readonly userId: SourceExpression<Column>;
  readonly email?: SourceExpression<Column>;
  readonly name?: SourceExpression<Column>;
  /** `active`, `pending` or `suspended`; everybody is active when absent. */
  readonly status?: SourceExpression<Column>;
  /** Rows of one tenant with the same value are one person; each row is a person of its own when absent. */
  readonly sameMember?: SourceExpression<Column>;
  readonly role: RoleRule<Column>;
}

/** Which rows carry an API key. Rows without a digest carry none. */
export interface ApiKeySource<Source extends string, Column extends string> {
  readonly source: Source;
  readonly digest: SourceExpression<Column>;
  readonly scheme: 'sha256-hex' | 'sha256-base64';
  /**
   * What happens to rows that hold the same key, which opens one door only: `fail`, the default, refuses the plan;
   * otherwise the row with the newest or oldest `createdAt` keeps it, and the others are recorded in quarantine. While
   * the old application runs, the row that held a key first keeps it.
   */
  readonly onConflict?: 'fail' | 'keep-newest' | 'keep-oldest';
  /** The beginning of the key that may be shown. */
  readonly start: SourceExpression<Column>;
  /** The user whose key it is, as `members.userId` gives it; the row's own member when both have one source. */
  readonly userId?: SourceExpression<Column>;
  readonly name?: SourceExpression<Column>;
  readonly createdAt?: SourceExpression<Column>;
  readonly expiresAt?: SourceExpression<Column>;
  readonly revokedAt?: SourceExpression<Column>;
  readonly lastUsedAt?: SourceExpression<Column>;
}

/** Which rows are subscriptions. The most alive one of a tenant says how its subscription stands; all ids are kept. */
export interface SubscriptionSource<Source extends string, Column extends string> {
  readonly source: Source;
  /** The provider's word for its state. */
  readonly status: SourceExpression<Column>;
  /** The provider's id of the customer. */
  readonly customerId?: SourceExpression<Column>;
  /** The provider's id of the subscription. */
  readonly subscriptionId?: SourceExpression<Column>;
}

/** Which rows grant one member a permission beyond the role. */
export interface GrantSource<Source extends string, Column extends string> {
  readonly source: Source;
  /** The user to whom it is granted, as `members.userId` gives it. */
  readonly userId: SourceExpression<Column>;
  readonly permission: SourceExpression<Column>;
  readonly grantedBy?: SourceExpression<Column>;
  readonly grantedAt?: SourceExpression<Column>;
  readonly expiresAt?: SourceExpression<Column>;
}

/** Which rows tell of something that happened, and become entries of the tenant's audit trail. */
export interface AuditSource<Source extends string, Column extends string> {
  readonly source: Source;
  readonly action: SourceExpression<Column>;
  readonly occurredAt: SourceExpression<Column>;
  /** The application's id of the user who did it. */
  readonly actorId?: SourceExpression<Column>;
  readonly targetType?: SourceExpression<Column>;
  readonly targetId?: SourceExpression<Column>;
  /** A JSON object. */
  readonly metadata?: SourceExpression<Column>;
}

/** A part made from any one table of the database, with its columns checked. */
export type FromTable<DB, Part extends 'member' | 'key' | 'subscription' | 'grant' | 'audit'> = {
  [Table in keyof DB & string]: {
    member: MemberSource<Table, keyof DB[Table] & string>;
    key: ApiKeySource<Table, keyof DB[Table] & string>;
    subscription: SubscriptionSource<Table, keyof DB[Table] & string>;
    grant: GrantSource<Table, keyof DB[Table] & string>;
    audit: AuditSource<Table, keyof DB[Table] & string>;
  }[Part];
}[keyof DB & string];

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
  readonly members?: FromTable<DB, 'member'>;
  readonly apiKeys?: FromTable<DB, 'key'>;
  readonly subscriptions?: FromTable<DB, 'subscription'>;
  readonly grants?: FromTable<DB, 'grant'>;
  readonly audit?: FromTable<DB, 'audit'>;
  /** Whose every other table is. */
  readonly tables: { readonly [Table in Exclude<keyof DB & string, Source>]: TableRule<keyof DB[Table] & string> };
  /** Tables that the migration makes from the rows of others. */
  readonly derived?: { readonly [table: string]: DerivedTable };
  /** The application's own statements, in the order in which each stage runs them. */
  readonly additions?: readonly Addition[];
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
  readonly subscriptions?: SubscriptionSource<string, string>;
  readonly grants?: GrantSource<string, string>;
  readonly audit?: AuditSource<string, string>;
  readonly tables: { readonly [table: string]: TableRule };
  readonly derived?: { readonly [table: string]: DerivedTable };
  readonly additions?: readonly Addition[];
  readonly contract?: { readonly archive?: readonly string[] };
}
