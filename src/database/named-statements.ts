import { createHash, randomUUID } from 'node:crypto';
import { TenantryError } from '../core/index.ts';
import { sqlstateOf } from './install.ts';
import { type Opening, openingHere, openingToTake } from './openings.ts';
import { arePrepared, pipelined, type QueryConfig, wireOf } from './pipelined-query.ts';

/** The part of a `pg` client that Kysely uses. */
export interface QueryClient {
  /** Sends a statement. */
  query(...args: never[]): unknown;
  /** Listens to an event of the connection. */
  on?(event: 'error', listener: (error: Error) => void): unknown;
}

/** The part of a `pg.Pool` that {@link nameStatements} wraps. */
export interface ConnectablePool<Client> {
  /** Gives a connection. */
  connect(): Promise<Client>;
}

/** What {@link nameStatements} adds to a pool. */
export interface TransactionPool<Client> {
  /**
   * The connection of the tenant's transaction that the caller runs in, for code that does not run on Kysely: Drizzle,
   * or statements of one's own. It is under the transaction's role and tenant, and is given back with it.
   *
   * @throws TenantryError `tenant_required` outside of a tenant's transaction on this pool.
   *
   * @example
   * ```ts
   * import { type Kysely } from 'kysely';
   * import type { Pool, PoolClient } from 'pg';
   * import type { TransactionPool } from 'tenantry/database';
   * import { transaction } from 'tenantry/tenancy';
   *
   * function titles(db: Kysely<object>, pool: Pool & TransactionPool<PoolClient>, tenantId: string): Promise<string[]> {
   *   return transaction(db, tenantId, async () => {
   *     const { rows } = await pool.clientHere().query<{ title: string }>('select title from notes');
   *     return rows.map(({ title }) => title);
   *   });
   * }
   * ```
   */
  clientHere(): Client;
}

/** How a pool's `connect` is called: as a promise, and by some with a callback too. */
export type Connect<Client> = { (): Promise<Client>; (callback: never): void };

/** The client that a pool lends, also where its `connect` takes a callback too. */
export type ClientOf<Pool extends ConnectablePool<unknown>> =
  Pool['connect'] extends Connect<infer Client> ? Client : Pool extends ConnectablePool<infer Client> ? Client : never;

/** Options of {@link nameStatements}. */
export interface NameStatementsOptions {
  /** How many different texts are named; later ones are sent unnamed. A connection keeps each name for its life. */
  readonly max?: number;
}

/**
 * Wraps a `pg.Pool` so that statements are sent under a name made from their text. PostgreSQL then parses and plans each
 * text once per connection, which makes a primary-key read about 1.5 times as fast. Hand the pool to Kysely without this
 * wrapper where a transaction pooler cannot keep names (PgBouncer before 1.21).
 *
 * What opens a tenant's transaction is sent along with its first statement, in one message instead of three; and the
 * connection of such a transaction can be had for code that does not run on Kysely, see {@link TransactionPool.clientHere}.
 *
 * It also listens to connections that break while they are lent out, which would end the process otherwise.
 *
 * A statement that PostgreSQL planned before a table changed its columns (`select *` after ALTER TABLE) is sent once
 * more under a new name. Inside a transaction PostgreSQL has ended the transaction by then, so the error reaches the
 * caller, who can run the transaction again.
 *
 * @example
 * ```ts
 * import { Kysely, PostgresDialect } from 'kysely';
 * import { Pool } from 'pg';
 * import { nameStatements } from 'tenantry/database';
 *
 * const pool = new Pool({ connectionString: process.env.DATABASE_URL });
 * const db = new Kysely({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
 * ```
 */
