import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { errorTable } from '../../src/core/index.ts';

const root = join(import.meta.dirname, '../..');
const directory = join(root, 'docs/errors');
const rows = Object.entries(errorTable).map(([code, { status, title }]) => ({ code, status, title }));

/** The names of the details of each code, as the sources declare them. */
async function declaredDetails(): Promise<Map<string, string[]>> {
  const path = join(root, 'src/core/error-codes.ts');
  const file = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.ES2023);
  const declared = new Map<string, string[]>();
  for (const statement of file.statements) {
    if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== 'ErrorDetails') continue;
    for (const member of statement.members) {
      if (!ts.isPropertySignature(member) || member.type === undefined || !ts.isTypeLiteralNode(member.type)) continue;
      declared.set(
        member.name.getText(file),
        member.type.members.map((field) => field.name?.getText(file) ?? ''),
      );
    }
  }
  return declared;
}

it('gives every code a page, and no page lacks its code', async () => {
  const pages = (await readdir(directory)).filter((name) => name !== 'README.md');
  expect(pages.toSorted()).toEqual(rows.map(({ code }) => `${code}.md`).toSorted());
});

it.each(rows)('$code: the page tells its title, status, details and remedy', async ({ code, status, title }) => {
  const page = await readFile(join(directory, `${code}.md`), 'utf8');
  const details = [...page.matchAll(/^\| `(\w+)` \| \S/gm)].map((match) => match[1]);
  expect(page.startsWith(`# ${code}\n\n${title}. HTTP status ${status}.\n\n## What happened\n\n`)).toBe(true);
  expect(details).toEqual((await declaredDetails()).get(code));
  expect(page).toMatch(/\n## What to do\n\n\S/);
});

it('lists every code with its status and title', async () => {
  const list = await readFile(join(directory, 'README.md'), 'utf8');
  const listed = [...list.matchAll(/^\| \[`(\w+)`\]\(\1\.md\) \| (\d+) \| (.+) \|$/gm)];
  const byCode = (one: { code?: string | undefined }, other: { code?: string | undefined }): number =>
    (one.code ?? '') < (other.code ?? '') ? -1 : 1;
  const told = listed.map(([, code, status, title]) => ({ code, status: Number(status), title }));
  expect(told.toSorted(byCode)).toEqual(rows.toSorted(byCode));
});
