import { CompiledQuery } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';

/** Remembers when keys were used, and writes it now and then for many of them at once. */
export interface LastUsed {
  /** Notes that a key was used; milliseconds since 1970. */
  note(tenantId: string, keyId: string, at: number): void;
  /** Writes what was noted. */
  flush(): Promise<void>;
  /** Stops the timer. */
  stop(): void;
}

/** A time is written only when it is later: a clock that was set back changes nothing. */
const flushText = `
  update tenantry.api_keys k set last_used_at = u.at
  from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as u (tenant_id, id, at)
  where k.tenant_id = u.tenant_id and k.id = u.id and (k.last_used_at is null or k.last_used_at < u.at)`;

const mostInStatement = 1000;
const mostNoted = 50_000;

/**
 * Makes what writes the times of last use: one statement for all keys of a stretch of time instead of one for each
 * request. What could not be written is tried again; when the process is killed, the times of one stretch are lost.
 *
 * @param every The length of a stretch, in milliseconds; 0 writes only when `flush` is called.
 */
export function createLastUsed(db: AnyDatabase, every: number): LastUsed {
  let noted = new Map<string, { readonly tenantId: string; readonly keyId: string; at: number }>();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let stopped = false;

  function note(tenantId: string, keyId: string, at: number): void {
    const before = noted.get(keyId);
    if (before?.tenantId === tenantId) {
      if (at > before.at) before.at = at;
      return;
    }
    if (noted.size >= mostNoted) return;
    noted.set(keyId, { tenantId, keyId, at });
    if (timer !== undefined || every === 0 || stopped) return;
    timer = setTimeout(() => void flush().catch(() => undefined), every);
    timer.unref();
  }

  /** All writers take the rows in one order, so that they wait for each other and never in a circle. */
  async function write(): Promise<void> {
    const entries = [...noted.values()].toSorted((one, other) => (one.keyId < other.keyId ? -1 : 1));
    noted = new Map();
    for (let start = 0; start < entries.length; start += mostInStatement) {
      const part = entries.slice(start, start + mostInStatement);
      const values = [
        part.map(({ tenantId }) => tenantId),
        part.map(({ keyId }) => keyId),
        part.map(({ at }) => new Date(at)),
      ];
      try {
        await libraryOf(db).executeQuery(CompiledQuery.raw(flushText, values));
      } catch (error) {
        for (const { tenantId, keyId, at } of entries.slice(start)) note(tenantId, keyId, at);
        throw error;
      }
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const turn = writing.then(write);
    writing = turn.catch(() => undefined);
    return turn;
  }

  return {
    note,
    flush,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
