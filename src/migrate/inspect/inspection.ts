/** A column as an inspection found it. */
export interface InspectedColumn {
  readonly name: string;
  /** The type with its modifiers, such as `character varying(80)`. */
  readonly type: string;
  /** The type without modifiers; of a domain the one it stands on. */
  readonly base: string;
  /** The values of an enumeration, or of the elements of an array of one. */
  readonly labels: readonly string[] | null;
  readonly notNull: boolean;
}

/** A foreign key as an inspection found it. */
export interface InspectedForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  /** The schema of the table it leads to. */
  readonly targetSchema: string;
  readonly target: string;
  readonly targetColumns: readonly string[];
  /** False when it was added NOT VALID, so that old rows may lead nowhere. */
  readonly validated: boolean;
  readonly onDelete: 'nothing' | 'cascade' | 'change';
}

/** A unique constraint or index besides the primary key. */
export interface InspectedUnique {
  readonly name: string;
  readonly columns: readonly string[];
  /** False when it is over expressions, or over some of the rows. */
  readonly plain: boolean;
  readonly definition: string;
}

/** What the catalogue says of one table. */
export interface SchemaTable {
  readonly name: string;
  readonly kind: 'ordinary' | 'partitioned';
  /** How many partitions are folded into it. */
  readonly partitions: number;
  /** How many rows it has; the server's estimate where it was too large to count. */
  readonly rows: number;
  readonly rowsExact: boolean;
  /** Its size on disk with indexes, in bytes. */
  readonly bytes: number;
  readonly columns: readonly InspectedColumn[];
  readonly primaryKey: readonly string[];
  readonly foreignKeys: readonly InspectedForeignKey[];
  readonly uniques: readonly InspectedUnique[];
  readonly triggers: readonly { readonly name: string; readonly onUpdate: boolean }[];
  readonly policies: readonly { readonly name: string; readonly permissive: boolean }[];
  readonly rowSecurity: boolean;
  /** Whether the role that inspects may alter it. */
  readonly owned: boolean;
}

/** Columns of one table that lead to a row of another, by a foreign key or by what the data shows. */
export interface InspectedReference {
  readonly table: string;
  readonly columns: readonly string[];
  readonly target: string;
  readonly targetColumns: readonly string[];
  /** The foreign key; null when there is none and names, types and data say so. */
  readonly constraint: string | null;
  readonly onDelete: InspectedForeignKey['onDelete'];
  /** Whether a row may leave it empty. */
  readonly nullable: boolean;
  /** Rows that leave it empty, and rows whose values are found nowhere. */
  readonly empty: number;
  readonly dangling: number;
  /** Without a foreign key: how many distinct values were looked up, and how many were found. */
  readonly sampled: number;
  readonly found: number;
}

/** Another way from a table to the source than the one that was chosen. */
export interface OtherPath {
  readonly columns: readonly string[];
  readonly to: string;
  readonly constraint: string | null;
  /** Rows for which it leads to another source row. */
  readonly disagree: number;
  /** SQL that lists these rows. */
  readonly sql: string;
}

/** What is said of every guess. */
export interface Judged {
  /** One sentence. */
  readonly reason: string;
  /** From 0 to 1. */
  readonly confidence: number;
}

/** Tenants are made from its rows. */
export interface SourceGuess extends Judged {
  readonly kind: 'source';
  readonly others: readonly OtherPath[];
}

/** Tenants own its rows, which find their tenant through columns. */
export interface ViaGuess extends Judged {
  readonly kind: 'via';
  readonly columns: readonly string[];
  readonly to: string;
  readonly key: readonly string[];
  /** For people: `project_id → customer_id`. */
  readonly path: string;
  /** Rows that lead to no source row; where the rows of the table were not counted, of a sample. */
  readonly unresolved: number;
  readonly others: readonly OtherPath[];
}

/** It belongs to no tenant and all read it. */
export interface SharedGuess extends Judged {
  readonly kind: 'shared';
}

/** The migration leaves it as it is. */
export interface UntouchedGuess extends Judged {
  readonly kind: 'untouched';
  readonly why: 'archive' | 'bookkeeping' | 'no-key' | 'no-path';
  /** The reference by which its rows could find their tenant, if it had a key. */
  readonly led: InspectedReference | null;
}

/** Whose a table seems to be. */
export type TableGuess = SourceGuess | ViaGuess | SharedGuess | UntouchedGuess;

/** A table with what its rows refer to and whose it seems to be. */
export interface InspectedTable extends SchemaTable {
  /** Where its columns lead, by foreign keys and without. */
  readonly references: readonly InspectedReference[];
  readonly guess: TableGuess;
}

/** A view that reads tables of the schema, directly or through other views. */
export interface InspectedView {
  /** Its name, with the schema when it stands in another one. */
  readonly name: string;
  readonly kind: 'view' | 'materialized view';
  readonly reads: readonly string[];
  /** Whether it reads with the rights of who asks, so that row-level security holds in it. */
  readonly invoker: boolean;
}

/** A function that runs with its owner's rights and names tables of the schema. */
export interface InspectedFunction {
  readonly name: string;
  readonly reads: readonly string[];
}

/** A column or expression by which several source rows could become one tenant. */
export interface Grouping {
  /** What it goes by, for people. */
  readonly label: string;
  /** A column, or SQL over columns of the source. */
  readonly by: { readonly column: string } | { readonly sql: string };
  /** How many values there are, on how many rows, and how many rows the most frequent one has. */
  readonly groups: number;
  readonly rows: number;
  readonly largest: number;
  /** How many tenants there would be: the groups, and each row without a value for itself. */
  readonly tenants: number;
}

/** A column of the source that holds digests of API keys. */
export interface KeyDigests {
  readonly column: string;
  readonly scheme: 'sha256-hex' | 'sha256-base64' | null;
  /** Rows with a digest, those that are no SHA-256, and those that share theirs with another row. */
  readonly rows: number;
  readonly invalid: number;
  readonly doubled: number;
}

/** A table that tenants could be made from. */
export interface SourceCandidate {
  readonly table: string;
  readonly score: number;
  /** How many tables lead to it, directly or through others. */
  readonly leading: number;
  readonly reason: string;
}

/** What a question is about. */
export type QuestionTopic =
  | 'source'
  | 'grouping'
  | 'keys'
  | 'members'
  | 'paths'
  | 'unresolved'
  | 'blocked'
  | 'primary-key'
  | 'reference'
  | 'whose'
  | 'unique'
  | 'trigger'
  | 'policy'
  | 'owner'
  | 'view'
  | 'function';

/** Something that the database does not say and a person must. */
export interface Question {
  /** From 1, in the order of the draft. */
  readonly number: number;
  readonly topic: QuestionTopic;
  /** The table it concerns; null when it concerns none. */
  readonly table: string | null;
  /** True when a plan is refused, or a stage fails, until it is answered. */
  readonly blocking: boolean;
  readonly text: string;
  /** How many rows it is about; 0 when it is not about rows. */
  readonly rows: number;
  /** SQL that lists the rows. */
  readonly sql: string | null;
}

/** What a database looks like to somebody who wants to give each row its tenant. Plain data. */
export interface Inspection {
  readonly schema: string;
  /** A name for the tenant column that no table has yet. */
  readonly column: string;
  /** The table that tenants are made from. */
  readonly source: string;
  readonly candidates: readonly SourceCandidate[];
  readonly tables: readonly InspectedTable[];
  readonly views: readonly InspectedView[];
  readonly functions: readonly InspectedFunction[];
  readonly groupings: readonly Grouping[];
  readonly keys: KeyDigests | null;
  readonly questions: readonly Question[];
}
