import type { QueryExecutor } from 'kysely';
import { asMovedWrite } from '../../database/moved-writes.ts';
import type { QueryScoper } from './query-scoper.ts';
import { refuse } from './refuse.ts';

/** How a scope sends a statement other than as it is. */
export interface StatementRunner {
  readonly executeQuery: QueryExecutor['executeQuery'];
}

/**
 * An executor whose queries are scoped after all plugins, whichever are added or taken away later. It runs no query that
 * it has not scoped.
 */
export function scopedExecutor(base: QueryExecutor, scoper: QueryScoper, runner?: StatementRunner): QueryExecutor {
  return {
    adapter: base.adapter,
    plugins: base.plugins,
    transformQuery: (node, queryId) => scoper.scope(base.transformQuery(node, queryId)),
    compileQuery: (node, queryId) => base.compileQuery(scoper.scope(node), queryId),
    executeQuery(query, options) {
      checkScoped(query.query, scoper);
      return (runner ?? base).executeQuery(query, options).catch((error: unknown) => {
        throw asMovedWrite(error, scoper.tenantId);
      });
    },
    stream(query, chunkSize, options) {
      checkScoped(query.query, scoper);
      if (runner !== undefined)
        refuse('a stream under row-level security', 'Stream it in a transaction of the tenant.');
      return base.stream(query, chunkSize, options);
    },
    provideConnection: () => refuse('a bare connection', 'Use a database handle outside of the scope for it.'),
    withConnectionProvider: (provider) => scopedExecutor(base.withConnectionProvider(provider), scoper, runner),
    withPlugin: (plugin) => scopedExecutor(base.withPlugin(plugin), scoper, runner),
    withPlugins: (plugins) => scopedExecutor(base.withPlugins(plugins), scoper, runner),
    withPluginAtFront: (plugin) => scopedExecutor(base.withPluginAtFront(plugin), scoper, runner),
    withoutPlugins: () => scopedExecutor(base.withoutPlugins(), scoper, runner),
  };
}

function checkScoped(query: Parameters<QueryScoper['isScoped']>[0], scoper: QueryScoper): void {
  if (!scoper.isScoped(query)) refuse('a query that was compiled elsewhere', 'Build and run it with the scope.');
}