export function nameStatements<Pool extends ConnectablePool<QueryClient>>(
  pool: Pool,
  options?: NameStatementsOptions,
): Pool & TransactionPool<ClientOf<Pool>>;
export function nameStatements<Client extends QueryClient, Pool extends ConnectablePool<Client>>(
  pool: Pool & ConnectablePool<Client>,
  { max = 500 }: NameStatementsOptions = {},
): Pool & TransactionPool<Client> {
  const names = new Map<string, string>();
  const wrapped = new WeakMap<object, Client>();
  // A connection that is ended with the very message that opens it tells so before anybody has it.
  const on: unknown = Reflect.get(pool, 'on');
  if (typeof on === 'function') {
    Reflect.apply(on, pool, ['connect', (client: QueryClient) => client.on?.('error', () => undefined)]);
  }

  function nameOf(text: string): string | undefined {
    const known = names.get(text);
    if (known !== undefined) return known;
    if (names.size >= max || !nameable.test(text)) return undefined;
    const name = `t_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
    names.set(text, name);
    return name;
  }

  /** What a connection has yet to send, or is in the middle of. */
  const held = new WeakMap<Client, { readonly opening: Opening; begun: boolean; sent: boolean }>();
  const lent = new WeakMap<Opening, Client>();

  function wrap(client: Client): Client {
    const before = wrapped.get(client);
    if (before !== undefined) return before;
    // A lent connection that breaks between two statements tells it by an event, which ends the process when nobody
    // listens. The next statement on it fails and tells the caller.
    client.on?.('error', () => undefined);
    const send = (...args: unknown[]): unknown => Reflect.apply(client.query, client, args);
    const sendNamed = (text: unknown, values: unknown, ...rest: unknown[]): unknown => {
      const name = typeof text === 'string' && Array.isArray(values) ? nameOf(text) : undefined;
      if (typeof text !== 'string' || name === undefined) return send(text, values, ...rest);
      const sent = send({ name, text, values }, ...rest);
      if (!(sent instanceof Promise)) return sent;
      return sent.catch((error: unknown) => {
        if (!isStalePlan(error)) throw error;
        if (names.get(text) === name) names.set(text, `${name.slice(0, 34)}_${randomUUID().slice(0, 8)}`);
        return Promise.resolve(send(text, values)).catch(() => {
          throw error;
        });
      });
    };

    /** Sends the opening by messages of its own, which prepares it: the next one on this connection travels with its query. */
    const openSlowly = async (opening: Opening, first: QueryConfig | undefined): Promise<unknown> => {
      try {
        for (const { name, text, values } of [begin, ...opening.statements])
          await send({ name, text, values: [...values] });
      } catch (error) {
        opening.refusal = error;
        if (opening.single) await Promise.resolve(send('rollback')).catch(() => undefined);
        throw error;
      }
      if (first === undefined) return undefined;
      if (!opening.single) return send(first);
      try {
        const result = await send(first);
        await send('commit');
        return result;
      } catch (error) {
        await Promise.resolve(send('rollback')).catch(() => undefined);
        throw error;
      }
    };

    /** Sends what was held back, and the first statement with it. */
    const open = async (opening: Opening, first: QueryConfig | undefined): Promise<unknown> => {
      const wire = wireOf(client);
      const before = opening.single ? opening.statements : [begin, ...opening.statements];
      if (wire === undefined || first === undefined || !arePrepared(wire.connection, before)) {
        return openSlowly(opening, first);
      }
      return new Promise<unknown>((resolve, reject) => {
        const settle = (error: unknown, result: unknown): void => {
          if (error === null || error === undefined) resolve(result);
          else reject(error);
        };
        send(
          pipelined(wire.Query, before, first, settle, (error) => {
            opening.refusal = error;
          }),
        );
      });
    };

    const query = (text: unknown, values: unknown, ...rest: unknown[]): unknown => {
      const holding = held.get(client);
      if (holding === undefined || holding.sent) return sendNamed(text, values, ...rest);
      if (!holding.begun && !holding.opening.single) {
        if (text !== 'begin') return sendNamed(text, values, ...rest);
        holding.begun = true;
        return Promise.resolve({ command: 'BEGIN', rowCount: null, rows: [] });
      }
      if (text === 'commit' || text === 'rollback') {
        // Nothing was sent, so there is nothing to end.
        held.delete(client);
        return Promise.resolve({ command: text.toUpperCase(), rowCount: null, rows: [] });
      }
      holding.sent = true;
      const first = configOf(text, values);
      if (first !== undefined && rest.length === 0) {
        return open(holding.opening, first).catch((error: unknown) => {
          if (!holding.opening.single) throw error;
          return recover(holding.opening, first, error);
        });
      }
      return open(holding.opening, undefined).then(() => send(text, values, ...rest));
    };

    /** A single statement that failed left nothing behind; one whose plan was stale is sent once more, under a new name. */
    const recover = async (opening: Opening, first: QueryConfig, error: unknown): Promise<unknown> => {
      if (!isStalePlan(error) || first.name === undefined) throw error;
      if (names.get(first.text) === first.name) {
        names.set(first.text, `${first.name.slice(0, 34)}_${randomUUID().slice(0, 8)}`);
      }
      return open(opening, { ...first, name: nameOf(first.text) ?? first.name });
    };

    const proxy = new Proxy(client, {
      get(target, property) {
        if (property === 'query') return query;
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        if (property === 'release') {
          return (...args: unknown[]): unknown => {
            held.delete(client);
            return Reflect.apply(value, target, args);
          };
        }
        return value.bind(target);
      },
    });
    wrapped.set(client, proxy);
    return proxy;
  }

  function configOf(text: unknown, values: unknown): QueryConfig | undefined {
    if (typeof text !== 'string') return undefined;
    if (values !== undefined && !Array.isArray(values)) return undefined;
    const name = values === undefined ? undefined : nameOf(text);
    return { text, ...(values !== undefined && { values }), ...(name !== undefined && { name }) };
  }

  const lending = {
    async connect(): Promise<Client> {
      const client = await pool.connect();
      const opening = openingToTake();
      if (opening !== undefined) {
        opening.offered = false;
        opening.taken = true;
        held.set(client, { opening, begun: false, sent: false });
        lent.set(opening, wrap(client));
      }
      return wrap(client);
    },
    clientHere(): Client {
      const opening = openingHere();
      const client = opening === undefined ? undefined : lent.get(opening);
      if (client === undefined) throw new TenantryError('tenant_required', { operation: 'clientHere' });
      return client;
    },
  };
  const proxy: Pool & TransactionPool<Client> = Object.assign(
    new Proxy(pool, {
      get(target, property) {
        if (property === 'connect' || property === 'clientHere') return lending[property];
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
      // The pool itself stays as it is.
      set: (target, property, value) => Object.hasOwn(lending, property) || Reflect.set(target, property, value),
    }),
    lending,
  );
  return proxy;
}

const begin = { name: 'tenantry_begin', text: 'begin', values: [] };

/** Transaction control and DDL gain nothing from a name. */
const nameable = /^\s*(select|insert|update|delete|merge|with)\b/i;

/** "cached plan must not change result type", told by where it is raised, since messages are translated. */
function isStalePlan(error: unknown): boolean {
  return (
    sqlstateOf(error) === '0A000' && error instanceof Error && Reflect.get(error, 'routine') === 'RevalidateCachedQuery'
  );
}
