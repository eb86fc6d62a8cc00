/** `npm run check`: every static check, two or more at a time, each with its verdict and its seconds. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { performance } from 'node:perf_hooks';

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** The check that must have ended well before this one starts. */
  readonly after?: string;
}

const checks: readonly Check[] = [
  { name: 'build', command: ['tsup', '--silent'] },
  { name: 'tsc', command: ['tsc', '-p', '.'] },
  { name: 'typedoc', command: ['typedoc', '--logLevel', 'Warn'] },
  { name: 'biome', command: ['biome', 'ci', '--error-on-warnings', '--colors=off'] },
  { name: 'dependency-cruiser', command: ['depcruise', 'src', 'tests', 'examples', 'bench', 'scripts'] },
  { name: 'knip', command: ['knip', '--no-progress', '--no-config-hints'] },
  { name: 'publint', command: ['publint', '--strict'], after: 'build' },
  { name: 'attw', command: ['attw', '--pack', '.', '--profile', 'esm-only'], after: 'build' },
];

const root = join(import.meta.dirname, '..');
const env = {
  ...process.env,
  NO_COLOR: '1',
  PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
};
const verdicts = new Map<string, 'ok' | 'failed' | 'skipped'>();
const waiting = [...checks];
const started = performance.now();

async function worker(): Promise<void> {
  while (waiting.length > 0) {
    const ready = waiting.findIndex(({ after }) => after === undefined || verdicts.has(after));
    const check = waiting.splice(ready, ready < 0 ? 0 : 1)[0];
    if (check === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
    else await judge(check);
  }
}

async function judge({ name, command, after }: Check): Promise<void> {
  if (after !== undefined && verdicts.get(after) !== 'ok') {
    verdicts.set(name, 'skipped');
    console.log(`skipped  ${name} (${after} failed)`);
    return;
  }
  const begun = performance.now();
  const { code, output } = await run(command);
  verdicts.set(name, code === 0 ? 'ok' : 'failed');
  if (code !== 0) console.log(`\n${output.trim()}\n`);
  console.log(`${code === 0 ? 'ok      ' : 'FAILED  '} ${name.padEnd(20)} ${seconds(begun)} s`);
}

function run([program, ...args]: readonly [string, ...string[]]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const output: string[] = [];
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env });
    child.stdout.on('data', (chunk) => output.push(String(chunk)));
    child.stderr.on('data', (chunk) => output.push(String(chunk)));
    child.on('error', (error) => resolve({ code: null, output: error.message }));
    child.on('close', (code) => resolve({ code, output: output.join('') }));
  });
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1).padStart(5);
}

await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker));
const failed = checks.filter(({ name }) => verdicts.get(name) !== 'ok').map(({ name }) => name);
console.log(failed.length === 0 ? `all checks passed in ${seconds(started)} s` : `failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
