import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { migrationReport, reportMarkdown, type VerifyReport } from '../migrate/index.ts';
import type { CommandContext } from './command.ts';
import { UsageError } from './usage-error.ts';

/** Refuses a report of a kind that there is not, before anything is done. */
export function refuseReport({ options }: CommandContext): void {
  const file = options.values.get('report');
  if (file === undefined || ['.md', '.json'].includes(extname(file))) return;
  throw new UsageError(`--report takes a file that ends in .md or .json, not "${file}"`);
}

/** Writes the report that `--report` asks for, also of a run that failed. */
export async function withReport<Result>(
  context: CommandContext,
  work: () => Promise<Result>,
  verificationOf: (result: Result) => VerifyReport | undefined = () => undefined,
): Promise<Result> {
  refuseReport(context);
  try {
    const result = await work();
    await writeReport(context, verificationOf(result));
    return result;
  } catch (error) {
    // The error is what the caller must hear of, whether or not the report could be written.
    await writeReport(context, undefined).catch(() => undefined);
    throw error;
  }
}

async function writeReport(
  { db, options, definition, clock }: CommandContext,
  verification?: VerifyReport,
): Promise<void> {
  const file = options.values.get('report');
  if (file === undefined) return;
  const report = await migrationReport(db, await definition(), {
    clock,
    ...(verification === undefined ? {} : { verification }),
  });
  await writeFile(file, extname(file) === '.md' ? reportMarkdown(report) : `${JSON.stringify(report, null, 2)}\n`);
}
