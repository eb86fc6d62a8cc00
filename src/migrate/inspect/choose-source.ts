import type { InspectedColumn, InspectedReference, SchemaTable, SourceCandidate } from './inspection.ts';
import { bookkeeperOf, isActor, isArchiveName, stemOf, wordsOf } from './names.ts';
import { sourceKindOf } from './source-nouns.ts';

/** Scores under this belong to tables that no tenant is made from. */
const least = 3;

const features: readonly (readonly [score: number, test: (column: InspectedColumn) => boolean])[] = [
  [1, ({ name }) => wordsOf(name).includes('email') || wordsOf(name).includes('mail')],
  [1.5, ({ name }) => /stripe|paddle|billing|subscription/i.test(name)],
  [0.5, ({ name, base }) => /created|joined|registered|signed|inserted|since/i.test(name) && /time|date/.test(base)],
  [0.5, ({ name }) => /password|api_?key/i.test(name)],
  [0.5, ({ name }) => /^(name|company|company_name|slug|domain|display_name|full_name|title)$/i.test(name)],
];

/**
 * The tables that tenants could be made from, best first: most tables lead to such a table, directly or through others,
 * and its name and columns speak of people, payers or organizations rather than of a look-up.
 */
export function rankSources(
  tables: readonly SchemaTable[],
  references: readonly InspectedReference[],
): SourceCandidate[] {
  const others = Math.max(1, tables.length - 1);
  const filled = tables.some((table) => table.rows > 0);
  return tables
    .filter((table) => table.primaryKey.length > 0 && !isArchiveName(table.name) && bookkeeperOf(table.name) === null)
    .map((table) => {
      const leading = tablesLeadingTo(table.name, references).size;
      const name = sourceKindOf(table.name).score;
      const signs = features.flatMap(([score, test]) => {
        const column = table.columns.find(test);
        return column === undefined ? [] : [{ score, column: column.name }];
      });
      const looks = signs.reduce((sum, sign) => sum + sign.score, 0);
      const lookUp = name === 0 && looks < 1 && (table.rows <= 300 || table.columns.length <= 3) ? -2 : 0;
      const empty = filled && table.rows === 0 ? -6 : 0;
      const above = standsAbove(table.name, tables, references) ? 2.5 : 0;
      const score = Math.round((name + (4 * leading) / others + looks + lookUp + empty + above) * 100) / 100;
      return {
        table: table.name,
        score,
        leading,
        reason: reasonOf(
          leading,
          others,
          signs.map((sign) => sign.column),
        ),
      };
    })
    .filter(({ score }) => score >= least)
    .filter(({ leading }, _, all) => leading > 0 || all.every((candidate) => candidate.leading === 0))
    .sort((a, b) => b.score - a.score || a.table.localeCompare(b.table));
}

/**
 * Whether rows of another table that tenants could be made from belong to rows of this one, as users do to organizations.
 * Who owns an organization stands below it all the same.
 */
function standsAbove(
  table: string,
  tables: readonly SchemaTable[],
  references: readonly InspectedReference[],
): boolean {
  const mine = sourceKindOf(table);
  return references.some((reference) => {
    const theirs = sourceKindOf(reference.table);
    const belongs = reference.target === table && reference.table !== table && !reference.nullable;
    const role = isActor(reference.columns) || stemOf(reference.columns[0] ?? '').includes('owner');
    const known = tables.some(({ name, primaryKey }) => name === reference.table && primaryKey.length > 0);
    const peers =
      mine.score >= 4 && theirs.score >= 4 && (theirs.kind !== 'organization' || mine.kind === 'organization');
    return belongs && known && peers && !role;
  });
}

/** The tables from which references lead to a table, directly or through others. */
function tablesLeadingTo(table: string, references: readonly InspectedReference[]): Set<string> {
  const found = new Set<string>();
  const open = [table];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const reference of references) {
      if (reference.target !== at || reference.table === table || found.has(reference.table)) continue;
      found.add(reference.table);
      open.push(reference.table);
    }
  }
  return found;
}

function reasonOf(leading: number, others: number, columns: readonly string[]): string {
  const has = columns.length === 0 ? '' : `, and it has ${columns.map((name) => `"${name}"`).join(', ')}`;
  return `${leading} of ${others} other tables lead here, directly or through others${has}.`;
}

/** How sure the choice of the best candidate is, by its distance from the next. */
export function sourceConfidence(candidates: readonly SourceCandidate[]): number {
  const [first, second] = candidates;
  if (first === undefined) return 0;
  return Math.round((0.5 + Math.min(0.45, (first.score - (second?.score ?? 0)) / 10)) * 100) / 100;
}
