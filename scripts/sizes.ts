/**
 * `npm run sizes`: what the built package weighs, and for each subpath what an import of it loads and how long that takes
 * in a process of its own (the median of several), with the peers that are installed. `--json` prints one document.
 */
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } },
});
const manifest: { exports: Record<string, unknown> } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

interface Import {
  readonly name: string;
  /** Milliseconds from before the import until after it. */
  readonly milliseconds: number;
  /** Bytes of the package's own files that were loaded. */
  readonly bytes: number;
  readonly files: number;
  /** The packages that were loaded along with it. */
  readonly packages: readonly string[];
}

const [packed]: { size: number; unpackedSize: number; entryCount: number }[] = Object.values(
  JSON.parse(await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'])),
);
const { size = 0, unpackedSize = 0, entryCount = 0 } = packed ?? {};
const imports: Import[] = [];
for (const subpath of Object.keys(manifest.exports)) {
  if (subpath !== './package.json') imports.push(await measure(`tenantry${subpath.slice(1)}`));
}

if (values.json) console.log(JSON.stringify({ packed: size, unpacked: unpackedSize, files: entryCount, imports }));
else {
  console.log(`${entryCount} files, packed ${kilobytes(size)}, installed ${kilobytes(unpackedSize)}\n`);
  console.log(`${'import'.padEnd(28)}${'loads'.padStart(10)}${'files'.padStart(7)}${'takes'.padStart(11)}  with it`);
  for (const { name, bytes, files, milliseconds, packages } of imports) {
    const columns = [
      name.padEnd(28),
      kilobytes(bytes).padStart(10),
      `${files}`.padStart(7),
      `${milliseconds.toFixed(0)} ms`.padStart(11),
    ];
    console.log(`${columns.join('')}  ${packages.join(', ') || '–'}`);
  }
}

/** Imports a name in processes of their own, one after the other. */
async function measure(name: string): Promise<Import> {
  const rounds: { milliseconds: number; loaded: string[] }[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const script = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
      const begun = performance.now();
      await import(${JSON.stringify(name)});
      console.log(JSON.stringify({ milliseconds: performance.now() - begun, loaded }));`;
    rounds.push(JSON.parse(await run(process.execPath, ['--input-type=module', '-e', script])));
  }
  rounds.sort((one, other) => one.milliseconds - other.milliseconds);
  const { milliseconds = Number.NaN, loaded = [] } = rounds[Math.floor(rounds.length / 2)] ?? {};
  const own = loaded.filter((url) => url.includes('/dist/') && !url.includes('/node_modules/'));
  const sizes = await Promise.all(own.map(async (url) => (await stat(new URL(url))).size));
  const packages = new Set(loaded.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []));
  return { name, milliseconds, bytes: sum(sizes), files: own.length, packages: [...packages].sort() };
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, [...args], { cwd: root, maxBuffer: 64_000_000 });
  return stdout;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
