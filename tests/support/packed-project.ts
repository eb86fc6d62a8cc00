import { access, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import type { Packed, PackedOutcome } from './packed.ts';
import { run } from './run.ts';

const root = join(import.meta.dirname, '../..');
const tools = join(root, 'node_modules/.bin');

declare module 'vitest' {
  interface ProvidedContext {
    /** Where it is told what became of the packed package. */
    packed: string;
  }
}

/**
 * Builds and packs the package beside the checkout, so that nothing there is disturbed, and installs the tarball into an
 * empty project as a user would, together with the peers. That takes a while, in which other tests run.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'tenantry-dist-'));
  const outcome = join(directory, 'outcome.json');
  project.provide('packed', outcome);
  const told = installPacked(directory)
    .then(
      (packed): PackedOutcome => ({ packed }),
      (error: unknown): PackedOutcome => ({ failure: error instanceof Error ? error.message : String(error) }),
    )
    .then(async (found) => {
      await writeFile(`${outcome}.new`, JSON.stringify(found));
      await rename(`${outcome}.new`, outcome);
    });
  return async () => {
    await told;
    await rm(directory, { recursive: true, force: true });
  };
}

async function installPacked(directory: string): Promise<Packed> {
  const staging = join(directory, 'package');
  await mkdir(staging);
  await run(join(tools, 'tsup'), ['--out-dir', join(staging, 'dist'), '--silent'], root);
  for (const file of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']) {
    if (await exists(join(root, file))) await copyFile(join(root, file), join(staging, file));
  }
  const answer = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', directory], staging);
  const { filename, files } = packedOf(JSON.parse(answer));
  const tarball = join(directory, filename);

  const user = join(directory, 'user');
  await mkdir(user);
  await writeFile(join(user, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const peers = [
    'kysely',
    'pg',
    '@electric-sql/pglite',
    'express',
    'fastify',
    'jose',
    'bcryptjs',
    'stripe',
    'zod',
    '@types/node',
    '@types/pg',
    '@types/express',
  ];
  const wanted = peers.map((name) => `${name}@${devDependencies[name]}`);
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--save-exact'];
  await run('npm', ['install', tarball, ...wanted, ...flags], user);

  return { files, tarball, project: user };
}

/** npm gives a list, or since version 12 a record by name. */
function packedOf(answer: unknown): { filename: string; files: string[] } {
  const [packed]: { filename: string; files: { path: string }[] }[] = Object.values(Object(answer));
  if (packed === undefined) throw new Error('npm packed nothing');
  return { filename: packed.filename, files: packed.files.map(({ path }) => path) };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
