import { quoteLiteral } from '../../database/isolation-sql.ts';
import type { StageName, Step } from '../plan.ts';
import { header, purposes } from './header.ts';
import { settings } from './lease.ts';
import type { Export, Piece } from './piece.ts';
import { pieceOf, proofOf } from './piece-of.ts';
import { attempts, comment, doBlock, raise } from './plpgsql.ts';
import { beginPiece, endPiece } from './preflight.ts';
import type { SqlFile } from './psql.ts';
import { schemaPiece } from './schema.ts';
import { recordPiece } from './steps.ts';
import { wayBackPieces } from './way-back.ts';

/** One folder of Prisma's: one statement, since Prisma sends a file whole and without a transaction of its own. */
interface Folder {
  readonly name: string;
  readonly stage: StageName;
  readonly purpose: string;
  /** The steps that its way back takes back. */
  readonly steps: readonly Step[];
  readonly statement: string;
  readonly notes: readonly string[];
}

/**
 * Folders of Prisma's migrations. PostgreSQL makes one transaction of several statements in one message, in which no
 * index is built concurrently and no transaction ends. So each file is a single statement: a block that ends its
 * transactions itself, or the one statement that has to stand alone.
 */
export function prismaFiles(x: Export, stages: readonly StageName[], start: Date): SqlFile[] {
  const folders = stages.flatMap((stage) => foldersOf(x, stage));
  const named = (name: string, place: number): string => `${timestamp(start, place)}_tenantry_${name}`;
  const schema = named('schema', 0);
  const files: SqlFile[] = [
    {
      name: `${schema}/migration.sql`,
      content: `${header(
        x,
        'Installs the schema "tenantry" or brings it up to date.',
        [
          'It needs a role that may create a schema and, the first time on a server, roles. The login of the application is',
          'granted its roles by hand: grant tenantry_app, tenantry_service to …',
        ],
        [],
      )}${script(x, [schemaPiece()])}`,
    },
    {
      name: `${schema}/down.sql`,
      content: header(
        x,
        'There is nothing to take back: the schema "tenantry" stays, with the record of the migration.',
        [],
        [],
      ),
    },
  ];
  folders.forEach((folder, place) => {
    const name = named(folder.name, place + 1);
    const later = folders.slice(place + 1).flatMap(({ steps }) => steps);
    const rest = x.plan.steps.filter((step) => !stages.includes(step.stage));
    const down = wayBackPieces(x, folder.steps, [...later, ...rest], place === 0);
    files.push(
      {
        name: `${name}/migration.sql`,
        content: `${header(x, folder.purpose, folder.notes, folder.steps)}${folder.statement}\n`,
      },
      {
        name: `${name}/down.sql`,
        content: `${header(x, `Takes back: ${folder.purpose}`, downNotes(name), [...folder.steps].reverse())}${script(x, down)}`,
      },
    );
  });
  return files;
}

const rerun = [
  'It may be interrupted at any moment. Then: prisma migrate resolve --rolled-back with the name of this folder, and',
  'prisma migrate deploy; what is done is left out. The role must have no statement_timeout: this is one statement.',
];

function downNotes(name: string): string[] {
  return [
    'Take the folders back in reverse order, each with prisma db execute --file down.sql, and tell Prisma:',
    `prisma migrate resolve --rolled-back ${name}`,
    'Once begun the way back has to be gone to its end.',
  ];
}

