import { orUnavailable } from '../database/unavailable.ts';
import type { Management } from './manage.ts';

/** Makes what manages keys say `database_unavailable` where a driver says that there is no connection. */
export function typedManagement(methods: Management): Management {
  return {
    issue: typed('issue', methods.issue),
    importKeys: typed('importKeys', methods.importKeys),
    get: typed('get', methods.get),
    list: typed('list', methods.list),
    update: typed('update', methods.update),
    enable: typed('enable', methods.enable),
    disable: typed('disable', methods.disable),
    rotate: typed('rotate', methods.rotate),
    revoke: typed('revoke', methods.revoke),
    revokeAll: typed('revokeAll', methods.revokeAll),
    reportLeak: typed('reportLeak', methods.reportLeak),
  };
}

function typed<Args extends readonly unknown[], Result>(
  name: keyof Management,
  method: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return (...args) => orUnavailable(`apiKeys.${name}`, () => method(...args));
}
