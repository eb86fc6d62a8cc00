import type { Model } from '../model.ts';
import type { MigrationPlan, Step } from '../plan.ts';

/** What the text of exported files is written from. */
export interface Export {
  readonly plan: MigrationPlan;
  readonly model: Model;
  /** The search path of the connection that exported, under which the statements were written. */
  readonly searchPath: string;
  /** A fingerprint of each table that must not have changed, as the database itself computes it. */
  readonly shapes: Readonly<Record<string, string>>;
  readonly lockTimeout: number;
  readonly lockRetries: number;
  readonly batchSize: number;
  readonly batchMilliseconds: number;
  readonly pause: number;
}

/** A part of a file, before it is known whether psql or Prisma will run it. */
export type Piece =
  /** PL/pgSQL statements that are one transaction. */
  | {
      readonly kind: 'transaction';
      readonly title: string;
      readonly body: string;
      readonly snapshot?: boolean;
    }
  /** PL/pgSQL statements that end their transactions themselves. */
  | { readonly kind: 'loop'; readonly title: string; readonly body: string }
  /** Statements that PostgreSQL runs outside of a transaction, with what goes before and after them. */
  | {
      readonly kind: 'outside';
      readonly step: Step;
      /** SQL of a boolean: whether the step is still to be done. */
      readonly todo: string;
      readonly before: string;
      readonly after: string;
    };
