import {
  Kysely,
  type PostgresCursor,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
} from 'kysely';
import { Pool, type PoolClient } from 'pg';

/** Where a process ends: before a step is done, or after it was done and before the answer came. */
export type Death = 'before' | 'after';

/** What stands for a process: its database and its requests, which end together at one step. */
export interface Mortal {
  readonly db: Kysely<Record<string, never>>;
  /** Lets it end at the step of a number: a statement or a request, counted from now. */
  arm(step: number, death: Death): void;
  readonly dead: boolean;
  /** Wraps requests, which are steps too. */
  fetch(send: typeof globalThis.fetch): typeof globalThis.fetch;
  /** Closes its connections; what was in a transaction is undone. */
  bury(): Promise<void>;
}

/** Makes a process that may be killed between any two statements. */
export function createMortal(url: string): Mortal {
  const pool = new Pool({ connectionString: url, max: 6 });
  pool.on('error', () => undefined);
  const lent = new Set<PoolClient>();
  let left = Number.POSITIVE_INFINITY;
  let death: Death = 'before';
  let dead = false;

  async function step<Result>(work: () => Promise<Result>): Promise<Result> {
    if (dead) throw new Error('killed');
    left -= 1;
    if (left > 0) return work();
    dead = true;
    if (death === 'after') await work();
    throw new Error('killed');
  }

  function queryOf(client: PoolClient): PostgresPoolClient['query'] {
    function query<Row>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>>;
    function query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>;
    function query(text: unknown, parameters?: readonly unknown[]): unknown {
      if (typeof text !== 'string') throw new TypeError('a mortal has no cursors');
      return step(() => client.query(text, [...(parameters ?? [])]));
    }
    return query;
  }

  const dying: PostgresPool = {
    async connect() {
      if (dead) throw new Error('killed');
      const client = await pool.connect();
      lent.add(client);
      return {
        query: queryOf(client),
        release() {
          if (dead) return;
          lent.delete(client);
          client.release();
        },
      };
    },
    options: pool.options,
    end: () => pool.end(),
  };

  return {
    db: new Kysely({ dialect: new PostgresDialect({ pool: dying }) }),
    arm(at, how) {
      left = at;
      death = how;
    },
    get dead() {
      return dead;
    },
    fetch:
      (send) =>
      (...args) =>
        step(() => send(...args)),
    async bury() {
      dead = true;
      for (const client of lent) client.release(new Error('killed'));
      await pool.end();
    },
  };
}
