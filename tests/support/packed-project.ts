import { execFile } from 'node:child_process';
import { access, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';

const root = join(import.meta.dirname, '../..');
const tools = join(root, 'node_modules/.bin');

declare module 'vitest' {
  interface ProvidedContext {
    /** The packed package: its file, and an empty project of a user's into which it was installed. */
    packed: { readonly files: readonly string[]; readonly tarball: string; readonly project: string };
  }
}

/**
 * Builds and packs the package beside the checkout, so that nothing there is disturbed, and installs the tarball into an
 * empty project as a user would, together with the peers.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'tenantry-dist-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    project.provide('packed', await installPacked(directory));
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}

async function installPacked(directory: string): Promise<ProvidedContext['packed']> {
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

/** Runs a program and gives what it printed; what npm handed to this process stays out of its environment. */
export async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|VITEST)/i.test(name)),
  );
  try {
    const { stdout } = await promisify(execFile)(program, [...args], { cwd, env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && 'stderr' in error)) throw error;
    throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
