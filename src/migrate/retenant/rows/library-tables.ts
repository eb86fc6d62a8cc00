import { TenantryError } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import { quoteIdentifier } from '../../../database/isolation-sql.ts';
import { librarySchema } from '../../../database/roles.ts';
import type { Strategy } from '../../../tenancy/index.ts';
import { qualified } from '../../sql-text.ts';
import type { PeoplePolicies } from '../people/index.ts';
import { libraryRules, peopleTables, recordTables, stayingTables } from './library-rules.ts';
import { type FoundTable, readRowCatalogue } from './read-catalogue.ts';
import { rowTable } from './row-table.ts';
import type { RowModel, RowTable } from './table.ts';

/** The name under which members are known among the tables of a re-tenanting. */
export const membersName = `${librarySchema}.members`;

/** The library's part of a model. */
export type LibraryTables = Pick<RowModel, 'tables' | 'people' | 'unknown' | 'staying' | 'memberless' | 'anew'>;

/** What is asked of a definition here. */
export interface LibraryAsked {
  readonly name: string;
  readonly to: Pick<Strategy, 'tenantKind'>;
  readonly people?: Partial<PeoplePolicies> | undefined;
}

/**
 * Reads the tables of the library that hold rows of tenants from the database and not from a list, so that none can be
 * forgotten: each is carried by a rule, or worked out with the people, or stays, or is unknown.
 *
 * @throws TenantryError `migration_right_missing` when the role sees not all of their rows.
 */
export async function readLibraryTables(
  db: AnyDatabase,
  { name: migration, to, people = {} }: LibraryAsked,
): Promise<LibraryTables> {
  const all = await readRowCatalogue(db, librarySchema);
  const found = all.filter(
    ({ name, columns }) => !recordTables.test(name) && columns.some((column) => column.name === 'tenant_id'),
  );
  const blind = found.find(({ name, sighted }) => !sighted && (peopleTables.includes(name) || name in libraryRules));
  if (blind !== undefined) {
    throw new TenantryError('migration_right_missing', {
      migration,
      table: `${librarySchema}.${blind.name}`,
      right: 'sight of all rows past its row-level security',
      remedy: 'grant tenantry_service to the role that runs this;',
    });
  }
  const ruled = found.filter(({ name }) => Object.hasOwn(libraryRules, name));
  const made = new Map<string, RowTable>();
  const names = [...ruled.map(({ name }) => name), 'members'];
  const make = (table: FoundTable): RowTable => {
    const one = libraryTable(table, names, all, migration);
    made.set(one.name, one);
    return one;
  };
  const members = found.filter(({ name }) => name === 'members').map(make);
  const known = new Set([...names, ...peopleTables, ...stayingTables]);
  return {
    memberless: to.tenantKind !== 'organization',
    anew: people.usage === 'anew',
    tables: parentsFirst(ruled.map(make)),
    people: members,
    unknown: found.filter(({ name }) => !known.has(name)).map(bareTable),
    staying: found.filter(({ name }) => stayingTables.includes(name)).map(bareTable),
  };
}

function libraryTable(
  table: FoundTable,
  names: readonly string[],
  found: readonly FoundTable[],
  migration: string,
): RowTable {
  const rule = libraryRules[table.name] ?? {};
  const invalid = (path: string, problem: string): TenantryError =>
    new TenantryError('migration_definition_invalid', { migration, path: `${librarySchema}.${path}`, problem });
  const row = rowTable(
    table,
    { kind: 'whole', ...(rule.key && { key: rule.key }) },
    { schema: librarySchema, usual: 'tenant_id', names, found, library: [], tenantOf: () => 'tenant_id', invalid },
  );
  const { uniques = {}, alike } = rule;
  const told = row.uniques.map((unique) => ({
    ...unique,
    policy: uniques[unique.name] ?? uniques[unique.index] ?? unique.policy,
  }));
  const virtual =
    alike === undefined
      ? []
      : [
          {
            name: alike.columns.join(', '),
            index: '',
            parts: alike.columns.map(quoteIdentifier),
            condition: null,
            nullsEqual: true,
            policy: alike.policy,
          },
        ];
  return {
    ...row,
    name: `${librarySchema}.${table.name}`,
    references: row.references.map((one) => ({ ...one, parent: `${librarySchema}.${one.parent}` })),
    uniques: [...told, ...virtual],
    triggers: [],
    library: rule,
  };
}

/** A table of which only the tenant of its rows is known. */
function bareTable({ name, columns }: FoundTable): RowTable {
  return {
    name: `${librarySchema}.${name}`,
    sql: qualified(librarySchema, name),
    column: 'tenant_id',
    key: [],
    globalKey: false,
    columns: columns.filter((column) => column.name !== 'tenant_id'),
    uniques: [],
    references: [],
    rule: { kind: 'whole' },
    follows: null,
    triggers: [],
    library: {},
  };
}

/** A table after those to which it refers; one that refers to itself is no circle. */
function parentsFirst(tables: readonly RowTable[]): RowTable[] {
  const ordered: RowTable[] = [];
  const left = new Set(tables);
  while (left.size > 0) {
    const waits = ({ name, references }: RowTable): boolean =>
      references.some(({ parent }) => parent !== name && [...left].some((other) => other.name === parent));
    const next = [...left].find((table) => !waits(table)) ?? [...left][0];
    if (next === undefined) break;
    left.delete(next);
    ordered.push(next);
  }
  return ordered;
}
