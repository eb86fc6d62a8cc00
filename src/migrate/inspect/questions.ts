import type { FoundReferences } from './find-references.ts';
import type { Paths } from './follow-paths.ts';
import type {
  Grouping,
  InspectedFunction,
  InspectedTable,
  InspectedView,
  KeyDigests,
  Question,
  SourceCandidate,
} from './inspection.ts';
import { digestQuestions, groupingQuestions, memberQuestions, sourceQuestions } from './source-questions.ts';
import { tableQuestions } from './table-questions.ts';

/** What questions are asked from. */
export interface Asked {
  readonly source: string;
  readonly tables: readonly InspectedTable[];
  readonly candidates: readonly SourceCandidate[];
  readonly groupings: readonly Grouping[];
  readonly keys: KeyDigests | null;
  readonly views: readonly InspectedView[];
  readonly functions: readonly InspectedFunction[];
  readonly paths: Pick<Paths, 'blocked' | 'common' | 'unresolvedSql'>;
  readonly doubtful: FoundReferences['doubtful'];
  /** Whether the role sees past row-level security, and may keep triggers from firing. */
  readonly reader: { readonly role: string; readonly bypass: boolean; readonly replica: boolean };
}

/** A question without its number. */
export type Draft = Omit<Question, 'number'>;

/** What the database does not say and a person must, in the order of the draft: the source, table by table, the rest. */
export function askQuestions(asked: Asked): Question[] {
  const of = (wanted: boolean): Draft[] =>
    asked.tables
      .filter((table) => (table.name === asked.source) === wanted)
      .flatMap((table) => tableQuestions(asked, table));
  const drafts = [
    ...sourceQuestions(asked),
    ...of(true),
    ...groupingQuestions(asked),
    ...memberQuestions(asked),
    ...digestQuestions(asked),
    ...of(false),
    ...viewQuestions(asked),
  ];
  return drafts.map((draft, at) => ({ number: at + 1, ...draft }));
}

function viewQuestions({ views, functions, tables }: Asked): Draft[] {
  const own = new Set(
    tables.filter(({ guess }) => guess.kind === 'source' || guess.kind === 'via').map(({ name }) => name),
  );
  const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');
  const drafts: Draft[] = [];
  for (const { name, kind, reads, invoker } of views) {
    const seen = reads.filter((table) => own.has(table));
    if (seen.length === 0 || (invoker && kind === 'view')) continue;
    const text =
      kind === 'view'
        ? `The view "${name}" reads ${quoted(seen)} with its owner's rights and would show rows of all tenants; alter view ${name} set (security_invoker = true) makes it read with the rights of who asks. May it?`
        : `The materialized view "${name}" keeps rows of ${quoted(seen)} of all tenants, and row-level security does not reach it. Who may read it?`;
    drafts.push({ topic: 'view', table: null, blocking: false, text, rows: 0, sql: null });
  }
  for (const { name, reads } of functions) {
    const seen = reads.filter((table) => own.has(table));
    if (seen.length === 0) continue;
    const text = `The function ${name} runs with its owner's rights (security definer) and names ${quoted(seen)}: it may see rows of all tenants. Should it?`;
    drafts.push({ topic: 'function', table: null, blocking: false, text, rows: 0, sql: null });
  }
  return drafts;
}
