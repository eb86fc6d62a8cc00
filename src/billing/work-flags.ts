import { isTenantryError } from '../core/index.ts';
import { dueFlags, type FlagKind, putOffFlag, readFlag, waitAfter } from './flag-store.ts';
import type { Ground } from './ground.ts';

/** So many tenants in a row without an answer, and the provider is away: the others wait, and none of them is put off. */
const mostUnanswered = 3;

/** Takes what waits to the provider, for one tenant after the other. One that fails is put off, each time for longer. */
export async function workFlags(
  { db, clock }: Pick<Ground, 'db' | 'clock'>,
  { kind, limit }: { readonly kind: FlagKind; readonly limit: number },
  work: (tenantId: string) => Promise<void>,
): Promise<{ readonly done: number; readonly failed: number }> {
  let [done, failed, unanswered] = [0, 0, 0];
  for (const tenantId of await dueFlags(db, kind, { now: clock(), limit })) {
    try {
      await work(tenantId);
      done += 1;
      unanswered = 0;
    } catch (error) {
      failed += 1;
      const { attempts = 0 } = (await readFlag(db, kind, tenantId)) ?? {};
      const now = clock();
      const until = new Date(now.getTime() + waitAfter(attempts));
      await putOffFlag(db, kind, tenantId, { until, now, error: reasonOf(error) });
      const away = isTenantryError(error, 'provider_unavailable') && error.details.reason === 'no_answer';
      unanswered = away ? unanswered + 1 : 0;
      if (unanswered >= mostUnanswered) break;
    }
  }
  return { done, failed };
}

/** Why it failed, without what may be secret in it. */
export function reasonOf(error: unknown): string {
  if (isTenantryError(error)) return error.message.slice(0, 500).replaceAll('\0', '?');
  return error instanceof Error ? error.name : 'unknown';
}
