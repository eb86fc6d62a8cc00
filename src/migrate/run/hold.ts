import type { MigrationBlocker } from './blockers.ts';

/** Why a runner does not go on at this moment. */
export type MigrationHold =
  | {
      readonly why: 'lock';
      /** How often the step found no lock in time, and how often it is tried in all. */
      readonly attempt: number;
      readonly attempts: number;
      readonly blockers: readonly MigrationBlocker[];
    }
  | {
      /** Somebody paused the migration. */
      readonly why: 'paused';
      readonly by: string;
      readonly since: Date;
    }
  | {
      /** The database is under load, or the caller's `throttle` asked for it. */
      readonly why: 'throttled';
      readonly reason: string;
    };
