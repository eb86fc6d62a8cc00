import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyMigration } from 'tenantry/migrate';
import ts from 'typescript';
import { problemsOf } from './programs.ts';

const root = join(import.meta.dirname, '../..');

/** A drafted definition as a file among the tests, where `tenantry` leads to the sources. */
export interface DraftFile {
  /** What the strict compiler says of it; empty when nothing. */
  compilerErrors(): readonly string[];
  load(): Promise<AnyMigration>;
  remove(): Promise<void>;
}

/** Writes a drafted definition into a directory of its own. */
export async function writeDraft(text: string): Promise<DraftFile> {
  const directory = await mkdtemp(join(root, 'tests/draft-'));
  const file = join(directory, 'migration.ts');
  await writeFile(file, text);
  return {
    compilerErrors: () => compilerErrors(file),
    async load() {
      const module: { default: AnyMigration } = await import(/* @vite-ignore */ pathToFileURL(file).href);
      return module.default;
    },
    remove: () => rm(directory, { recursive: true }),
  };
}

/** Compiles as the checkout is compiled. What is wrong in the sources that a draft imports is no matter of the draft. */
function compilerErrors(file: string): readonly string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions, noUnusedLocals: true }, root);
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram([file], options, { ...host, getSourceFile: readOnce(host.getSourceFile) });
  return problemsOf(program, file);
}

const sources = new Map<string, ts.SourceFile | undefined>();

/** The sources that all drafts import are read, parsed and bound once for all drafts of a test file. */
function readOnce(read: ts.CompilerHost['getSourceFile']): ts.CompilerHost['getSourceFile'] {
  return (name, ...more) => {
    const source = sources.has(name) ? sources.get(name) : read(name, ...more);
    sources.set(name, source);
    return source;
  };
}
