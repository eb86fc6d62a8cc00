import { DynamicModule, expressionBuilder, type Kysely, QueryCreator, type Transaction } from 'kysely';
import type { AnyDatabase, CallOptions } from '../database/index.ts';
import { queryScoper } from './scope/query-scoper.ts';
import { scopedExecutor } from './scope/scoped-executor.ts';
import { tableRules } from './scope/table-rules.ts';
import { checkedTenantId } from './scope/tenant-id.ts';
import { runStatement } from './scope/tenant-runs.ts';
import type { DeclarationsOf } from './tables.ts';
import type { DeclaredTables, ScopedDatabase, TenantDb } from './types.ts';

/** Options of a scope. */
export interface ScopeOptions extends CallOptions {
  /**
   * True runs each statement under row-level security too, as the role `tenantry_app`: the predicate and the policy hold
   * each other's place. It is one message to PostgreSQL on a pool made by `nameStatements`, a transaction elsewhere.
   */
  readonly rowSecurity?: boolean;
}

/** Gives the queries of a tenant; with `db` they run in the caller's transaction. */
export type Scope<DB, Tables extends DeclarationsOf<DB> | undefined = undefined> = (
  tenantId: string,
  options?: ScopeOptions,
) => TenantDb<DB, Tables>;

/** What {@link createScope} is made from. */
export interface ScopeDeps<DB, Tables> {
  readonly db: Kysely<DB> | Transaction<DB>;
  /** Whose rows the tables hold; when absent, every table is a tenant's own with a column `tenant_id`. */
  readonly tables?: DeclaredTables<NoInfer<DB>, Tables>;
}

/**
 * Binds {@link scope} to a database and its declared tables, which are checked here.
 *
 * @throws TenantryError `config_invalid` for declarations that cannot hold.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { createScope, own } from 'tenantry/tenancy';
 *
 * function notesOf(db: Kysely<{ notes: { tenant_id: string; text: string } }>, tenantId: string) {
 *   const scope = createScope({ db, tables: { notes: own() } });
 *   return scope(tenantId).selectFrom('notes').select('text').execute(); // this tenant's only
 * }
 * ```
 */
export function createScope<DB, const Tables extends DeclarationsOf<DB> | undefined = undefined>({
  db,
  tables,
}: ScopeDeps<DB, Tables>): Scope<DB, Tables> {
  type Scoped = ScopedDatabase<DB, Tables>;
  const { fn } = expressionBuilder<Scoped, keyof Scoped>();
  const dynamic = new DynamicModule<Scoped>();
  tableRules(tables, db.getExecutor());
  return (tenantId, options) => {
    const checked = checkedTenantId(tenantId, 'scope');
    const handle: AnyDatabase = options?.db ?? db;
    const base = handle.getExecutor();
    const scoper = queryScoper(checked, tableRules(tables, base));
    const executor = options?.rowSecurity
      ? scopedExecutor(base, scoper, {
          executeQuery: (query, rest) =>
            runStatement(handle, checked, (tx) => tx.getExecutor().executeQuery(query, rest)),
        })
      : scopedExecutor(base, scoper);
    const queries = new QueryCreator<Scoped>({ executor });
    return {
      tenantId: checked,
      fn,
      dynamic,
      selectFrom: queries.selectFrom.bind(queries),
      selectNoFrom: queries.selectNoFrom.bind(queries),
      insertInto: queries.insertInto.bind(queries),
      updateTable: queries.updateTable.bind(queries),
      deleteFrom: queries.deleteFrom.bind(queries),
      with: queries.with.bind(queries),
      withRecursive: queries.withRecursive.bind(queries),
      getExecutor: () => executor,
    };
  };
}

/**
 * Gives queries that are kept to one tenant. Each is a single statement, sent as it is: every reference to a tenant's
 * own table carries `tenant_id = …`, in joins, subqueries, common table expressions, upserts, updates and deletes alike;
 * what is inserted is stamped. A query that cannot be kept to the tenant throws before it is sent.
 *
 * Without `tables` every table is taken for a tenant's own with a column `tenant_id`.
 *
 * @throws TenantryError `tenant_required` without a tenant; `tenant_not_found` when the id is no UUID; `config_invalid`
 * for declarations that cannot hold. Queries throw `table_unknown`, `tenant_column_write`, `tenant_mismatch`,
 * `raw_sql_unmarked` and `scope_unsupported`.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { own, scope, shared } from 'tenantry/tenancy';
 *
 * interface Database {
 *   projects: { tenant_id: string; id: string; name: string };
 *   countries: { code: string };
 * }
 * const db = new Kysely<Database>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * const tables = { projects: own(), countries: shared() };
 * const tenant = scope(db, '0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90', tables);
 * tenant.selectFrom('projects').select('name').compile().sql;
 * // select "name" from "projects" where "projects"."tenant_id" = $1
 * ```
 */
export function scope<DB, const Tables extends DeclarationsOf<DB> | undefined = undefined>(
  db: Kysely<DB> | Transaction<DB>,
  tenantId: string,
  tables?: DeclaredTables<NoInfer<DB>, Tables>,
): TenantDb<DB, Tables> {
  return createScope({ db, ...(tables && { tables }) })(tenantId);
}
