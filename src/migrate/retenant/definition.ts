import type { RawBuilder } from 'kysely';
import type { Strategy, StrategyName } from '../../tenancy/index.ts';
import type { SharedRule, SourceExpression, UntouchedRule } from '../definition.ts';
import type { PeoplePolicies, PeopleUser } from './people/index.ts';

/**
 * How two rows are settled that cannot stand side by side at the target. `fail`: the plan tells, and nothing is done.
 * `keepTarget`: the target's row stays, and what referred to the other refers to it. `keepNewest`: the target's row stays
 * and takes over what the other says when that is newer by a column. `suffix`: the row that comes gets a number behind a
 * text, `logo-2`. `renumber`: it gets the next whole number of the target. `sum`: the amounts are added to the target's row.
 */
export type UniquePolicy =
  | 'fail'
  | 'keepTarget'
  | { readonly keepNewest: string }
  | { readonly suffix: string }
  | { readonly renumber: string }
  | { readonly sum: readonly string[] };

/** What can be said of every table that tenants own. */
export interface RowOptions {
  /** The column that holds the tenant, where it is another than the definition's. */
  readonly column?: string;
  /** What tells the rows of one tenant apart, where there is no primary key. */
  readonly key?: readonly string[];
  /**
   * For each unique key of a tenant, by its columns without the tenant's (`'slug'`, `'meter, period'`) or the name of its
   * index: what happens where two rows have the same. `fail` where nothing is said.
   */
  readonly uniques?: Readonly<Record<string, UniquePolicy>>;
  /**
   * For references, by their columns: `clear` empties one that would lead to another tenant afterwards. Such a reference is
   * refused where nothing is said.
   */
  readonly references?: Readonly<Record<string, 'fail' | 'clear'>>;
}

/** The rows of a user go where the user goes; those of nobody to the first target. */
export interface OfUserRule<Column extends string = string> extends RowOptions {
  readonly kind: 'user';
  readonly user: SourceExpression<Column>;
}

/** The rows name the key of a target themselves. */
export interface OfTargetRule<Column extends string = string> extends RowOptions {
  readonly kind: 'target';
  readonly target: SourceExpression<Column>;
}

/** The rows go where the row goes to which they refer; those that refer to none to the first target. */
export interface FollowsRule<Column extends string = string> extends RowOptions {
  readonly kind: 'follows';
  readonly columns: readonly Column[];
  /** The table they refer to, where there is no foreign key that says it. */
  readonly to?: string;
  /** Of rows that stand under each other in one table: where those go that stand under none; to the first target when absent. */
  readonly roots?: OfUserRule<Column> | OfTargetRule<Column>;
}

/** Every target of a split gets the rows: one has the originals, the others copies. */
export interface CopiedRule extends RowOptions {
  readonly kind: 'copied';
  /** SQL that makes the key of a copy, where the key is no UUID and has no default. */
  readonly newKey?: RawBuilder<unknown>;
}

/** The rows go to the first target, all together. */
export interface WholeRule extends RowOptions {
  readonly kind: 'whole';
}

/** The rule of a table that tenants own. */
export type OwnRowRule<Column extends string = string> =
  | OfUserRule<Column>
  | OfTargetRule<Column>
  | FollowsRule<Column>
  | CopiedRule
  | WholeRule;

/** How the rows of a table find their tenant. */
export type RowRule<Column extends string = string> = OwnRowRule<Column> | SharedRule | UntouchedRule;

/** A tenant that rows go to. */
export interface Destination {
  /** A name of the target within the definition, by which rows choose it. */
  readonly key?: string;
  /** The tenant, where it exists; one is made when absent. */
  readonly tenantId?: string;
  readonly name?: string;
  readonly plan?: string;
  readonly slug?: string;
  /** Who goes there. */
  readonly users?: readonly PeopleUser[];
}

/** Tenants end in another. */
export interface MergeTenants {
  readonly kind: 'merge';
  readonly from: readonly string[];
  readonly into: Destination;
}

/** One tenant becomes several. */
export interface SplitTenant {
  readonly kind: 'split';
  readonly from: string;
  /** At least one; the first gets everybody and everything that is named nowhere. */
  readonly into: readonly Destination[];
}

/** Rows of one tenant, and what follows them, go to another; both stay. */
export interface MoveRows {
  readonly kind: 'move';
  readonly from: string;
  readonly to: Destination;
  /** For each table the keys of rows, or a condition over its columns. What follows them goes along. */
  readonly rows: Readonly<Record<string, readonly (string | number)[] | RawBuilder<unknown>>>;
}

/** Every tenant of one strategy becomes, or goes to, one of another. */
export interface EveryTenant {
  readonly kind: 'every';
  readonly from: Strategy;
  /** The application's users: who they are, and which of them become one organization. */
  readonly users?: UsersTable;
  /** Ids of API keys by user, where the tenant before has no members and so nobody knows whose a key is. */
  readonly keys?: Readonly<Record<string, readonly string[]>>;
}

/** A table of the application that knows its users. */
export interface UsersTable {
  readonly table: string;
  /** The user's id, as the library knows it. */
  readonly id: SourceExpression;
  readonly email?: SourceExpression;
  readonly name?: SourceExpression;
  /**
   * Users with one value become one organization, which is called by it. Users without a value get one of their own. Every
   * user gets one of their own when absent.
   */
  readonly organization?: SourceExpression;
}

/** What is done: a merge, a split, a move, or a conversion of all. */
export type RetenantingChange = MergeTenants | SplitTenant | MoveRows | EveryTenant;

/** A re-tenanting as data: which tenants change, and how the rows of each table find theirs. */
export interface RetenantingDefinition<DB> {
  /** Names it in the database: 1 to 63 characters of a-z, 0-9, - and _. */
  readonly name: string;
  /** The strategy of the program afterwards; the present one for a merge, a split or a move. */
  readonly to: Strategy<StrategyName, string>;
  readonly changes: readonly RetenantingChange[];
  /** Every table that tenants own. A table with a tenant column of which nothing is said is refused. */
  readonly tables: { readonly [Table in keyof DB & string]: RowRule<keyof DB[Table] & string> };
  /** Schema of the application's tables; `public` when absent. */
  readonly schema?: string;
  /** The column that holds the tenant; `tenant_id` when absent. */
  readonly column?: string;
  /** How people, keys, seats, usage and subscriptions are settled. */
  readonly people?: Partial<PeoplePolicies>;
}

/** A re-tenanting of any database. */
export interface AnyRetenanting extends Omit<RetenantingDefinition<Record<string, never>>, 'tables'> {
  readonly tables: Readonly<Record<string, RowRule>>;
}
