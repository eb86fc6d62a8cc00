import type { KyselyPlugin } from 'kysely';

const plugins = new WeakSet<KyselyPlugin>();

/** Remembers that a plugin is a scope's, and gives it back. */
export function markScopePlugin(plugin: KyselyPlugin): KyselyPlugin {
  plugins.add(plugin);
  return plugin;
}

/** Tells whether a plugin is a scope's. */
export function isScopePlugin(plugin: KyselyPlugin): boolean {
  return plugins.has(plugin);
}
