import type { AnyDatabase } from '../../database/index.ts';
import type { InspectedReference } from './inspection.ts';
import { lookupSql, lossSql, measure, type Place } from './probes.ts';
import {
  acceptedReferences,
  foreignReferences,
  type Lookup,
  type ReferenceCandidate,
  referenceCandidates,
} from './references.ts';

/** Where columns lead, and candidates of which the data bears out a part only. */
export interface FoundReferences {
  readonly references: readonly InspectedReference[];
  readonly doubtful: readonly (ReferenceCandidate & Lookup)[];
}

/** Finds where columns lead, by foreign keys and by looking values up, and counts the rows that lead nowhere. */
export async function findReferences(tx: AnyDatabase, place: Place): Promise<FoundReferences> {
  const tables = [...place.tables.values()];
  const candidates = referenceCandidates(tables);
  const looked = await measure(
    tx,
    candidates.map((candidate) => lookupSql(place, candidate)),
  );
  const { accepted, doubtful } = acceptedReferences(
    candidates.map((candidate, at) => ({
      ...candidate,
      rows: place.tables.get(candidate.table)?.rows ?? 0,
      sampled: looked[at]?.sampled ?? 0,
      found: looked[at]?.found ?? 0,
    })),
  );
  const references = [...foreignReferences(tables, place.schema), ...accepted];
  const open = references.filter((reference) => mayLead(reference, place.tables));
  const lost = await measure(
    tx,
    open.map((reference) => lossSql(place, reference)),
  );
  const losses = new Map(open.map((reference, at) => [reference, lost[at]]));
  return {
    references: references.map((reference) => ({
      ...reference,
      empty: losses.get(reference)?.empty ?? 0,
      dangling: losses.get(reference)?.dangling ?? 0,
    })),
    doubtful,
  };
}

/** Whether rows may leave a reference empty or dangling; a foreign key over filled columns allows neither. */
function mayLead({ table, constraint, nullable }: InspectedReference, tables: Place['tables']): boolean {
  if (constraint === null || nullable) return true;
  return tables.get(table)?.foreignKeys.find((key) => key.name === constraint)?.validated !== true;
}
