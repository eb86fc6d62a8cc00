import { TenantryError } from '../../core/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import type { AnyMigration } from '../definition.ts';
import { hasKey, keyText, type Model, type OwnTable } from '../model.ts';

/** The parts of a definition that are made of rows, beside the tenants; in the order in which they are made. */
export const partNames = ['members', 'subscriptions', 'apiKeys', 'grants', 'audit'] as const;

/** What rows of a table become. */
export type PartName = (typeof partNames)[number];

/** One part of a definition held against the catalogue. */
export interface Part {
  readonly name: PartName;
  /** The table of its rows. */
  readonly table: OwnTable;
}

/** Where rows and what was made of them are remembered, and how the tenant of a row is read. */
export interface PartStore {
  readonly people: string;
  readonly parts: string;
  /** The tenant of a row of a table, over its columns under `alias`. */
  readonly tenantOf: (table: OwnTable, alias: string) => string;
}

/** The store of a migration that runs: its tables, and the tenant column, which is filled before parts are made. */
export function liveStore(model: Model): PartStore {
  return {
    people: 'tenantry.migration_people',
    parts: 'tenantry.migration_parts',
    tenantOf: (_table, alias) => `${alias}.${quoteIdentifier(model.column)}`,
  };
}

/**
 * The parts of a definition, in the order in which they are made.
 *
 * @throws TenantryError `migration_definition_invalid` when a part names a table or column that cannot be.
 */
export function partsOf(model: Model): Part[] {
  const { definition, name: migration } = model;
  const found: Part[] = [];
  for (const name of partNames) {
    const part = definition[name];
    if (part === undefined) continue;
    const invalid = (path: string, problem: string): TenantryError =>
      new TenantryError('migration_definition_invalid', { migration, path: `${name}.${path}`, problem });
    const table = model.own.find((candidate) => candidate.name === part.source);
    if (table === undefined) throw invalid('source', `"${part.source}" is no table that tenants own`);
    if (!hasKey(table)) {
      throw invalid(
        'source',
        `"${part.source}" has neither a primary key nor a unique index over columns that are never NULL`,
      );
    }
    for (const [key, value] of [...Object.entries(part), ...Object.entries(roleOf(part))]) {
      const isColumn = typeof value === 'string' && !notColumns.includes(key);
      if (isColumn && !table.table.columns.some((column) => column.name === value)) {
        throw invalid(key, `there is no column "${value}" in "${table.name}"`);
      }
    }
    found.push({ name, table });
  }
  return found;
}

/** Properties of parts whose texts are no columns. */
const notColumns = ['source', 'scheme', 'onConflict', 'kind', 'others'];

function roleOf(part: object): object {
  return 'role' in part && typeof part.role === 'object' && part.role !== null && 'kind' in part.role ? part.role : {};
}

/** The part of a name; undefined where the definition has none. */
export function partOf(model: Model, name: PartName): Part | undefined {
  return partsOf(model).find((part) => part.name === name);
}

/** Whether tenants have members in the tables of organizations. */
export function hasMembers({ members, to }: AnyMigration): boolean {
  return members !== undefined && to.tenantKind === 'organization';
}

/** Whether a migration made an identifier: the library makes those of version 7, a migration hashes of version 8. */
export function madeHere(id: string): string {
  return `substr(${id}::text, 15, 1) = '8'`;
}

/** When the migration was made: the time of rows that have none. */
export function beginningSql(model: Model): string {
  return `(select created_at from tenantry.migrations where name = ${quoteLiteral(model.name)})`;
}

/** The columns that all parts have: the key of a row, and its tenant. */
export function keyColumns(store: PartStore, table: OwnTable): Record<'k' | 'tenant_id', string> {
  const alias = quoteIdentifier(table.name);
  return { k: keyText(table.key, alias), tenant_id: store.tenantOf(table, alias) };
}

/** A SELECT of named expressions over rows of a table, which have the table's own name. */
export function selectSql(columns: Readonly<Record<string, string>>, from: string, table: OwnTable): string {
  const list = Object.entries(columns).map(([name, value]) => `${value} as ${name}`);
  return `select ${list.join(',\n    ')} from ${from} as ${quoteIdentifier(table.name)}`;
}

/** The name under which rows of which nothing could be made are recorded, beside the quarantine of the table itself. */
export function asideName(part: Part): string {
  return `${part.table.name} as ${part.name}`;
}
