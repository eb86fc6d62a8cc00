/** The stages of a migration, in their order. */
export type StageName = 'expand' | 'backfill' | 'enforce' | 'switch' | 'contract';

/** The stages in the order in which they are applied. */
export const stageNames: readonly StageName[] = ['expand', 'backfill', 'enforce', 'switch', 'contract'];

/** The strongest lock that a step takes on a table of the application. */
export type StepLock = 'none' | 'row' | 'share update exclusive' | 'share row exclusive' | 'access exclusive';

/** One step of a migration: what is run, and how it is taken back. */
export interface Step {
  /** Unique within the migration, such as `expand:projects`. */
  readonly id: string;
  readonly stage: StageName;
  /** The table of the application that it concerns. */
  readonly table: string | null;
  /**
   * `transaction`: all statements in one transaction with the record that they ran. `concurrently`: one statement that
   * PostgreSQL runs outside of a transaction. `batches`: one UPDATE per batch of rows, each with its checkpoint.
   */
  readonly kind: 'transaction' | 'concurrently' | 'batches';
  readonly sql: readonly string[];
  readonly undo: readonly string[];
  readonly lock: StepLock;
}

/**
 * About how much a statement does. Rows are counted or, of a step that meets none yet, those that it will; seconds stand
 * on what such a statement takes on a quiet server, times how fast this one was when the plan was made. Waits for locks
 * and a server under load are not in it.
 */
export interface Estimate {
  readonly rows: number;
  readonly seconds: number;
}

/** A step of a plan, with what it is expected to take. */
export interface PlannedStep extends Step {
  readonly estimate: Estimate;
  /** The estimate of each statement of `sql`. */
  readonly statements: readonly Estimate[];
}

/** What a plan says of one table. */
export interface PlannedTable {
  readonly table: string;
  readonly rows: number;
  /** How a row finds its tenant, for people: `project_id → customer_id`. */
  readonly path: string;
  /** Rows that lead to no tenant, and what happens to them. */
  readonly unresolved: { readonly rows: number; readonly policy: string; readonly samples: readonly string[] };
  /** The strongest lock that any step takes on it. */
  readonly lock: StepLock;
  /** What all steps of the table are expected to take, up to enforce. */
  readonly estimate: Estimate;
}

/** Something that a person should look at before the plan is applied. */
export interface Decision {
  readonly topic: string;
  readonly count: number;
  readonly detail: string;
  readonly samples: readonly string[];
}

/** What a migration will do, as plain data. It can be stored as JSON and handed to {@link applyMigration} later. */
export interface MigrationPlan {
  readonly migration: string;
  readonly definitionHash: string;
  /** The table that tenants are made from, and how many rows it has. */
  readonly source: { readonly table: string; readonly rows: number };
  readonly tenants: number;
  readonly members: number;
  readonly keys: number;
  /** Rows that are subscriptions. */
  readonly subscriptions: number;
  /** Permissions that are granted to one member each. */
  readonly grants: number;
  readonly auditEntries: number;
  readonly tables: readonly PlannedTable[];
  readonly shared: readonly string[];
  readonly decisions: readonly Decision[];
  readonly steps: readonly PlannedStep[];
  /** Fingerprints of the tables as they were when the plan was made. */
  readonly catalogue: Readonly<Record<string, string>>;
  /** SHA-256 over the definition, the steps and the catalogue, in hex. */
  readonly hash: string;
}
