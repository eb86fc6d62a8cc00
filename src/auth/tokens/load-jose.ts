import { TenantryError } from '../../core/index.ts';

type Jose = typeof import('jose');

let loading: Promise<Jose> | undefined;

/** Loads the package jose, an optional peer, at the first use. */
export function loadJose(): Promise<Jose> {
  loading ??= import('jose').catch((cause: unknown) => {
    loading = undefined;
    const details = { path: 'createAuth', problem: 'install the package jose (version 6), which signs access tokens' };
    throw new TenantryError('config_invalid', details, { cause });
  });
  return loading;
}
