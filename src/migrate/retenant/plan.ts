import type { PeopleCounts, PeopleDecision } from './people/index.ts';
import type { RetenantingUnit } from './units.ts';

/** What a re-tenanting would do to the rows of one table. */
export interface PlannedRows {
  readonly table: string;
  /** Rows of the tenants that change. */
  readonly rows: number;
  readonly moved: number;
  readonly copied: number;
  /** Rows that live on in one of the target's. */
  readonly joined: number;
  /** Rows of a split that say nothing of where they belong, and go to the first target. */
  readonly unclaimed: number;
}

/** What cannot be done without an answer, or is done by a policy. */
export interface RetenantingConflict {
  readonly topic: 'unique' | 'reference' | 'subscriptions' | 'seats' | 'target' | 'library';
  readonly table: string;
  /** How many rows, or how many that stand against each other. */
  readonly rows: number;
  readonly samples: readonly string[];
  /** How it is settled; `fail` refuses. */
  readonly policy: string;
  readonly remedy: string;
}

/** What a re-tenanting will do, as plain data: keep it, show it, hand it to `applyRetenanting`. */
export interface RetenantingPlan {
  readonly retenanting: string;
  readonly units: readonly RetenantingUnit[];
  readonly tables: readonly PlannedRows[];
  readonly people: PeopleCounts;
  /** What must be answered first, and what the policies answer. */
  readonly conflicts: readonly RetenantingConflict[];
  /** What a person should look at. */
  readonly decisions: readonly PeopleDecision[];
  readonly definitionHash: string;
  /** The shape of the tables; they must be the same when it is applied. */
  readonly catalogue: Readonly<Record<string, string>>;
  readonly hash: string;
}
