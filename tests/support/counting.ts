import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { nameStatements } from '../../src/database/index.ts';

/** A handle that remembers every statement it sends, `begin` and `commit` too. */
export interface CountingDatabase<DB> {
  readonly db: Kysely<DB>;
  /** The texts sent while `work` ran. */
  during(work: () => Promise<unknown>): Promise<string[]>;
  destroy(): Promise<void>;
}

/** Opens a database of the test server and counts what goes over the wire. */
export function countingDatabase<DB>(url: string, connections = 10): CountingDatabase<DB> {
  let sent: string[] = [];
  const pool = new Pool({ connectionString: url, max: connections });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    const query = client.query;
    const counted = (...args: unknown[]): unknown => {
      const [first] = args;
      const text = typeof first === 'object' && first !== null && 'text' in first ? first.text : first;
      sent.push(String(text));
      return Reflect.apply(query, client, args);
    };
    Object.assign(client, { query: counted });
  });
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
  return {
    db,
    async during(work) {
      sent = [];
      await work();
      return sent;
    },
    destroy: () => db.destroy(),
  };
}
