import type { QueryExecutor } from 'kysely';
import type { QueryScoper } from './query-scoper.ts';
import { refuse } from './refuse.ts';

/**
 * An executor whose queries are scoped after all plugins, whichever are added or taken away later. It runs no query that
 * it has not scoped.
 */
export function scopedExecutor(base: QueryExecutor, scoper: QueryScoper): QueryExecutor {
  return {
    adapter: base.adapter,
    plugins: base.plugins,
    transformQuery: (node, queryId) => scoper.scope(base.transformQuery(node, queryId)),
    compileQuery: (node, queryId) => base.compileQuery(scoper.scope(node), queryId),
    executeQuery(query, options) {
      checkScoped(query.query, scoper);
      return base.executeQuery(query, options);
    },
    stream(query, chunkSize, options) {
      checkScoped(query.query, scoper);
      return base.stream(query, chunkSize, options);
    },
    provideConnection: () => refuse('a bare connection', 'Use a database handle outside of the scope for it.'),
    withConnectionProvider: (provider) => scopedExecutor(base.withConnectionProvider(provider), scoper),
    withPlugin: (plugin) => scopedExecutor(base.withPlugin(plugin), scoper),
    withPlugins: (plugins) => scopedExecutor(base.withPlugins(plugins), scoper),
    withPluginAtFront: (plugin) => scopedExecutor(base.withPluginAtFront(plugin), scoper),
    withoutPlugins: () => scopedExecutor(base.withoutPlugins(), scoper),
  };
}

function checkScoped(query: Parameters<QueryScoper['isScoped']>[0], scoper: QueryScoper): void {
  if (!scoper.isScoped(query)) refuse('a query that was compiled elsewhere', 'Build and run it with the scope.');
}