/** The steps of a stage, parted where a statement has to stand alone. What only tidies up waits until all rows are done. */
function foldersOf(x: Export, stage: StageName): Folder[] {
  const steps = x.plan.steps.filter((step) => step.stage === stage);
  const alone = steps.filter((step) => step.kind === 'concurrently');
  const tidy = alone.filter((step) => tidied(step) !== undefined);
  const indexes = alone.filter((step) => tidied(step) === undefined);
  const turn = indexes[0] === undefined ? steps.length : steps.indexOf(indexes[0]);
  const before = steps.filter((step, place) => step.kind !== 'concurrently' && place < turn);
  const after = steps.filter((step, place) => step.kind !== 'concurrently' && place > turn);
  const first = [
    beginPiece(x, stage),
    ...proofOf(x, stage),
    ...before.map((step) => pieceOf(x, step)),
    ...indexes.map((step) => clearPiece(x, step)),
    endPiece(x, alone.length === 0 ? stage : undefined),
  ];
  const main: Folder = {
    name: stage,
    stage,
    purpose: purposes[stage],
    steps: before,
    statement: script(x, first),
    notes: rerun,
  };
  if (alone.length === 0) return [main];
  const vacuum: Folder = {
    name: `${stage}_vacuum`,
    stage,
    purpose: 'Gives back the room of old versions of rows, and tells the planner of the new column.',
    steps: tidy,
    statement: `vacuum (analyze) ${tidy.map((step) => tidied(step) ?? '').join(', ')};`,
    notes: [],
  };
  const last = [
    beginPiece(x, stage),
    ...tidy.map((step) => recordPiece(x, step)),
    ...indexes.map((step) => recordPiece(x, step, requireIndex(step))),
    ...after.map((step) => pieceOf(x, step)),
    endPiece(x, stage),
  ];
  return [
    main,
    ...(tidy.length === 0 ? [] : [vacuum]),
    ...indexes.map((step) => indexFolder(step)),
    {
      name: `${stage}_end`,
      stage,
      purpose: after.length === 0 ? 'Records that the stage is whole.' : `The rest of the stage. ${purposes[stage]}`,
      steps: after,
      statement: script(x, last),
      notes: rerun,
    },
  ];
}

function indexFolder(step: Step): Folder {
  return {
    name: `${step.stage}_index_${(step.table ?? '')
      .toLowerCase()
      .replace(/[^a-z0-9_]/g, '_')
      .slice(0, 40)}`,
    stage: step.stage,
    purpose: 'Builds an index while the application writes.',
    steps: [step],
    statement: `${step.sql.at(-1)};`,
    notes: [
      'When it fails it leaves an index that is not valid. Then run',
      `  ${step.sql[0]};`,
      'and prisma migrate resolve --rolled-back with the name of this folder, and prisma migrate deploy.',
    ],
  };
}

/** What an interrupted build left is in the way of the next one. */
function clearPiece(x: Export, step: Step): Piece {
  const index = indexOf(step);
  const half = `exists (select 1 from pg_index where indexrelid = to_regclass(${quoteLiteral(index)}) and not indisvalid)`;
  return {
    kind: 'transaction',
    title: `before ${step.id}: what an interrupted build left`,
    body: attempts(x.lockRetries, `if ${half} then drop index ${index}; end if;`),
  };
}

function requireIndex(step: Step): string {
  const index = quoteLiteral(indexOf(step));
  return `if not exists (select 1 from pg_index where indexrelid = to_regclass(${index}) and indisvalid) then
${raise(`'there is no valid index ' || ${index}`, 'Apply the folders in their order; after an interrupted build drop what it left, as the head of its file says.')}
end if;`;
}

/** The table of a step that only tidies it up. */
function tidied(step: Step): string | undefined {
  return /^vacuum \(analyze\) (.+)$/s.exec(step.sql[0] ?? '')?.[1];
}

/** The index that a step builds, as SQL; its first statement drops what an interrupted run left of it. */
function indexOf(step: Step): string {
  const index = /^drop index concurrently if exists (.+)$/s.exec(step.sql[0] ?? '')?.[1];
  if (index === undefined) throw new TypeError(`step ${step.id} does not name the index that it builds`);
  return index;
}

/** One statement of many transactions: each sets its settings again, since they end with it. */
function script(x: Export, pieces: readonly Piece[]): string {
  const texts = pieces.map((piece) => {
    if (piece.kind === 'outside') throw new TypeError(`step ${piece.step.id} cannot stand in a block`);
    const title = comment(piece.title);
    if (piece.kind === 'loop') return `\n${title}\n${piece.body}`;
    const snapshot = piece.snapshot === true ? 'set transaction isolation level repeatable read;\n' : '';
    return `\n${title}\n${snapshot}${settings(x)}\n${piece.body}\ncommit;`;
  });
  return `${doBlock(texts.join('\n'))}\n`;
}

/** Names of folders sort in the order in which they run: each is one second after the one before. */
function timestamp(start: Date, place: number): string {
  return new Date(start.getTime() + place * 1000).toISOString().replace(/\D/g, '').slice(0, 14);
}
