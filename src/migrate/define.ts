import type { RawBuilder } from 'kysely';
import { isTenantryError, TenantryError } from '../core/index.ts';
import { checkSlug } from '../core/slug.ts';
import type {
  AnyMigration,
  DerivedTable,
  LookupRule,
  MigrationDefinition,
  RoleRule,
  SharedRule,
  SourceExpression,
  SqlRule,
  UnresolvedPolicy,
  UntouchedRule,
  ViaRule,
} from './definition.ts';

/**
 * Declares a migration. The first call names the type of the legacy database, so that every table must be classified and
 * every column exists.
 *
 * @throws TenantryError `migration_definition_invalid` when the name or a rule cannot be.
 *
 * @example
 * ```ts
 * import { hybridSeats, perUser } from 'tenantry';
 * import { defineMigration, firstIsOwner, via } from 'tenantry/migrate';
 *
 * interface Legacy {
 *   customers: { id: number; email: string; created_at: Date };
 *   projects: { id: number; customer_id: number };
 * }
 * export const migration = defineMigration<Legacy>()({
 *   name: 'customers-to-organizations',
 *   from: perUser(),
 *   to: hybridSeats({ plan: 'team' }),
 *   tenants: { source: 'customers', sameTenant: ['id'], name: 'email' },
 *   members: { source: 'customers', userId: 'id', email: 'email', role: firstIsOwner({ by: 'created_at' }) },
 *   tables: { projects: via('customer_id') },
 * });
 * ```
 */
export function defineMigration<DB>(): <const Source extends keyof DB & string>(
  definition: MigrationDefinition<DB, Source>,
) => AnyMigration {
  return (definition) => {
    const { name, tables, tenants } = definition;
    const invalid = (path: string, problem: string): TenantryError =>
      new TenantryError('migration_definition_invalid', { migration: name, path, problem });
    if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) {
      throw invalid('name', 'must be 1 to 63 characters of a-z, 0-9, - and _');
    }
    if (tenants.sameTenant.length === 0) throw invalid('tenants.sameTenant', 'must name at least one column or SQL');
    refuseParts(definition, invalid);
    refuseFallback(definition, invalid);
    if (Object.hasOwn(tables, tenants.source)) {
      throw invalid(`tables.${tenants.source}`, 'is the source of the tenants and needs no rule');
    }
    return definition;
  };
}

/** Refuses a fallback that the strategy has no place for, and rules that lead to one which is not there. */
function refuseFallback(
  { tenants: { fallback }, tables, derived = {}, to }: AnyMigration,
  invalid: (path: string, problem: string) => TenantryError,
): void {
  const rules = [
    ...Object.entries(tables).map(([name, rule]) => [`tables.${name}`, rule] as const),
    ...Object.entries(derived).map(([name, { tenant }]) => [`derived.${name}.tenant`, tenant] as const),
  ];
  for (const [path, rule] of rules) {
    const policy = 'unresolved' in rule ? rule.unresolved : undefined;
    if (policy?.kind === 'default-tenant' && policy.sourceKey === undefined && fallback === undefined) {
      throw invalid(
        `${path}.unresolved`,
        'leads to tenants.fallback, which is not there: name it, or the key of a row',
      );
    }
  }
  if (fallback === undefined) return;
  if (to.tenantKind !== 'organization')
    throw invalid('tenants.fallback', `is an organization, and ${to.name} has none`);
  if (fallback.name.trim() === '') throw invalid('tenants.fallback.name', 'is empty');
  try {
    if (fallback.slug !== undefined) checkSlug(fallback.slug);
  } catch (error) {
    if (!isTenantryError(error, 'slug_invalid')) throw error;
    throw invalid('tenants.fallback.slug', error.details.problem);
  }
}

/** Refuses parts whose rows have no tenant, or which the strategy has no place for. */
function refuseParts(
  { tenants, members, apiKeys, subscriptions, grants, audit, tables, to }: AnyMigration,
  invalid: (path: string, problem: string) => TenantryError,
): void {
  for (const [path, part] of Object.entries({ members, apiKeys, subscriptions, grants, audit })) {
    if (part === undefined || part.source === tenants.source) continue;
    const rule = tables[part.source]?.kind;
    if (rule === undefined || rule === 'shared' || rule === 'untouched') {
      throw invalid(
        `${path}.source`,
        `must be a table whose rows have a tenant; "${part.source}" is ${rule ?? 'none'}`,
      );
    }
  }
  if (apiKeys?.userId !== undefined && members === undefined) {
    throw invalid('apiKeys.userId', 'names a user, and without members there are none');
  }
  if (grants !== undefined && (members === undefined || to.tenantKind !== 'organization')) {
    throw invalid(
      'grants',
      `are for members, and ${members === undefined ? 'none are defined' : `${to.name} has none`}`,
    );
  }
  if (subscriptions !== undefined && tenants.provider?.status !== undefined) {
    throw invalid('tenants.provider.status', 'says how a tenant stands, and so do subscriptions: leave one out');
  }
}

/**
 * The rows find their tenant through a column, or through the columns of a composite key: a foreign key to another
 * table, or the key of a source row.
 *
 * @example
 * ```ts
 * import { via } from 'tenantry/migrate';
 *
 * const tables = { projects: via('customer_id'), notes: via('project_id'), shares: via(['company_id', 'project_no']) };
 * ```
 */
