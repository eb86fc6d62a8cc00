/** After `typedoc`: every link of the site in `docs/api` (or in the folder that is named) leads to a page and a place in it. */
import { glob, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

const site = process.argv[2] ?? join(import.meta.dirname, '../docs/api');
const pages = new Map<string, string>();
const files = new Set<string>();
for await (const path of glob('**/*', { cwd: site })) {
  files.add(path);
  if (path.endsWith('.html')) pages.set(path, await readFile(join(site, path), 'utf8'));
}

const broken: string[] = [];
let links = 0;
for (const [page, text] of pages) {
  for (const [, raw = ''] of text.matchAll(/(?:href|src)="([^"]+)"/g)) {
    const link = raw.replaceAll('&amp;', '&');
    if (/^(?:[a-z]+:|\/\/)/.test(link)) continue;
    links += 1;
    const [path = '', place = ''] = link.split('#').map(decodeURIComponent);
    const target = path === '' ? page : normalize(join(dirname(page), path));
    const there = pages.get(target);
    if (!files.has(target)) broken.push(`${page}: ${link}`);
    else if (place !== '' && there !== undefined && !there.includes(`id="${place}"`)) broken.push(`${page}: ${link}`);
  }
}

for (const line of broken) console.error(line);
console.log(`${pages.size} pages, ${links} links, ${broken.length} broken`);
process.exitCode = broken.length === 0 && pages.size > 0 ? 0 : 1;
