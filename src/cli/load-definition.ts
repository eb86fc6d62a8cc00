import { stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyMigration } from '../migrate/index.ts';
import { UsageError } from './usage-error.ts';

/**
 * Loads the migration that a module exports: its default export, or the only definition among its exports, or the one
 * that `name` asks for by its own name or the export's.
 */
export async function loadDefinition(path: string, name: string | undefined): Promise<AnyMigration> {
  const file = resolve(path);
  const found = await stat(file).catch(() => undefined);
  if (found === undefined || !found.isFile()) throw new UsageError(`there is no file ${path}`);
  if (!['.ts', '.mts', '.js', '.mjs'].includes(extname(file))) {
    throw new UsageError(`${path} is no module: a definition stands in a .ts, .mts, .js or .mjs file`);
  }
  const definitions = Object.entries(await load(file, path)).filter((entry): entry is [string, AnyMigration] =>
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

async function load(file: string, path: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (extname(file).endsWith('ts') && code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw new UsageError(
        `Node ${process.versions.node} cannot load ${path}: TypeScript is loaded by Node 22.18 and later. Use such a Node, or on 22.6 and later NODE_OPTIONS=--experimental-strip-types, or compile the file and give the .js`,
        { cause: error },
      );
    }
    throw new UsageError(`${path} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function isDefinition(value: unknown): value is AnyMigration {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['name', 'from', 'to', 'tenants', 'tables'].every((part) => part in value)
  );
}
