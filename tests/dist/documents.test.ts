import { glob, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { packedPackage } from '../support/packed.ts';
import { compilePrograms, type Program } from '../support/programs.ts';
import { runInGroups } from '../support/run-together.ts';
import { snippetsOf } from '../support/snippets.ts';

const { project } = await packedPackage();
const root = join(import.meta.dirname, '../..');

/** All snippets of a page are one program. */
const pages: Program[] = [];
for await (const path of glob(['README.md', 'docs/guides/[a-z]*.md', 'docs/errors/README.md'], { cwd: root })) {
  const code = snippetsOf(await readFile(join(root, path), 'utf8')).map((snippet) => snippet.code);
  const file = `page-${path.includes('errors') ? 'errors' : basename(path, '.md').toLowerCase()}.ts`;
  pages.push({ title: path, file, code: code.join('\n') });
}
const problems = await compilePrograms(project, pages);
const outcomeOf = runInGroups(
  project,
  pages.map(({ file }) => file),
  5,
);

it.each(pages)('$title compiles and runs where the package is installed', async ({ file, code }) => {
  expect(code).not.toBe('');
  expect(problems.get(file)).toEqual([]);
  expect(await outcomeOf(file)).toBeNull();
});

it('the README leads from nothing to an authenticated, metered, isolated request in under 40 lines', async () => {
  const snippets = snippetsOf(await readFile(join(root, 'README.md'), 'utf8'));
  const lines = snippets.flatMap(({ code }) => code.split('\n')).filter((line) => line.trim() !== '');
  expect(lines.length).toBeLessThan(40);
  expect(lines.filter((line) => line.length > 130)).toEqual([]);
});
