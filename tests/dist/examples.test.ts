import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { compilePrograms, type Program } from '../support/programs.ts';
import { runTogether } from '../support/run-together.ts';
import { examplesOf } from '../support/snippets.ts';

const { project } = inject('packed');
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

/** Programs that run in one process. */
const together = 8;
const runnable = examples.filter(({ file, code }) => problems.get(file)?.length === 0 && !wantsServer.test(code));
const runs = new Map<string, Promise<ReadonlyMap<string, string | null>>>();

/** Runs the programs of a group when the first of them is asked for. */
function outcomeOf(file: string): Promise<ReadonlyMap<string, string | null>> {
  const known = runs.get(file);
  if (known !== undefined) return known;
  const place = runnable.findIndex((example) => example.file === file);
  const first = place - (place % together);
  const group = runnable.slice(first, first + together).map((example) => example.file);
  const run = runTogether(project, group);
  for (const member of group) runs.set(member, run);
  return run;
}

it.each(examples)('the example at $title compiles and runs', async ({ file, code }) => {
  expect(problems.get(file)).toEqual([]);
  if (wantsServer.test(code)) return;
  expect((await outcomeOf(file)).get(file)).toBeNull();
});
