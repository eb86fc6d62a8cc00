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

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    projects: [
      { resolve: { alias }, test: { name: 'unit', include: ['src/**/*.test.ts', 'tests/unit/**/*.test.ts'] } },
      { resolve: { alias }, test: { name: 'integration', include: ['tests/integration/**/*.test.ts'] } },
      { resolve: { alias }, test: { name: 'postgres', include: ['tests/postgres/**/*.test.ts'], globalSetup: server } },
      {
        resolve: { alias },
        test: { name: 'conformance', include: ['tests/conformance/**/*.test.ts'], globalSetup: server },
      },
      {
        resolve: { alias },
        test: { name: 'chaos', include: ['tests/chaos/**/*.test.ts'], globalSetup: server, testTimeout: 300_000 },
      },
      {
        resolve: { alias },
        test: {
          name: 'types',
          include: [],
          typecheck: { enabled: true, only: true, include: ['tests/types/**/*.test-d.ts'] },
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
