import type { OpeningStatement } from './openings.ts';

/** The part of a connection of `pg` on which a query puts its messages. */
interface WireConnection {
  readonly parsedStatements: Readonly<Record<string, string>>;
  readonly stream: { cork(): void; uncork(): void };
  bind(message: { readonly statement: string; readonly values: readonly string[] }): void;
  execute(message: object): void;
}

/** A query of `pg`, as far as it is changed here. */
interface WireQuery {
  callback: (error: unknown, result: unknown) => void;
  submit(connection: WireConnection): unknown;
  handleRowDescription(message: unknown): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: unknown): void;
}

/** What {@link pipelined} is told of a query. */
export interface QueryConfig {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly name?: string;
}

/** Makes a query of `pg`. */
export type QueryMaker = new (config: QueryConfig) => WireQuery;

/**
 * A query that sends statements before its own, all in one message to PostgreSQL. Their answers are left out of its own.
 * They must have been prepared on the connection under their names.
 *
 * @param refused - Called with the error when one of those statements failed, before the query reports it.
 */
export function pipelined(
  Query: QueryMaker,
  before: readonly OpeningStatement[],
  config: QueryConfig,
  callback: (error: unknown, result: unknown) => void,
  refused: (error: unknown) => void,
): object {
  const query = new Query(config);
  const { submit, handleRowDescription, handleDataRow, handleCommandComplete } = query;
  let answered = 0;
  const own = (): boolean => answered >= before.length;
  return Object.assign(query, {
    callback(error: unknown, result: unknown): void {
      if (error !== null && error !== undefined && !own()) refused(error);
      callback(error, result);
    },
    submit(connection: WireConnection): unknown {
      connection.stream.cork();
      try {
        for (const { name, values } of before) {
          connection.bind({ statement: name, values });
          connection.execute({});
        }
        return submit.call(query, connection);
      } finally {
        connection.stream.uncork();
      }
    },
    handleRowDescription(message: unknown): void {
      if (own()) handleRowDescription.call(query, message);
    },
    handleDataRow(message: unknown): void {
      if (own()) handleDataRow.call(query, message);
    },
    handleCommandComplete(message: unknown, connection: unknown): void {
      if (own()) handleCommandComplete.call(query, message, connection);
      answered += 1;
    },
  });
}

/** Whether statements are prepared on a connection. */
export function arePrepared(connection: WireConnection, statements: readonly OpeningStatement[]): boolean {
  return statements.every(({ name, text }) => connection.parsedStatements[name] === text);
}

/**
 * The parts of a client of `pg` that {@link pipelined} needs; undefined for any other client, and for one in pipeline mode,
 * which takes no queries but its own.
 */
export function wireOf(
  client: object,
): { readonly Query: QueryMaker; readonly connection: WireConnection } | undefined {
  const Query: unknown = Reflect.get(client.constructor, 'Query');
  const connection: unknown = Reflect.get(client, 'connection');
  if (!isQueryMaker(Query) || !isWire(connection) || Reflect.get(client, 'pipeline') === true) return undefined;
  return { Query, connection };
}

function isQueryMaker(value: unknown): value is QueryMaker {
  return typeof value === 'function' && has(value.prototype, ['submit', 'handleDataRow', 'handleCommandComplete']);
}

function isWire(value: unknown): value is WireConnection {
  return (
    has(value, ['bind', 'execute']) &&
    has(Reflect.get(value, 'stream'), ['cork', 'uncork']) &&
    Reflect.has(value, 'parsedStatements')
  );
}

function has(value: unknown, methods: readonly string[]): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return methods.every((method) => typeof Reflect.get(value, method) === 'function');
}
