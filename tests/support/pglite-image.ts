import { existsSync, openAsBlob } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';

const packages = join(import.meta.dirname, '../../node_modules');

/**
 * The file of an embedded database as it is when it was just made. To load it takes half a second of processor time, to
 * make a database anew takes up to six.
 */
export async function pgliteImage(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(packages, '@electric-sql/pglite/package.json'), 'utf8'));
  const folder = join(packages, '.cache/tenantry');
  const file = join(folder, `pglite-${version}.tar`);
  if (existsSync(file)) return file;
  const made = await PGlite.create();
  const image = await made.dumpDataDir('none');
  await made.close();
  await mkdir(folder, { recursive: true });
  // Whoever else makes it at the same time makes the same.
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, image.stream());
  await rename(unfinished, file);
  return file;
}

/** Starts an embedded database that holds nothing. */
export async function freshPglite(): Promise<PGlite> {
  return new PGlite({ loadDataDir: await openAsBlob(await pgliteImage()) });
}
