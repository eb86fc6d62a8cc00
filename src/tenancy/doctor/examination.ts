import type { TableDeclaration } from '../tables.ts';
import type { Catalogue, ColumnRow, PolicyRow, RelationRow } from './catalogue.ts';
import { groupBy } from './group-by.ts';
import type { Setup } from './read/read-setup.ts';

/** A table whose rows belong to tenants. */
export interface OwnRelation {
  readonly relation: RelationRow;
  readonly column: ColumnRow;
  /** What it stands below: nothing, a partitioned table, or one that it inherits from. */
  readonly below: 'nothing' | 'partitioned' | 'inherited';
}

/** A database as the checks see it. */
export interface Examination {
  readonly setup: Setup;
  readonly catalogue: Catalogue;
  readonly setting: string;
  /** Tables of the application that belong to tenants, partitions and inheriting ones too, by number. */
  readonly own: ReadonlyMap<string, OwnRelation>;
  /** Tables of the application without the tenant's column that nobody declared shared. */
  readonly homeless: readonly { readonly relation: RelationRow; readonly column: string }[];
  /** Tables of the application that all tenants read, by number. */
  readonly shared: ReadonlySet<string>;
  /** Views, materialized views and foreign tables of the application. */
  readonly others: readonly RelationRow[];
  /** The library's own tables. */
  readonly library: readonly RelationRow[];
  /** Relations by number. */
  readonly byOid: ReadonlyMap<string, RelationRow>;
  /** Policies by the number of their table. */
  readonly policies: ReadonlyMap<string, readonly PolicyRow[]>;
  /** The bodies of the application's functions, by number. */
  readonly bodies: ReadonlyMap<string, string>;
  /** The roles in question. */
  readonly roles: ReadonlySet<string>;
}

/** What {@link examine} is made from. */
export interface ExaminationInput {
  readonly setup: Setup;
  readonly catalogue: Catalogue;
  readonly setting: string;
  readonly librarySchema: string;
  readonly tenantColumn: string;
  readonly declared: ReadonlyMap<string, TableDeclaration>;
  readonly shared: ReadonlySet<string>;
}

/** Sorts the relations of a database by whose rows they hold. */
export function examine(input: ExaminationInput): Examination {
  const { setup, catalogue, setting, librarySchema, tenantColumn } = input;
  const roles = new Set(setup.roles.map(({ name }) => name));
  // The service role sees all tenants by design; what it may do beyond that is asked of the catalogue.
  const relations = catalogue.relations.map((relation) => ({
    ...relation,
    grants: relation.grants.filter(({ role }) => role === 'public' || roles.has(role)),
  }));
  const byOid = new Map<string, RelationRow>(relations.map((relation) => [relation.oid, relation]));
  const own = new Map<string, OwnRelation>();
  const homeless: { relation: RelationRow; column: string }[] = [];
  const shared = new Set<string>();
  const others: RelationRow[] = [];
  const library: RelationRow[] = [];
  for (const relation of relations) {
    if (relation.schema === librarySchema) {
      if (isTable(relation)) library.push(relation);
      continue;
    }
    const declaration = declarationOf(rootOf(relation, byOid), input);
    if (declaration?.kind === 'shared') {
      shared.add(relation.oid);
      continue;
    }
    if (!isTable(relation)) {
      others.push(relation);
      continue;
    }
    const name = declaration?.column ?? tenantColumn;
    const column = relation.columns.find((candidate) => candidate.name === name);
    if (column !== undefined) own.set(relation.oid, { relation, column, below: belowOf(relation) });
    else if (relation.parent === null || !byOid.has(relation.parent)) homeless.push({ relation, column: name });
  }
  const policies = groupBy(catalogue.policies, ({ table }) => table);
  const bodies = new Map(catalogue.routines.map(({ oid, body }) => [oid, body]));
  return { setup, catalogue, setting, own, homeless, shared, others, library, byOid, policies, bodies, roles };
}

function isTable({ kind }: RelationRow): boolean {
  return kind === 'r' || kind === 'p';
}

function belowOf({ parent, partition }: RelationRow): OwnRelation['below'] {
  if (parent === null) return 'nothing';
  return partition ? 'partitioned' : 'inherited';
}

/** Whose rows a partition or an inheriting table holds, its topmost table says. */
function rootOf(relation: RelationRow, byOid: ReadonlyMap<string, RelationRow>): RelationRow {
  const parent = relation.parent === null ? undefined : byOid.get(relation.parent);
  return parent === undefined ? relation : rootOf(parent, byOid);
}

function declarationOf(
  { schema, name, visible }: RelationRow,
  { declared, shared }: ExaminationInput,
): TableDeclaration | undefined {
  const names = visible || schema === 'public' ? [name, `${schema}.${name}`] : [`${schema}.${name}`];
  if (names.some((candidate) => shared.has(candidate))) return { kind: 'shared', writable: false };
  return names.map((candidate) => declared.get(candidate)).find((found) => found !== undefined);
}

/** The tables of tenants that stand for themselves: no partitions and none that inherit. */
export function mainTables({ own }: Examination): OwnRelation[] {
  return [...own.values()].filter(({ below }) => below === 'nothing');
}

/** Every relation in which rows of tenants stand, the library's too. */
export function tenantRelations({ own, library }: Examination): RelationRow[] {
  return [...[...own.values()].map(({ relation }) => relation), ...library.filter(({ rowSecurity }) => rowSecurity)];
}
