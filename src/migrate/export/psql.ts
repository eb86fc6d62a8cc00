import type { StageName } from '../plan.ts';
import { header, purposes } from './header.ts';
import type { Export, Piece } from './piece.ts';
import { pieceOf, proofOf } from './piece-of.ts';
import { comment, doBlock } from './plpgsql.ts';
import { beginPiece, endPiece } from './preflight.ts';
import { schemaPiece } from './schema.ts';
import { wayBackPieces } from './way-back.ts';

/** A file of an export. */
export interface SqlFile {
  /** The name, with the folder where there is one, separated by `/`. */
  readonly name: string;
  readonly content: string;
}

/** One file per stage, numbered in the order in which they are run, and one for the way back. */
export function psqlFiles(x: Export, stages: readonly StageName[]): SqlFile[] {
  const number = (place: number): string => String(place).padStart(2, '0');
  const schema = file(
    x,
    '00_schema.sql',
    'Installs the schema "tenantry" or brings it up to date.',
    [],
    [schemaPiece()],
    [
      'It needs a role that may create a schema and, the first time on a server, roles. The login of the application is',
      'granted its roles by hand: grant tenantry_app, tenantry_service to …',
    ],
  );
  const forth = stages.map((stage, place) => {
    const steps = x.plan.steps.filter((step) => step.stage === stage);
    const pieces = [
      beginPiece(x, stage),
      ...proofOf(x, stage),
      ...steps.map((step) => pieceOf(x, step)),
      endPiece(x, stage),
    ];
    return file(x, `${number(place + 1)}_${stage}.sql`, purposes[stage], steps, pieces, [
      'It may be interrupted at any moment and run again: what is done is left out.',
    ]);
  });
  const steps = [...x.plan.steps].reverse();
  const back = file(
    x,
    'rollback.sql',
    'Takes everything back, from whatever stage, with what was written since.',
    steps,
    wayBackPieces(x, x.plan.steps, [], true),
    [
      'Once begun it has to be brought to its end. It may be interrupted and run again: what was not done, or was taken',
      'back already, is left out.',
    ],
  );
  return [schema, ...forth, back];
}

function file(
  x: Export,
  name: string,
  purpose: string,
  steps: Parameters<typeof header>[3],
  pieces: readonly Piece[],
  notes: readonly string[],
): SqlFile {
  const run = `Run as the owner of the tables, over a direct connection: psql "$DATABASE_URL" -X -f ${name}`;
  const content = [
    header(x, purpose, [run, ...notes], steps),
    '\\set ON_ERROR_STOP on',
    '\\set AUTOCOMMIT on',
    '\\set QUIET on',
    '\\encoding UTF8',
    'set client_min_messages = warning;',
    'set statement_timeout = 0;',
    ...pieces.map((piece) => `\n${comment(titleOf(piece))}\n\\echo ${echoed(titleOf(piece))}\n${text(x, piece)}`),
  ];
  return { name, content: `${content.join('\n')}\n` };
}

function titleOf(piece: Piece): string {
  return piece.kind === 'outside' ? piece.step.id : piece.title;
}

/** psql reads quotes, backticks and backslashes in the words it echoes. */
function echoed(title: string): string {
  return `'${title.replace(/[^\p{L}\p{N} _.,:;()→-]/gu, '?')}'`;
}

function text(x: Export, piece: Piece): string {
  if (piece.kind === 'transaction') return transaction(x, piece.body, piece.snapshot);
  if (piece.kind === 'loop') return doBlock(piece.body);
  const statements = piece.step.sql.map((statement) => `${statement};`);
  return `select ${piece.todo} as tenantry_todo \\gset
\\if :tenantry_todo
${[transaction(x, piece.before), ...statements, transaction(x, piece.after)].join('\n')}
\\endif`;
}

function transaction(x: Export, body: string, snapshot = false): string {
  return `begin${snapshot ? ' isolation level repeatable read' : ''};
set local lock_timeout = ${x.lockTimeout};
set local tenantry.runner = 'on';
set local search_path = ${x.searchPath === '' ? `''` : x.searchPath};
${doBlock(body)}
commit;`;
}
