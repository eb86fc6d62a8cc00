import { appRole, serviceRole, tenantSetting } from './roles.ts';

/** A table of a tenant's own, for which isolation statements are written. */
export interface IsolatedTable {
  /** Schema of the table; `public` when absent. */
  readonly schema?: string;
  readonly table: string;
  /** The column that holds the tenant, of type uuid; `tenant_id` when absent. */
  readonly column?: string;
}

/** Quotes an identifier for PostgreSQL. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a text as a PostgreSQL string literal. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/** The tenant of the running transaction as SQL; NULL when there is none. */
export const currentTenantSql = `nullif(current_setting('${tenantSetting}', true), '')::uuid`;

/**
 * The statements, in order, that put a table of a tenant's own under row-level security: enabled and forced, a policy
 * for the tenant of the transaction and one for the service role, and the application role's rights. The policy
 * compares the bare column, so that an index that begins with it is used.
 *
 * @example
 * ```ts
 * import { isolateTable } from 'tenantry/database';
 *
 * for (const statement of isolateTable({ table: 'projects' })) console.log(`${statement};`);
 * ```
 */
export function isolateTable({ schema = 'public', table, column = 'tenant_id' }: IsolatedTable): string[] {
  const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
  const tenant = `${quoteIdentifier(column)} = ${currentTenantSql}`;
  return [
    `alter table ${name} enable row level security`,
    `alter table ${name} force row level security`,
    `create policy tenantry_tenant on ${name} using (${tenant}) with check (${tenant})`,
    `create policy tenantry_service on ${name} to ${serviceRole} using (true) with check (true)`,
    `grant select, insert, update, delete on ${name} to ${appRole}`,
  ];
}

/**
 * The statements that take a table out of row-level security again, the inverse of {@link isolateTable}.
 *
 * @example
 * ```ts
 * import { unisolateTable } from 'tenantry/database';
 *
 * const [first] = unisolateTable({ table: 'notes' });
 * console.log(first); // revoke select, insert, update, delete on "public"."notes" from tenantry_app
 * ```
 */
export function unisolateTable({ schema = 'public', table }: IsolatedTable): string[] {
  const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
  return [
    `revoke select, insert, update, delete on ${name} from ${appRole}`,
    `drop policy if exists tenantry_service on ${name}`,
    `drop policy if exists tenantry_tenant on ${name}`,
    `alter table ${name} no force row level security`,
    `alter table ${name} disable row level security`,
  ];
}
