import { writeFile } from 'node:fs/promises';
import { draftDefinition, inspectDatabase } from '../../migrate/index.ts';
import { hybridSeats, none, perOrg, perUser, type Strategy } from '../../tenancy/index.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { columns, count, counted, indented } from '../text/words.ts';
import { UsageError } from '../usage-error.ts';

/** Reads a database and drafts a definition. */
export const inspect: Command = async ({ db, options: { values, definition }, terminal }) => {
  const to = strategyOf(values.get('strategy') ?? 'per-org', values.get('starts-on'));
  const name = values.get('name') ?? `to-${to.name}`;
  const [schema, source, column] = ['schema', 'source', 'column'].map((option) => values.get(option));
  const inspection = await inspectDatabase(db, {
    ...(schema === undefined ? {} : { schema }),
    ...(source === undefined ? {} : { source }),
    ...(column === undefined ? {} : { column }),
  });
  const draft = draftDefinition(inspection, { name, to });
  const out = values.get('out') ?? definition;
  const open = inspection.questions.filter((question) => question.blocking).length;
  const summary = [
    `${counted(inspection.tables.length, 'table')} of the schema ${inspection.schema}`,
    ...indented(
      columns(
        inspection.tables.map(({ name: table, rows, guess }) => [table, count(rows), guess.kind, guess.reason]),
        [1],
      ),
    ),
    `${counted(inspection.questions.length, 'question')}, ${open === 0 ? 'none' : open} of which must be answered`,
    ...inspection.questions.map(
      ({ number, text, blocking }) => `  ${number}. ${text}${blocking ? ' (must be answered)' : ''}`,
    ),
  ].join('\n');
  if (out !== undefined) await writeFile(out, draft, { flag: 'wx' }).catch(refuseOverwriting(out));
  else if (terminal.interactive) terminal.note(summary);
  return {
    exit: exitCodes.done,
    json: { inspection, draft, ...(out === undefined ? {} : { out }) },
    text: out === undefined ? draft : `${summary}\nwritten to ${out}`,
  };
};

function refuseOverwriting(out: string): (error: unknown) => never {
  return (error) => {
    const there = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!there) throw error;
    throw new UsageError(`${out} is there already; a draft is not written over it`);
  };
}

function strategyOf(name: string, plan = 'default'): Strategy {
  switch (name) {
    case 'none':
      return none({ plan });
    case 'per-user':
      return perUser({ plan });
    case 'per-org':
      return perOrg({ plan });
    case 'hybrid-seats':
      return hybridSeats({ plan });
    default:
      throw new UsageError(`--strategy takes none, per-user, per-org or hybrid-seats, not "${name}"`);
  }
}
