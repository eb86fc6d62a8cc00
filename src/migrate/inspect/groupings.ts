import type { AnyDatabase } from '../../database/index.ts';
import { quoteIdentifier } from '../../database/isolation-sql.ts';
import type { Grouping, InspectedReference, KeyDigests, SchemaTable } from './inspection.ts';
import { isDigest } from './is-digest.ts';
import { wordsOf } from './names.ts';
import { digestSql, domainSql, groupSql, looseSql, measure, type Place } from './probes.ts';
import { sourceKindOf } from './source-nouns.ts';

const textual = /^(text|character varying|character|citext)$/;

/** By what several source rows could be one tenant, by the names of columns: `by` as in a definition. */
function groupingCandidates(
  source: SchemaTable,
  references: readonly InspectedReference[],
): Pick<Grouping, 'label' | 'by'>[] {
  return source.columns.flatMap((column): Pick<Grouping, 'label' | 'by'>[] => {
    if (source.primaryKey.includes(column.name)) return [];
    const label = `"${column.name}"`;
    const asItIs = { label, by: { column: column.name } };
    const text = textual.test(column.base);
    const words = wordsOf(column.name);
    const leads = references.find(({ table, columns }) => table === source.name && columns[0] === column.name);
    if (words.includes('email') || words.includes('mail'))
      return text ? [{ label: `the domain of "${column.name}"`, by: { sql: domainSql(column.name) } }] : [];
    if (leads !== undefined && sourceKindOf(leads.target).kind !== 'other') return [asItIs];
    if (!namesGroup(words)) return [];
    const isId = words.length > 1 && /^(id|uuid|key|ref|number|no)$/.test(words.at(-1) ?? '');
    return text && !isId ? [{ label, by: { sql: looseSql(column.name) } }] : [asItIs];
  });
}

const groupWords = new Set(
  'organization organisation org company workspace tenant team firm agency account group domain stripe paddle billing vat employer'.split(
    ' ',
  ),
);

function namesGroup(words: readonly string[]): boolean {
  return (
    words.some((word) => groupWords.has(word)) &&
    !words.some((word) => /^(status|state|type|at|role|address|plan|count|email)$/.test(word))
  );
}

/** Counts what each grouping would make; those that join nobody are left out. */
export async function findGroupings(
  tx: AnyDatabase,
  place: Place,
  references: readonly InspectedReference[],
): Promise<Grouping[]> {
  const source = place.tables.get(place.source);
  if (source === undefined) return [];
  const candidates = groupingCandidates(source, references);
  const counts = await measure(
    tx,
    candidates.map(({ by }) => groupSql(place, 'column' in by ? `t.${quoteIdentifier(by.column)}` : by.sql)),
  );
  return candidates.flatMap((candidate, at) => {
    const { groups = 0, rows = 0, largest = 0 } = counts[at] ?? {};
    return largest < 2 ? [] : [{ ...candidate, groups, rows, largest, tenants: groups + source.rows - rows }];
  });
}

/** Looks for a column of the source that holds digests of API keys, and at what it holds. */
export async function findKeys(tx: AnyDatabase, place: Place): Promise<KeyDigests | null> {
  const column = place.tables.get(place.source)?.columns.find(isDigest);
  if (column === undefined) return null;
  const [found] = await measure(tx, [digestSql(place, column.name)]);
  const { rows = 0, hex = 0, base64 = 0, doubled = 0 } = found ?? {};
  const scheme =
    rows === 0 || (hex < rows / 2 && base64 < rows / 2) ? null : hex >= base64 ? 'sha256-hex' : 'sha256-base64';
  const invalid = rows - (scheme === 'sha256-base64' ? base64 : hex);
  return { column: column.name, scheme, rows, invalid, doubled };
}
