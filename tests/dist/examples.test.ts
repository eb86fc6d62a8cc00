import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packedPackage } from '../support/packed.ts';
import { compilePrograms, type Program } from '../support/programs.ts';
import { runInGroups } from '../support/run-together.ts';
import { examplesOf } from '../support/snippets.ts';

const { project } = await packedPackage();
const root = join(import.meta.dirname, '../..');

/** Each example in a doc comment is a program of its own. */
const examples: Program[] = [];
for await (const path of glob(['src/**/*.ts', 'examples/*/adapter.ts'], { cwd: root })) {
  for (const { code, line } of examplesOf(await readFile(join(root, path), 'utf8'))) {
    const file = `example-${path.replaceAll(/[^a-z0-9]+/g, '-')}-${line}.ts`;
    examples.push({ title: `${path}:${line}`, file, code });
  }
}
const problems = await compilePrograms(project, examples);

/** These want a server that is there, or the package that brings one. */
const wantsServer = /DATABASE_URL|startPostgres/;

const runnable = examples.filter(({ file, code }) => problems.get(file)?.length === 0 && !wantsServer.test(code));
const outcomeOf = runInGroups(
  project,
  runnable.map(({ file }) => file),
  8,
);

it.each(examples)('the example at $title compiles and runs', async ({ file, code }) => {
  expect(problems.get(file)).toEqual([]);
  if (wantsServer.test(code)) return;
  expect(await outcomeOf(file)).toBeNull();
});
