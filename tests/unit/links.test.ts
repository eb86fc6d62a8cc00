import { access, glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const documents: string[] = [];
for await (const path of glob(['*.md', 'docs/*.md', 'docs/{guides,errors}/*.md', 'examples/**/*.md'], { cwd: root })) {
  documents.push(path);
}

it.each(documents)('%s links to files that are there', async (document) => {
  const text = await readFile(join(root, document), 'utf8');
  const links = [...text.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)].map((match) => match[1] ?? '');
  for (const link of links.filter((target) => !/^[a-z]+:/.test(target))) {
    await expect(access(join(root, dirname(document), link)), link).resolves.toBeUndefined();
  }
});
