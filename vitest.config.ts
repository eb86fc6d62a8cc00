import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = fileURLToPath(new URL('./src/', import.meta.url));
const examples = fileURLToPath(new URL('./examples/', import.meta.url));
/** Tests import the published names; here they lead to the sources. */
const alias = [
  { find: /^tenantry$/, replacement: `${source}index.ts` },
  { find: /^tenantry\/(express|fastify)$/, replacement: `${examples}$1/adapter.ts` },
  { find: /^tenantry\/([a-z-]+(?:\/[a-z-]+)?)$/, replacement: `${source}$1/index.ts` },
];
const server = ['tests/support/server.ts'];
/** The processes that tests start load hundreds of sources, which costs most of a short run: they are compiled once for all. */
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('./node_modules/.cache/tenantry/compiled', import.meta.url));

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 240_000,
    // Tests wait for processes, locks and timers: one more than there are processors keeps those at work.
    maxWorkers: Math.min(4, availableParallelism() + 1),
    projects: [
      {
        resolve: { alias },
        // Pure, and many: the sources are loaded once for all of them.
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'tests/unit/**/*.test.ts'],
          isolate: false,
          unstubEnvs: true,
          unstubGlobals: true,
        },
      },
      { resolve: { alias }, test: { name: 'integration', include: ['tests/integration/**/*.test.ts'] } },
      { resolve: { alias }, test: { name: 'postgres', include: ['tests/postgres/**/*.test.ts'], globalSetup: server } },
      {
        resolve: { alias },
        test: { name: 'conformance', include: ['tests/conformance/**/*.test.ts'], globalSetup: server },
      },
      {
        resolve: { alias },
        test: {
          name: 'chaos',
          include: ['tests/chaos/**/*.test.ts'],
          globalSetup: [...server, 'tests/support/built-workers.ts'],
          testTimeout: 300_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'types',
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ['tests/types/**/*.test-d.ts'],
            tsconfig: 'tests/types/tsconfig.json',
          },
        },
      },
      {
        test: {
          name: 'dist',
          include: ['tests/dist/**/*.test.ts'],
          globalSetup: ['tests/support/packed-project.ts'],
          testTimeout: 300_000,
        },
      },
    ],
  },
});
