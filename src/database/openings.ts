import { AsyncLocalStorage } from 'node:async_hooks';

/** A statement as a driver takes it. */
export interface OpeningStatement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly string[];
}

/**
 * What is to be sent before the first statement of a transaction, so that it travels with it. A pool made by
 * `nameStatements` takes it up when it lends the connection, and says so; where nobody does, the transaction is opened
 * by statements of its own.
 */
export interface Opening {
  /** Statements that have no rows to give: under which role and for which tenant the transaction runs. */
  readonly statements: readonly OpeningStatement[];
  /** True when one statement is all there will be: it is sent with the opening, and PostgreSQL commits both or none. */
  readonly single: boolean;
  /** Until the connection that it is for was lent: no connection that is lent later may take it. */
  offered: boolean;
  /** Set by the pool: the connection sends the opening with its first statement. */
  taken: boolean;
  /** Set by the connection: what PostgreSQL said when it refused the opening itself. */
  refusal: unknown;
}

const current = new AsyncLocalStorage<Opening>();

/** Makes an opening that no connection has taken yet. */
export function createOpening(statements: readonly OpeningStatement[], single: boolean): Opening {
  return { statements, single, offered: true, taken: false, refusal: undefined };
}

/** Runs work in which the first connection that is lent takes the opening. */
export function withOpening<Result>(opening: Opening, work: () => Promise<Result>): Promise<Result> {
  return current.run(opening, work);
}

/** The opening that a connection lent at this moment takes, if any. */
export function openingToTake(): Opening | undefined {
  const opening = current.getStore();
  return opening?.offered ? opening : undefined;
}

/** The opening of the transaction that this code runs in, if any. */
export function openingHere(): Opening | undefined {
  return current.getStore();
}
