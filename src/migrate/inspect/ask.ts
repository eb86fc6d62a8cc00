import type { InspectedTable } from './inspection.ts';
import type { Draft } from './questions.ts';

/** What a question has that most have not. */
type Rest = Partial<Pick<Draft, 'blocking' | 'rows' | 'sql'>>;

/** A question about a table. */
export function ask(topic: Draft['topic'], table: InspectedTable, text: string, rest: Rest = {}): Draft {
  return { topic, table: table.name, text, blocking: false, rows: 0, sql: null, ...rest };
}
