import { stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from './usage-error.ts';

/**
 * Loads a module of the application: what it exports, by name.
 *
 * @throws UsageError when there is none, or it cannot be loaded.
 */
export async function loadModule(path: string): Promise<Record<string, unknown>> {
  const file = resolve(path);
  const found = await stat(file).catch(() => undefined);
  if (found === undefined || !found.isFile()) throw new UsageError(`there is no file ${path}`);
  if (!['.ts', '.mts', '.js', '.mjs'].includes(extname(file))) {
    throw new UsageError(`${path} is no module: it must be a .ts, .mts, .js or .mjs file`);
  }
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
