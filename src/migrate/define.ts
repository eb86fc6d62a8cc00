import { TenantryError } from '../core/index.ts';
import type {
  AnyMigration,
  MigrationDefinition,
  RoleRule,
  SharedRule,
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
    const { name, tables, tenants, members, apiKeys } = definition;
    const invalid = (path: string, problem: string): TenantryError =>
      new TenantryError('migration_definition_invalid', { migration: name, path, problem });
    if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) {
      throw invalid('name', 'must be 1 to 63 characters of a-z, 0-9, - and _');
    }
    if (tenants.sameTenant.length === 0) throw invalid('tenants.sameTenant', 'must name at least one column or SQL');
    for (const [path, part] of Object.entries({ members, apiKeys })) {
      if (part !== undefined && part.source !== tenants.source) {
        throw invalid(`${path}.source`, `must be the source of the tenants, "${tenants.source}"`);
      }
    }
    if (Object.hasOwn(tables, tenants.source)) {
      throw invalid(`tables.${tenants.source}`, 'is the source of the tenants and needs no rule');
    }
    return definition;
  };
}

/**
 * The rows find their tenant through a column, or through the columns of a composite key: a foreign key to another
 * table, or the key of a source row.
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

/** The table belongs to no tenant; all of them read it. */
export function shared(): SharedRule {
  return { kind: 'shared' };
}

/** The migration leaves the table as it is, and tenants do not read it. */
export function untouched(): UntouchedRule {
  return { kind: 'untouched' };
}

/** Rows that lead to no tenant are moved aside with their reason, and come back on rollback. */
export function quarantine(): UnresolvedPolicy {
  return { kind: 'quarantine' };
}

/** Rows that lead to no tenant go to the tenant of the source row with this key. */
export function defaultTenant(sourceKey: string): UnresolvedPolicy {
  return { kind: 'default-tenant', sourceKey };
}

/** The oldest member of a tenant becomes its owner; the others get the role `others`, `member` when absent. */
export function firstIsOwner<const Column extends string>({
  by,
  others = 'member',
}: {
  readonly by: Column;
  readonly others?: string;
}): RoleRule<Column> {
  return { kind: 'first-is-owner', by, others };
}
