import type { AnyMigration } from '../migrate/index.ts';
import { loadModule } from './load-module.ts';
import { UsageError } from './usage-error.ts';

/**
 * Loads the migration that a module exports: its default export, or the only definition among its exports, or the one
 * that `name` asks for by its own name or the export's.
 */
export async function loadDefinition(path: string, name: string | undefined): Promise<AnyMigration> {
  const definitions = Object.entries(await loadModule(path)).filter((entry): entry is [string, AnyMigration] =>
    isDefinition(entry[1]),
  );
  const asked =
    name === undefined ? definitions : definitions.filter(([key, { name: own }]) => key === name || own === name);
  const chosen = asked.find(([key]) => key === 'default') ?? (asked.length === 1 ? asked[0] : undefined);
  if (chosen !== undefined) return chosen[1];
  const known = definitions.map(([key, { name: own }]) => `${own} (${key})`).join(', ');
  if (known === '') throw new UsageError(`${path} exports no definition: export what defineMigration gives`);
  throw new UsageError(
    name === undefined
      ? `${path} exports several definitions; choose one with --name: ${known}`
      : `${path} exports no definition "${name}"; it has ${known}`,
  );
}

function isDefinition(value: unknown): value is AnyMigration {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['name', 'from', 'to', 'tenants', 'tables'].every((part) => part in value)
  );
}
