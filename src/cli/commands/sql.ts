import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exportSql, planMigration } from '../../migrate/index.ts';
import { numberOf, stageOf } from '../arguments.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { counted } from '../text/words.ts';
import { UsageError } from '../usage-error.ts';

/** Writes a migration out as SQL files. */
export const sql: Command = async ({ db, options, definition: load }) => {
  const definition = await load();
  const format = options.values.get('format') ?? 'psql';
  if (format !== 'psql' && format !== 'prisma') throw new UsageError(`--format takes psql or prisma, not "${format}"`);
  const to = stageOf(options);
  const lockTimeout = numberOf(options, 'lock-timeout');
  const start = timeOf(options.values.get('start'));
  const plan = await planMigration(db, definition);
  const { files } = await exportSql(
    plan,
    { db, definition },
    {
      format,
      ...(to === undefined ? {} : { to }),
      ...(start === undefined ? {} : { start }),
      ...(lockTimeout === undefined ? {} : { lockTimeout }),
    },
  );
  const out = options.values.get('out');
  if (out === undefined) {
    return {
      exit: exitCodes.done,
      json: { hash: plan.hash, files },
      text: files.map(({ name, content }) => `-- ${name}\n${content}`).join('\n'),
    };
  }
  for (const { name, content } of files) {
    await mkdir(dirname(join(out, name)), { recursive: true });
    await writeFile(join(out, name), content);
  }
  const names = files.map(({ name }) => name);
  return {
    exit: exitCodes.done,
    json: { hash: plan.hash, out, files: names },
    text: [`${counted(files.length, 'file')} in ${out}`, ...names.map((name) => `  ${name}`)].join('\n'),
  };
};

function timeOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const time = new Date(text);
  if (Number.isNaN(time.getTime()))
    throw new UsageError(`--start takes a time such as 2026-05-01T00:00:00Z, not "${text}"`);
  return time;
}
