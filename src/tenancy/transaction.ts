import type { Kysely, Transaction } from 'kysely';
import type { AnyDatabase, CallOptions } from '../database/index.ts';
import { asMovedWrite } from '../database/moved-writes.ts';
import { scopePlugin } from './scope/plugin.ts';
import { queryScoper } from './scope/query-scoper.ts';
import { tableRules } from './scope/table-rules.ts';
import { checkedTenantId } from './scope/tenant-id.ts';
import { isTransaction, runAlone, runWithin } from './scope/tenant-runs.ts';
import type { ScopeDeps } from './scope.ts';
import type { DeclarationsOf } from './tables.ts';
import type { DeclaredTables, TenantTransaction } from './types.ts';

// biome-ignore lint/suspicious/noExplicitAny: what is done in it is typed by the caller.
type AnyTransaction = Transaction<any>;

/** Options of a tenant's transaction. */
export interface TransactionOptions extends CallOptions {
  /**
   * False leaves the queries of the transaction as they are written, so that row-level security alone keeps them to the
   * tenant. Raw SQL needs no mark then, and inserts name the tenant themselves.
   */
  readonly plugin?: boolean;
}

/** Runs work in a transaction of one tenant. */
export interface RunTransaction<DB, Tables extends DeclarationsOf<DB> | undefined = undefined> {
  <Result>(
    tenantId: string,
    work: (tx: TenantTransaction<DB, Tables>) => Promise<Result>,
    options?: TransactionOptions & { readonly plugin?: true },
  ): Promise<Result>;
  <Result>(
    tenantId: string,
    work: (tx: Transaction<DB>) => Promise<Result>,
    options: TransactionOptions & { readonly plugin: false },
  ): Promise<Result>;
}

/**
 * Binds {@link transaction} to a database and its declared tables, which are checked here.
 *
 * @throws TenantryError `config_invalid` for declarations that cannot hold.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { createTransaction } from 'tenantry/tenancy';
 *
 * function countNotes(db: Kysely<{ notes: { tenant_id: string; text: string } }>, tenantId: string) {
 *   const transaction = createTransaction({ db });
 *   return transaction(tenantId, (tx) => tx.selectFrom('notes').select('text').execute()); // row-level security holds
 * }
 * ```
 */
export function createTransaction<DB, const Tables extends DeclarationsOf<DB> | undefined = undefined>({
  db,
  tables,
}: ScopeDeps<DB, Tables>): RunTransaction<DB, Tables> {
  tableRules(tables, db.getExecutor());
  return async <Result>(
    tenantId: string,
    work: (tx: AnyTransaction) => Promise<Result>,
    { db: joined, plugin = true }: TransactionOptions = {},
  ): Promise<Result> => {
    const checked = checkedTenantId(tenantId, 'transaction');
    const handle: AnyDatabase = joined ?? db;
    const scoped = (tx: AnyTransaction): Promise<Result> => {
      if (!plugin) return work(tx);
      return work(tx.withPlugin(scopePlugin(queryScoper(checked, tableRules(tables, tx.getExecutor())))));
    };
    try {
      return await (isTransaction(handle) ? runWithin(handle, checked, scoped) : runAlone(handle, checked, scoped));
    } catch (error) {
      throw asMovedWrite(error, checked);
    }
  };
}

/** Options of {@link transaction}. */
export interface TenantTransactionOptions<DB, Tables> extends TransactionOptions {
  readonly plugin?: true;
  /** Whose rows the tables hold; when absent, every table is a tenant's own with a column `tenant_id`. */
  readonly tables?: DeclaredTables<NoInfer<DB>, Tables>;
}

/**
 * Runs work in a transaction of one tenant: under the role `tenantry_app`, for which row-level security shows and takes
 * this tenant's rows alone, and with the tenant's predicate on every query as in a scope. Unlike a scope it takes
 * several statements, whatever SQL they hold. On a pool made by `nameStatements` role and tenant travel with the first of
 * them, so that the transaction costs one more round trip, for its end; elsewhere it costs three.
 *
 * With `db` it joins the caller's transaction and puts role and tenant back afterwards; within a transaction of the same
 * tenant nothing changes. Everything that runs in the caller's transaction meanwhile runs as the tenant.
 *
 * @throws TenantryError `tenant_required` without a tenant; `tenant_not_found` when the id is no UUID; `tenant_mismatch`
 * within a transaction of another tenant; `database_right_missing` when the login may not act as `tenantry_app`;
 * `schema_missing` when the library's schema is not installed.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { installSchema } from 'tenantry/database';
 * import { transaction } from 'tenantry/tenancy';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * await transaction(db, '0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90', async (tx) => tx.isTransaction); // true
 * ```
 */
export function transaction<Result, DB, const Tables extends DeclarationsOf<DB> | undefined = undefined>(
  db: Kysely<DB> | Transaction<DB>,
  tenantId: string,
  work: (tx: TenantTransaction<DB, Tables>) => Promise<Result>,
  { tables, ...options }: TenantTransactionOptions<DB, Tables> = {},
): Promise<Result> {
  return createTransaction({ db, ...(tables && { tables }) })(tenantId, work, options);
}
