import type { Kysely } from 'kysely';
import { type Clock, systemClock } from '../../core/index.ts';
import { isMoment } from '../../core/moment.ts';
import { inTransaction, libraryOf } from '../../database/handle.ts';

/** What names a message that came in. */
export interface InboxMessage {
  /** Who sends, in the application's own words: `stripe`, `github:deploys`. Ids are unique within a source. */
  readonly source: string;
  /** The id of the message, the same each time it is delivered. */
  readonly id: string;
}

/** Options that every method of an inbox takes. */
export interface InboxOptions<DB> {
  /** The caller's transaction to join. */
  readonly db?: Kysely<DB>;
}

/** What came of {@link Inbox.once}. */
export type InboxOutcome<Result> =
  | { readonly repeated: false; readonly result: Result }
  | {
      /** The work was done before, and not now. */
      readonly repeated: true;
    };

/** Remembers which messages were worked on, in the same transaction as the work. */
export interface Inbox<DB> {
  /**
   * Does the work for a message that was not worked on before, and remembers it, in one transaction: both stay or
   * neither. Two deliveries at the same time do it once: the later one waits for the earlier, and does it only if that
   * fails. So the work should be short; what takes long is put in a queue of the application within it.
   *
   * @throws TypeError for a source or an id that is none; what the work throws.
   */
  once<Result>(
    message: InboxMessage,
    work: (tx: Kysely<DB>) => Promise<Result>,
    options?: InboxOptions<DB>,
  ): Promise<InboxOutcome<Result>>;
  /**
   * Remembers a message in a transaction of the caller's, and tells whether it is new: false means that its work was
   * done. It may be a tenant's transaction.
   *
   * @throws TypeError for a source or an id that is none.
   */
  take(message: InboxMessage, options: Required<InboxOptions<DB>>): Promise<boolean>;
  /**
   * Forgets messages that came in before a time, and gives how many. Keep them for longer than the sender tries: 30 days
   * cover what providers let one send again by hand.
   *
   * @throws TypeError for a time that is none.
   */
  forget(input: { readonly before: Date }, options?: InboxOptions<DB>): Promise<number>;
}

/**
 * Makes what keeps a message that is delivered twice from being worked on twice. It writes `tenantry.webhook_inbox`.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { installSchema } from 'tenantry/database';
 * import { createInbox } from 'tenantry/webhooks';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const inbox = createInbox({ db });
 * const outcome = await inbox.once({ source: 'stripe', id: 'evt_1' }, async (tx) => tx.isTransaction);
 * // outcome: { repeated: false, result: true }, and { repeated: true } ever after
 * ```
 */
export function createInbox<DB>({
  db,
  clock = systemClock,
}: {
  readonly db: Kysely<DB>;
  readonly clock?: Clock;
}): Inbox<DB> {
  /** Names no columns that must be unique: so the application's role needs no right to read what others received. */
  async function take({ source, id }: InboxMessage, { db: tx }: Required<InboxOptions<DB>>): Promise<boolean> {
    const inserted = await libraryOf(tx)
      .insertInto('tenantry.webhook_inbox')
      .values({ source: named('source', source), message_id: named('id', id), received_at: clock() })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return inserted.numInsertedOrUpdatedRows === 1n;
  }

  return {
    take,

    once(message, work, options = {}) {
      return inTransaction(db, options.db, async (tx) =>
        (await take(message, { db: tx })) ? { repeated: false, result: await work(tx) } : { repeated: true },
      );
    },

    async forget({ before }, options = {}) {
      if (!isMoment(before)) throw new TypeError('before must be a Date');
      const deleted = await libraryOf(options.db ?? db)
        .deleteFrom('tenantry.webhook_inbox')
        .where('received_at', '<', before)
        .executeTakeFirst();
      return Number(deleted.numDeletedRows);
    },
  };
}

/** What is kept is text of a sender's: bounded, and without the one character that PostgreSQL cannot store. */
function named(what: string, value: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= 512 && !value.includes('\0')) return value;
  throw new TypeError(`the ${what} of a message must be a text of 1 to 512 characters`);
}
