import type { InspectedColumn, InspectedReference, SchemaTable } from './inspection.ts';
import { endsWith, isActor, isNamedAfter, nounsOf, stemOf, wordsOf } from './names.ts';
import { isPersonName } from './source-nouns.ts';

/** A column that could lead to another table, by its name and type. */
export interface ReferenceCandidate {
  readonly table: string;
  readonly column: InspectedColumn;
  readonly target: string;
  readonly targetColumn: string;
  /** How much the names say: 3 the table's own name, 2 a part of it or a shared one, 1 a role such as `owner_id`. */
  readonly strength: 1 | 2 | 3;
}

/** How many values of a candidate were looked up, and how many were found. */
export interface Lookup {
  /** The rows of its table. */
  readonly rows: number;
  readonly sampled: number;
  readonly found: number;
}

const families: Readonly<Record<string, string>> = {
  smallint: 'integer',
  integer: 'integer',
  bigint: 'integer',
  text: 'text',
  'character varying': 'text',
  character: 'text',
  uuid: 'uuid',
};

/** The foreign keys between the tables of a schema, as references whose rows are not counted yet. */
export function foreignReferences(tables: readonly SchemaTable[], schema: string): InspectedReference[] {
  const known = new Set(tables.map((table) => table.name));
  return tables.flatMap((table) =>
    table.foreignKeys
      .filter((key) => key.targetSchema === schema && known.has(key.target))
      .map((key) => ({
        table: table.name,
        columns: key.columns,
        target: key.target,
        targetColumns: key.targetColumns,
        constraint: key.name,
        onDelete: key.onDelete,
        nullable: key.columns.some((name) => table.columns.find((column) => column.name === name)?.notNull !== true),
        empty: 0,
        dangling: 0,
        sampled: 0,
        found: 0,
      })),
  );
}

/** Columns without a foreign key whose name speaks of another table and whose type is that of its key. */
export function referenceCandidates(tables: readonly SchemaTable[]): ReferenceCandidate[] {
  return tables.flatMap((table) => {
    const constrained = new Set(table.foreignKeys.flatMap((key) => key.columns));
    return table.columns
      .filter((column) => !constrained.has(column.name) && families[column.base] !== undefined)
      .flatMap((column) => tables.flatMap((target) => candidatesFor(table, column, target)));
  });
}

function candidatesFor(table: SchemaTable, column: InspectedColumn, target: SchemaTable): ReferenceCandidate[] {
  const keys = [target.primaryKey, ...target.uniques.filter((unique) => unique.plain).map((unique) => unique.columns)];
  return keys.flatMap((key) => {
    const targetColumn = key.length === 1 ? target.columns.find((candidate) => candidate.name === key[0]) : undefined;
    if (targetColumn === undefined || families[targetColumn.base] !== families[column.base]) return [];
    if (target === table && targetColumn === column) return [];
    const strength = strengthOf(table, column, target, targetColumn.name);
    return strength === 0
      ? []
      : [{ table: table.name, column, target: target.name, targetColumn: targetColumn.name, strength }];
  });
}

function strengthOf(table: SchemaTable, column: InspectedColumn, target: SchemaTable, key: string): 0 | 1 | 2 | 3 {
  const toKey = target.primaryKey.length === 1 && target.primaryKey[0] === key;
  const words = wordsOf(column.name);
  const nouns = nounsOf(target.name);
  if (!toKey) {
    const longName = words.length > 1 && column.name === key && target !== table;
    return longName || nouns.some((noun) => words.join(' ') === [...noun, ...wordsOf(key)].join(' ')) ? 2 : 0;
  }
  const stem = stemOf(column.name);
  if (target === table) return stem.length === 1 && stem[0] === 'parent' ? 1 : 0;
  if (isNamedAfter(column.name, target.name)) return 3;
  const pointed = stem.length < words.length;
  if (pointed && nouns.some((noun) => endsWith(stem, noun) || endsWith(noun, stem))) return 2;
  const role = stem.at(-1) === 'owner' || isActor([column.name]);
  return role && isPersonName(target.name) ? 1 : 0;
}

/**
 * The candidates that the data bears out, one for each column: the values are found, or there are none and the names
 * agree.
 */
export function acceptedReferences(candidates: readonly (ReferenceCandidate & Lookup)[]): {
  readonly accepted: InspectedReference[];
  readonly doubtful: (ReferenceCandidate & Lookup)[];
} {
  const columns = new Map<string, (ReferenceCandidate & Lookup)[]>();
  for (const candidate of candidates) {
    const id = JSON.stringify([candidate.table, candidate.column.name]);
    columns.set(id, [...(columns.get(id) ?? []), candidate]);
  }
  const accepted: InspectedReference[] = [];
  const doubtful: (ReferenceCandidate & Lookup)[] = [];
  for (const [best] of [...columns.values()].map((each) => each.sort((a, b) => weight(b) - weight(a)))) {
    if (best === undefined) continue;
    if (weight(best) > 0) accepted.push(asReference(best));
    else if (best.found > 0 && best.strength > 1) doubtful.push(best);
  }
  return { accepted, doubtful };
}

function weight({ strength, sampled, found, rows }: ReferenceCandidate & Lookup): number {
  if (sampled === 0) return strength === 3 && rows === 0 ? 0.5 : 0;
  const share = found / sampled;
  return share >= (strength === 1 ? 0.9 : 0.5) ? strength + share : 0;
}

function asReference({
  table,
  column,
  target,
  targetColumn,
  sampled,
  found,
}: ReferenceCandidate & Lookup): InspectedReference {
  return {
    table,
    columns: [column.name],
    target,
    targetColumns: [targetColumn],
    constraint: null,
    onDelete: 'nothing',
    nullable: !column.notNull,
    empty: 0,
    dangling: 0,
    sampled,
    found,
  };
}
