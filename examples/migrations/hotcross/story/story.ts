import type { Kysely } from 'kysely';
import type { LegacyDatabase } from '../legacy-schema.ts';
import type { Printer } from '../print.ts';

/** What every chapter of the demonstration works with. */
export interface Story {
  /** The owner of the database, who migrates. */
  readonly owner: Kysely<LegacyDatabase>;
  /** The application's login. */
  readonly app: Kysely<LegacyDatabase>;
  readonly printer: Printer;
  /** Tells whether something holds that was promised. One that does not hold makes the whole demonstration fail. */
  promise(holds: boolean, text: string): void;
}
