import type { Grouping } from './inspection.ts';
import { counted } from './names.ts';
import type { Asked, Draft } from './questions.ts';
import { sourceKindOf } from './source-nouns.ts';

/** Whether tenants are made from the right table. */
export function sourceQuestions({ source, candidates }: Asked): Draft[] {
  const at = candidates.find((candidate) => candidate.table === source);
  const next = candidates.find((candidate) => candidate.table !== source);
  if (next === undefined || at === undefined || at.score - next.score > 2.5) return [];
  const text = `Are tenants made from "${source}"? "${next.table}" would do too: ${next.reason} Inspect with { source: '${next.table}' } to see.`;
  return [{ topic: 'source', table: source, blocking: false, text, rows: 0, sql: null }];
}

/** What a grouping would make, for people. */
export function groupingText({ groups, rows, largest, tenants }: Grouping): string {
  return `${counted(groups, 'value')} on ${counted(rows, 'row')}, the most frequent on ${largest}: ${counted(tenants, 'tenant')}`;
}

/** Which source rows are one tenant. */
export function groupingQuestions({ source, groupings, tables }: Asked): Draft[] {
  if (groupings.length === 0) return [];
  const rows = tables.find((table) => table.name === source)?.rows ?? 0;
  const choices = groupings.map((grouping) => `${grouping.label} has ${groupingText(grouping)}`);
  const text = `Which rows of "${source}" are one tenant? As drafted each of the ${counted(rows, 'row')} is one for itself. ${choices.join('. ')}.`;
  return [{ topic: 'grouping', table: source, blocking: false, text, rows, sql: null }];
}

/** Who the members are, where tenants are made from organizations. */
export function memberQuestions({ source, tables }: Asked): Draft[] {
  if (sourceKindOf(source).kind !== 'organization') return [];
  const people = tables.filter(
    ({ name, guess }) => guess.kind === 'via' && sourceKindOf(name).kind !== 'other' && sourceKindOf(name).score > 1,
  );
  if (people.length === 0) return [];
  const names = people.map(({ name }) => `"${name}"`).join(', ');
  const text = `Members are made from rows of "${source}" alone, which are no people; those of ${names} get their tenant and stay where they are. Who becomes a member, in which role?`;
  return [{ topic: 'members', table: source, blocking: false, text, rows: 0, sql: null }];
}

/** Whether digests of API keys can be taken over. */
export function digestQuestions({ source, keys }: Asked): Draft[] {
  if (keys === null || keys.rows === 0) return [];
  const name = `"${source}"."${keys.column}"`;
  const ask = (text: string, rows: number, blocking: boolean): Draft => ({
    topic: 'keys',
    table: source,
    blocking,
    text,
    rows,
    sql: null,
  });
  if (keys.scheme === null) {
    return [
      ask(
        `${name} looks like the digest of an API key and is no SHA-256. How were keys digested? As drafted, no keys are taken over.`,
        keys.rows,
        false,
      ),
    ];
  }
  const drafts: Draft[] = [];
  if (keys.invalid > 0) {
    drafts.push(
      ask(
        `${keys.invalid} of ${keys.rows} digests in ${name} are no SHA-256. Correct them, or set them to NULL.`,
        keys.invalid,
        true,
      ),
    );
  }
  if (keys.doubled > 0) {
    drafts.push(
      ask(
        `${keys.doubled} rows share their digest in ${name} with another row, and a key opens one door only. Set all but one to NULL.`,
        keys.doubled,
        true,
      ),
    );
  }
  return drafts;
}
