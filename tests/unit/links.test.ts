import { access, glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const documents: string[] = [];
for await (const path of glob(['*.md', 'docs/*.md', 'docs/{guides,errors}/*.md', 'examples/**/*.md'], { cwd: root })) {
  documents.push(path);
}

describe.each(documents)('%s', (document) => {
  it('links to files and headings that are there', async () => {
    const broken: string[] = [];
    for (const { path, heading } of linksOf(await readFile(join(root, document), 'utf8'))) {
      const target = path === '' ? join(root, document) : join(root, dirname(document), path);
      const found = await access(target).then(
        () => true,
        () => false,
      );
      if (!found) broken.push(path);
      else if (heading !== '' && target.endsWith('.md')) {
        if (!headingsOf(await readFile(target, 'utf8')).includes(heading)) broken.push(`${path}#${heading}`);
      }
    }
    expect(broken).toEqual([]);
  });
});

it('the index of the guides names each of them', async () => {
  const index = linksOf(await readFile(join(root, 'docs/guides/README.md'), 'utf8')).map(({ path }) => path);
  const guides = documents.filter((path) => /^docs\/guides\/[a-z]/.test(path)).map((path) => path.slice(12));
  expect(guides.filter((guide) => !index.includes(guide))).toEqual([]);
});

/** The links of a page that lead to other files of the repository, or to a heading of its own. */
function linksOf(markdown: string): { readonly path: string; readonly heading: string }[] {
  const text = withoutCode(markdown).replaceAll(/`[^`\n]*`/g, '');
  return [...text.matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)]
    .map(([, path = '', heading = '']) => ({ path, heading }))
    .filter(({ path }) => !/^[a-z]+:/.test(path));
}

/** The names of headings, as GitHub makes them. */
function headingsOf(markdown: string): string[] {
  const names = new Map<string, number>();
  return [...withoutCode(markdown).matchAll(/^#{1,6} +(.+)$/gm)].map(([, title = '']) => {
    const name = title
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    const before = names.get(name) ?? 0;
    names.set(name, before + 1);
    return before === 0 ? name : `${name}-${before}`;
  });
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```/gm, '');
}
