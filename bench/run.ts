/** `npm run bench -- <suite> [--quick] [--json]`: measures the library and a reference side by side. */
import { parseArgs } from 'node:util';
import { type BenchDatabase, startDatabase } from './database.ts';
import { compare, type Row, type Suite } from './harness.ts';

const suites: Readonly<Record<string, () => Promise<{ readonly suite: Suite }>>> = {
  auth: () => import('./suites/auth.ts'),
  billing: () => import('./suites/billing.ts'),
  http: () => import('./suites/http.ts'),
  isolation: () => import('./suites/isolation.ts'),
  keys: () => import('./suites/keys.ts'),
  limits: () => import('./suites/limits.ts'),
  migrate: () => import('./suites/migrate.ts'),
  webhooks: () => import('./suites/webhooks.ts'),
};

process.exitCode = await main();

async function main(): Promise<number> {
  const usage = `npm run bench -- <suite> [--quick] [--json]\nsuites: ${Object.keys(suites).join(', ')}`;
  const { positionals, values } = readArguments();
  if (values === undefined || positionals.length !== 1) return complain(usage);
  const [name = ''] = positionals;
  const load = Object.hasOwn(suites, name) ? suites[name] : undefined;
  if (load === undefined) return complain(`there is no suite "${name}"\n${usage}`);

  let starting: Promise<BenchDatabase> | undefined;
  const stop = async (): Promise<void> => (await starting)?.stop();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().then(() => process.exit(1)));
  const effort = values.quick ? { rounds: 5, turn: 400 } : { rounds: 11, turn: 1000 };
  try {
    const { suite } = await load();
    console.log(`${'row'.padEnd(34)}${'at'.padStart(4)}${'ours'.padStart(12)}${'reference'.padStart(13)}        ratio`);
    const rows = await suite({
      quick: values.quick,
      database() {
        starting ??= startDatabase();
        return starting;
      },
      report(row) {
        console.log(lineOf(row));
      },
      async compare(comparison) {
        const found = await compare(comparison, effort);
        for (const row of found) console.log(lineOf(row));
        return found;
      },
    });
    if (values.json) console.log(JSON.stringify({ bench: name, node: process.versions.node, rows }));
    return 0;
  } finally {
    await stop();
  }
}

function readArguments() {
  const options = { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } } as const;
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch {
    return { positionals: [], values: undefined };
  }
}

function complain(text: string): number {
  console.error(text);
  return 2;
}

function lineOf({ name, at, unit, ours, reference, ratio, spread: [lowest, highest] }: Row): string {
  const [left, right] = [ours, reference].map((value) => value.toLocaleString('en'));
  return `${name.padEnd(34)}${String(at).padStart(4)}${left?.padStart(12)}${right?.padStart(13)} ${unit ?? '/s'}    ${ratio} (${lowest} to ${highest})`;
}
