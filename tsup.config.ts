import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { index: 'src/index.ts', 'cli/main': 'src/cli/main.ts', ...modules() },
  format: 'esm',
  target: 'node22',
  tsconfig: 'tsconfig.build.json',
  dts: true,
  clean: true,
  sourcemap: false,
  splitting: true,
});

/** One entry point for each module: `dist/<module>/index.js`. */
function modules(): Record<string, string> {
  const names = [
    'core',
    'database',
    'tenancy',
    'organizations',
    'api-keys',
    'plans',
    'billing',
    'auth',
    'audit',
    'webhooks',
    'webhooks/delivery',
    'access',
    'http',
    'migrate',
    'testing',
  ];
  return Object.fromEntries(names.map((name) => [`${name}/index`, `src/${name}/index.ts`]));
}