export function via<const Column extends string>(
  column: Column | readonly Column[],
  {
    to,
    key,
    unresolved = { kind: 'fail' },
  }: { readonly to?: string; readonly key?: string | readonly string[]; readonly unresolved?: UnresolvedPolicy } = {},
): ViaRule<Column> {
  return {
    kind: 'via',
    column,
    unresolved,
    ...(to === undefined ? {} : { to }),
    ...(key === undefined ? {} : { key }),
  };
}

/**
 * The rows find their tenant through a table that says which value belongs to which source row:
 * `lookup('domain', { table: 'company_domains', key: 'domain', gives: 'customer_id' })`.
 *
 * @example
 * ```ts
 * import { lookup } from 'tenantry/migrate';
 *
 * const mails = lookup('domain', { table: 'company_domains', key: 'domain', gives: 'customer_id' });
 * ```
 */
export function lookup<const Column extends string>(
  column: Column,
  {
    unresolved = { kind: 'fail' },
    ...to
  }: { readonly table: string; readonly key: string; readonly gives: string; readonly unresolved?: UnresolvedPolicy },
): LookupRule<Column> {
  return { kind: 'lookup', column, unresolved, ...to };
}

/**
 * The rows find their tenant by SQL over their own columns, whose value is the key of a source row. The columns are those
 * of the table under its own name; SQL may read other tables too.
 *
 * @example
 * ```ts
 * import { sql } from 'kysely';
 * import { bySql } from 'tenantry/migrate';
 *
 * const calls = bySql(sql`(select customer_id from phones where phones.number = calls.dialled)`);
 * ```
 */
export function bySql(
  sourceKey: RawBuilder<unknown>,
  { unresolved = { kind: 'fail' } }: { readonly unresolved?: UnresolvedPolicy } = {},
): SqlRule {
  return { kind: 'sql', sourceKey, unresolved };
}

/**
 * A table that the migration makes and fills from the rows of others; see {@link DerivedTable}.
 *
 * @example
 * ```ts
 * import { sql } from 'kysely';
 * import { derived, via } from 'tenantry/migrate';
 *
 * const settings = derived({
 *   columns: { customer_id: 'bigint', language: 'text' },
 *   key: ['customer_id'],
 *   tenant: via('customer_id', { to: 'customers' }),
 *   select: sql`select id as customer_id, language from customers`,
 *   follows: { customers: { id: 'customer_id' } },
 * });
 * ```
 */
export function derived(table: DerivedTable): DerivedTable {
  return table;
}

/**
 * The table belongs to no tenant; all of them read it.
 *
 * @example
 * ```ts
 * import { shared, via } from 'tenantry/migrate';
 *
 * const tables = { projects: via('customer_id'), countries: shared() };
 * ```
 */
export function shared(): SharedRule {
  return { kind: 'shared' };
}

/**
 * The migration leaves the table as it is, and tenants do not read it.
 *
 * @example
 * ```ts
 * import { untouched, via } from 'tenantry/migrate';
 *
 * const tables = { projects: via('customer_id'), old_imports: untouched() };
 * ```
 */
export function untouched(): UntouchedRule {
  return { kind: 'untouched' };
}

/**
 * Rows that lead to no tenant are moved aside with their reason, and come back on rollback.
 *
 * @example
 * ```ts
 * import { quarantine, via } from 'tenantry/migrate';
 *
 * const calls = via('customer_id', { unresolved: quarantine() });
 * ```
 */
export function quarantine(): UnresolvedPolicy {
  return { kind: 'quarantine' };
}

/**
 * Rows that lead to no tenant go to the tenant of the source row with this key, or to `tenants.fallback` without one.
 *
 * @example
 * ```ts
 * import { defaultTenant, via } from 'tenantry/migrate';
 *
 * const notes = via('customer_id', { unresolved: defaultTenant('1') }); // what is nobody's goes to customer 1
 * ```
 */
export function defaultTenant(sourceKey?: string): UnresolvedPolicy {
  return { kind: 'default-tenant', ...(sourceKey === undefined ? {} : { sourceKey }) };
}

/**
 * A column or SQL says the role. Where nobody of a tenant is said to be its `owner` the oldest becomes it: by the column
 * `by`, or the primary key.
 *
 * @example
 * ```ts
 * import { sql } from 'kysely';
 * import { roleFrom } from 'tenantry/migrate';
 *
 * const role = roleFrom(sql`case when is_boss then 'owner' else 'member' end`);
 * ```
 */
export function roleFrom(role: RawBuilder<unknown>): RoleRule<never>;
export function roleFrom<const Column extends string>(
  role: SourceExpression<Column>,
  options?: { readonly by?: Column },
): RoleRule<Column>;
export function roleFrom<const Column extends string>(
  role: SourceExpression<Column>,
  { by }: { readonly by?: Column } = {},
): RoleRule<Column> {
  return { kind: 'expression', role, ...(by === undefined ? {} : { by }) };
}

/**
 * The oldest member of a tenant becomes its owner; the others get the role `others`, `member` when absent.
 *
 * @example
 * ```ts
 * import { firstIsOwner } from 'tenantry/migrate';
 *
 * const role = firstIsOwner({ by: 'created_at', others: 'therapist' });
 * ```
 */
export function firstIsOwner<const Column extends string>({
  by,
  others = 'member',
}: {
  readonly by: Column;
  readonly others?: string;
}): RoleRule<Column> {
  return { kind: 'first-is-owner', by, others };
}
