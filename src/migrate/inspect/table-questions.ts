import { ask } from './ask.ts';
import { guardQuestions, keyQuestions, uniqueQuestions } from './guard-questions.ts';
import type { InspectedTable, OtherPath, SourceGuess, ViaGuess } from './inspection.ts';
import type { Asked, Draft } from './questions.ts';

/** Everything to ask about one table. */
export function tableQuestions(asked: Asked, table: InspectedTable): Draft[] {
  const { guess } = table;
  const own = guess.kind === 'source' || guess.kind === 'via';
  return [
    ...(guess.kind === 'via' ? unresolvedQuestions(asked, table, guess) : []),
    ...(own ? pathQuestions(asked, table, guess) : []),
    ...blockedQuestions(asked, table),
    ...whoseQuestions(asked, table),
    ...doubtQuestions(asked, table),
    ...(guess.kind === 'via' ? [...uniqueQuestions(table), ...keyQuestions(asked, table)] : []),
    ...(own ? guardQuestions(asked, table) : []),
  ];
}

/** "12 of 400 rows", or how many of a sample. */
function share(table: InspectedTable, rows: number): string {
  return table.rowsExact ? `${rows} of ${table.rows} rows` : `${rows} rows of a sample (there are about ${table.rows})`;
}

function unresolvedQuestions({ paths, source }: Asked, table: InspectedTable, { path, unresolved }: ViaGuess): Draft[] {
  if (unresolved === 0) return [];
  const text = `${share(table, unresolved)} lead to no row of "${source}" by ${path}. As drafted they are moved aside and kept (quarantine()); { unresolved: defaultTenant(key) } would give them to one tenant. What are they?`;
  return [ask('unresolved', table, text, { rows: unresolved, sql: paths.unresolvedSql.get(table.name) ?? null })];
}

function pathQuestions({ source }: Asked, table: InspectedTable, guess: ViaGuess | SourceGuess): Draft[] {
  const mine = guess.kind === 'source' ? 'their own key' : guess.path;
  return guess.others
    .filter((other) => other.disagree > 0)
    .map((other) => {
      const what = `${share(table, other.disagree)} lead to one row of "${source}" by ${mine} and to another by ${other.columns.join(', ')} → "${other.to}".`;
      return ask('paths', table, `${what} ${remedyFor(other)}`, {
        rows: other.disagree,
        sql: other.sql,
        blocking: other.constraint !== null,
      });
    });
}

function remedyFor({ constraint }: OtherPath): string {
  return constraint === null
    ? 'Which one says whose they are?'
    : 'Which one says whose they are? Where both become one tenant (sameTenant) this is settled; otherwise mend these rows, since a row cannot refer across tenants.';
}

function blockedQuestions({ paths }: Asked, table: InspectedTable): Draft[] {
  return paths.blocked
    .filter(({ reference }) => reference.table === table.name)
    .map(({ reference: { columns, target, onDelete }, rows, sql }) => {
      const then = {
        nothing: 'keep those from being moved aside',
        cascade: 'would be deleted with those',
        change: 'would be changed when those are moved aside',
      }[onDelete];
      const text = `${share(table, rows)} refer by ${columns.join(', ')} to rows of "${target}" that lead to no tenant, and ${then}. Mend them, or the rows of "${target}".`;
      return ask('blocked', table, text, { rows, sql, blocking: true });
    });
}

function whoseQuestions({ source, paths, tables }: Asked, table: InspectedTable): Draft[] {
  const { guess, name } = table;
  const sourceRows = tables.find((each) => each.name === source)?.rows ?? 0;
  if (guess.kind === 'untouched' && guess.why === 'no-key') {
    const text = `"${name}" is partitioned and has no key, and its rows (${table.rows}) stay without a tenant and are not isolated. Add a primary key or a unique index over columns that are never empty, inspect again, and it can follow ${guess.led?.columns.join(', ')}.`;
    return [ask('primary-key', table, text, { rows: table.rows })];
  }
  if (guess.kind === 'untouched' && guess.why === 'no-path') {
    const text = `Whose ${table.rows === 1 ? 'is the row' : `are the ${table.rows} rows`} of "${name}"? No column leads to a tenant. As drafted they stay as they are and are not isolated; shared() says that all tenants may read them.`;
    return [ask('whose', table, text, { rows: table.rows })];
  }
  if (guess.kind === 'untouched' && guess.why === 'archive' && guess.led !== null) {
    const text = `Does the application still read "${name}"? Its ${guess.led.columns.join(', ')} leads to "${guess.led.target}"; as drafted it stays as it is and is not isolated.`;
    return [ask('whose', table, text, { rows: table.rows })];
  }
  if (guess.kind !== 'shared') return [];
  const personal = table.columns.find((column) => /e_?mail|phone|password|birth/i.test(column.name));
  const large = table.rows > 1000 && table.rows > sourceRows;
  if (personal === undefined && !large && !paths.common.has(name)) return [];
  const why = [
    paths.common.has(name) ? 'its rows lead to those who made them' : '',
    personal === undefined ? '' : `it has a column "${personal.name}"`,
    large ? `it has ${table.rows} rows` : '',
  ].filter(Boolean);
  const text = `May all tenants see every row of "${name}"? It is drafted as shared, and ${why.join(' and ')}.`;
  return [ask('whose', table, text, { rows: table.rows })];
}

function doubtQuestions({ doubtful }: Asked, table: InspectedTable): Draft[] {
  return doubtful
    .filter((candidate) => candidate.table === table.name)
    .map(({ column, target, sampled, found }) =>
      ask(
        'reference',
        table,
        `"${column.name}" is named like a reference to "${target}", but only ${found} of ${sampled} values looked up are found there. What does it hold?`,
      ),
    );
}
