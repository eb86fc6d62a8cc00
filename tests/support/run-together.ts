import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pgliteImage } from './pglite-image.ts';

/**
 * Runs one module after the other and tells of each how it ended; what they leave open ends with the process. Their
 * embedded databases begin as an image of a new one: to make one takes longer than all that is done with it.
 */
const runner = `
import { registerHooks } from 'node:module';
const embedded = new URL('./embedded.mjs', import.meta.url).href;
registerHooks({
  resolve: (name, context, next) =>
    next(name === '@electric-sql/pglite' && context.parentURL !== embedded ? embedded : name, context),
});
for (const file of process.argv.slice(2)) {
  let problem = null;
  try {
    await import('./' + file);
  } catch (error) {
    problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  process.stdout.write('\\n@ended ' + JSON.stringify({ file, problem }) + '\\n');
}
process.exit(0);
`;

const embedded = (image: string): string => `
import { openAsBlob } from 'node:fs';
import { PGlite as Original } from '@electric-sql/pglite';
export * from '@electric-sql/pglite';
const image = await openAsBlob(${JSON.stringify(image)});
export class PGlite extends Original {
  constructor(...given) {
    super(...(given.length === 0 ? [{ loadDataDir: image }] : given));
  }
}
`;

/**
 * Runs programs of a project in one process, which pays for the start of Node and of the database engine once. Gives what
 * went wrong by file; `null` where nothing did. A program that ends the process takes those after it along, and they are
 * told of as not run.
 */
async function runTogether(project: string, files: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
  await writeFile(join(project, 'run-together.mjs'), runner);
  await writeFile(join(project, 'embedded.mjs'), embedded(await pgliteImage()));
  const outcomes = new Map<string, string | null>(files.map((file) => [file, 'it was not run']));
  const output = await new Promise<string>((resolve) => {
    const args = ['--disable-warning=ExperimentalWarning', 'run-together.mjs', ...files];
    execFile(process.execPath, args, { cwd: project, timeout: 180_000, maxBuffer: 2 ** 26 }, (_, stdout, stderr) => {
      resolve(`${stdout}\n${stderr}`);
    });
  });
  for (const line of output.split('\n')) {
    if (!line.startsWith('@ended ')) continue;
    const { file, problem }: { file: string; problem: string | null } = JSON.parse(line.slice(7));
    outcomes.set(file, problem);
  }
  return outcomes;
}

/** Runs programs in groups, a group when the first of it is asked for. Gives what tells what went wrong with one of them. */
export function runInGroups(
  project: string,
  files: readonly string[],
  size: number,
): (file: string) => Promise<string | null | undefined> {
  const groups = new Map<number, ReturnType<typeof runTogether>>();
  return async (file) => {
    const first = Math.floor(files.indexOf(file) / size) * size;
    const group = groups.get(first) ?? runTogether(project, files.slice(first, first + size));
    groups.set(first, group);
    return (await group).get(file);
  };
}
