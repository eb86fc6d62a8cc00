/**
 * The floors: who may import whom. CONTRIBUTING.md tells why. Type-only imports between modules are allowed, since they
 * vanish when the sources are compiled.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */

/** Modules with tables or logic of their own; they never import each other. */
const modules = [
  'tenancy',
  'organizations',
  'api-keys',
  'plans',
  'billing',
  'auth',
  'audit',
  'webhooks',
  'migrate',
].join('|');
/** Rooms that put modules together, through their public index only. */
const binders = ['access', 'http', 'testing'].join('|');
const tests = String.raw`\.test(-d)?\.ts$`;

export default {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Values never import each other in a circle.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'core-knows-only-node',
      comment: 'core/ imports node: and its own files.',
      severity: 'error',
      from: { path: '^src/core/', pathNot: tests },
      to: { pathNot: '^src/core/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'database-knows-core-and-kysely',
      comment: 'database/ imports core, Kysely and its own files.',
      severity: 'error',
      from: { path: '^src/database/', pathNot: tests },
      to: { pathNot: '^(src/core/|src/database/|node_modules/kysely/)', dependencyTypesNot: ['core'] },
    },
    {
      name: 'modules-stand-alone',
      comment: 'A module imports core, database and its own files; what it needs of another is handed in.',
      severity: 'error',
      from: { path: `^src/(${modules})/`, pathNot: tests },
      to: {
        path: '^src/',
        pathNot: '^src/(core|database|$1)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'binders-use-the-public-index',
      comment: 'access/, http/ and testing/ import other rooms by their index.ts; the floors below are open.',
      severity: 'error',
      from: { path: `^src/(${binders})/`, pathNot: tests },
      to: {
        path: '^src/',
        pathNot: ['^src/(core|database|$1)/', '^src/[^/]+/index\\.ts$', '^src/webhooks/delivery/index\\.ts$'],
      },
    },
    {
      name: 'only-the-wiring-binds',
      comment: 'Nothing below imports src/index.ts or the command.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: ['^src/cli/', tests] },
      to: { path: ['^src/index\\.ts$', '^src/cli/'] },
    },
    {
      name: 'wiring-uses-the-public-index',
      comment: 'src/index.ts and cli/ wire modules by their index.ts.',
      severity: 'error',
      from: { path: '^src/(index\\.ts$|cli/)' },
      to: {
        path: '^src/',
        pathNot: ['^src/(core|database|cli)/', '^src/[^/]+/(delivery/)?index\\.ts$', '^src/[^/]+\\.ts$'],
      },
    },
    {
      name: 'webhooks-loads-no-kysely',
      comment: "import 'tenantry/webhooks' loads neither Kysely nor a validator nor a provider; types vanish.",
      severity: 'error',
      from: { path: '^(src/webhooks/|src/database/handle\\.ts$)', pathNot: ['^src/webhooks/delivery/', tests] },
      to: {
        path: '^(src/database/|node_modules/(kysely|zod|stripe|pg)/)',
        pathNot: '^src/database/handle\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'examples-use-published-names',
      comment: "Examples import the package like a user: 'tenantry', 'tenantry/webhooks', …",
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: '^(src|tests|bench|scripts)/' },
    },
    {
      name: 'sources-know-sources-only',
      comment: 'Nothing that is published imports tests, examples, benches, scripts or its own build.',
      severity: 'error',
      from: { path: '^src/', pathNot: tests },
      to: { path: ['^(tests|examples|bench|scripts|dist)/', tests] },
    },
    {
      name: 'published-code-uses-peers-only',
      comment: 'src/ and the adapters import what package.json lists as a peer, never a development dependency alone.',
      severity: 'error',
      from: { path: ['^src/', '^examples/[^/]+/adapter\\.ts$'], pathNot: tests },
      to: {
        // The adapters import this package by its own name.
        pathNot: '^tenantry(/|$)',
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'],
        dependencyTypesNot: ['npm-peer', 'npm-optional', 'npm', 'type-only'],
      },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^dist/'] },
    // This configuration has no `paths`: published names then never resolve to the sources.
    tsConfig: { fileName: 'tsconfig.published.json' },
    tsPreCompilationDeps: true,
    exclude: { path: '^(bench/peers/node_modules|docs|\\.tmp)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
