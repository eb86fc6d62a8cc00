import type { KyselyPlugin } from 'kysely';
import { markScopePlugin } from './plugin-mark.ts';
import type { QueryScoper } from './query-scoper.ts';

/** The plugin that scopes the queries of a database handle, to be added after all others. */
export function scopePlugin(scoper: QueryScoper): KyselyPlugin {
  return markScopePlugin({
    transformQuery: ({ node }) => scoper.scope(node),
    transformResult: ({ result }) => Promise.resolve(result),
  });
}
