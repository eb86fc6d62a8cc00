import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyMigration } from 'tenantry/migrate';

const root = join(import.meta.dirname, '../..');

/** A drafted definition as a file among the tests, where `tenantry` leads to the sources. */
export interface DraftFile {
  /** What the strict compiler says of it; empty when nothing. */
  compilerErrors(): Promise<string>;
  load(): Promise<AnyMigration>;
  remove(): Promise<void>;
}

/** Writes a drafted definition into a directory of its own. */
export async function writeDraft(text: string): Promise<DraftFile> {
  const directory = await mkdtemp(join(root, 'tests/draft-'));
  const file = join(directory, 'migration.ts');
  await writeFile(file, text);
  await writeFile(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions: { noUnusedLocals: true },
      include: ['migration.ts'],
      exclude: [],
    }),
  );
  return {
    compilerErrors: () =>
      new Promise((resolve) => {
        const compiler = join(root, 'node_modules/typescript/bin/tsc');
        execFile(process.execPath, [compiler, '-p', directory, '--pretty', 'false'], (error, stdout) => {
          // The sources that it imports are checked along with it; what is wrong there is no matter of the draft.
          const mine = stdout
            .split('\n')
            .filter((line) => line.includes(basename(directory)) || line.startsWith('error'));
          resolve(error === null ? '' : mine.join('\n'));
        });
      }),
    async load() {
      const module: { default: AnyMigration } = await import(/* @vite-ignore */ pathToFileURL(file).href);
      return module.default;
    },
    remove: () => rm(directory, { recursive: true }),
  };
}
