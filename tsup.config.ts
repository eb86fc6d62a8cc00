import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { index: 'src/index.ts', 'cli/main': 'src/cli/main.ts', ...modules(), ...adapters() },
  format: 'esm',
  target: 'node22',
  tsconfig: 'tsconfig.build.json',
  dts: true,
  clean: true,
  sourcemap: false,
  splitting: true,
  // Workers know what is built in by its full name alone.
  removeNodeProtocol: false,
});

/** The adapters for frameworks stand beside the examples that use them. */
function adapters(): Record<string, string> {
  return Object.fromEntries(['express', 'fastify'].map((name) => [`${name}/index`, `examples/${name}/adapter.ts`]));
}

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
