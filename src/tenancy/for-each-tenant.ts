import { TenantryError } from '../core/index.ts';
import type { AnyDatabase, CallOptions } from '../database/index.ts';
import type { TenantKind } from '../database/tenant-row.ts';
import { listTenantIds } from './store.ts';

/** Options of {@link ForEachTenant}. */
export interface ForEachOptions extends CallOptions {
  /** For how many tenants work is done at once; 4 when absent. */
  readonly concurrency?: number;
  /** Tenants of one kind alone. */
  readonly kind?: TenantKind;
  /** Goes on after this tenant, such as the `last` of a run that was stopped. */
  readonly after?: string;
  /** Begins no more work once it is aborted. */
  readonly signal?: AbortSignal;
}

/** What became of a run over all tenants. */
export interface ForEachReport {
  /** For how many tenants the work was done. */
  readonly done: number;
  /** Those whose work failed, with what it threw, in the order of their ids. */
  readonly failed: readonly { readonly tenantId: string; readonly error: unknown }[];
  /** The last tenant whose work, and that of all before it, has ended; null when there was none. */
  readonly last: string | null;
  /** False when the run was stopped by its signal. */
  readonly complete: boolean;
}

/**
 * Does work for every active tenant, in the order of their ids. An error of one tenant stops none of the others: it is
 * collected. Tenants that are made meanwhile are taken along.
 *
 * @throws TenantryError `amount_invalid` for a concurrency that is no whole number from 1 to 1,000.
 */
export type ForEachTenant = (
  work: (tenantId: string) => Promise<unknown>,
  options?: ForEachOptions,
) => Promise<ForEachReport>;

const page = 500;

/** Binds {@link ForEachTenant} to a database. */
export function createForEachTenant(db: AnyDatabase): ForEachTenant {
  return async (work, { concurrency = 4, kind, after, signal, db: joined } = {}) => {
    if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1000) {
      const problem = 'the concurrency must be a whole number from 1 to 1000';
      throw new TenantryError('amount_invalid', { amount: String(concurrency), problem });
    }
    const failed: { tenantId: string; error: unknown }[] = [];
    /** Tenants whose work has begun, in order, and whether it has ended. */
    const begun: { readonly tenantId: string; ended: boolean }[] = [];
    let [done, waiting, cursor, exhausted]: [number, string[], string | null, boolean] = [0, [], after ?? null, false];
    let last: string | null = null;
    let reading: Promise<void> | undefined;

    const read = async (): Promise<void> => {
      const found = await listTenantIds(joined ?? db, { after: cursor, limit: page, kind: kind ?? null });
      waiting = [...waiting, ...found];
      cursor = found.at(-1) ?? cursor;
      exhausted = found.length < page;
    };
    const next = async (): Promise<string | undefined> => {
      while (waiting.length === 0 && !exhausted) {
        reading ??= read().finally(() => {
          reading = undefined;
        });
        await reading;
      }
      return signal?.aborted ? undefined : waiting.shift();
    };
    const worker = async (): Promise<void> => {
      for (let tenantId = await next(); tenantId !== undefined; tenantId = await next()) {
        const entry = { tenantId, ended: false };
        begun.push(entry);
        try {
          await work(tenantId);
          done += 1;
        } catch (error) {
          failed.push({ tenantId, error });
        }
        entry.ended = true;
        while (begun[0]?.ended) last = begun.shift()?.tenantId ?? last;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    failed.sort((one, other) => (one.tenantId < other.tenantId ? -1 : 1));
    return { done, failed, last, complete: exhausted && waiting.length === 0 };
  };
}
