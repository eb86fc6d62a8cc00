import { cursorOf } from '../core/cursor.ts';
import { type Clock, type Ids, TenantryError } from '../core/index.ts';
import { pageOf, readLimit } from '../core/page.ts';
import { type AnyDatabase, type CallOptions, inTransaction } from '../database/index.ts';
import { sqlstateOf } from '../database/install.ts';
import type { Acting } from './acting.ts';
import type { AuditExportInput, AuditListInput, AuditVerifyInput, ErasureSubject } from './audit.ts';
import { chainTenant, readHead, waitingTenants } from './chain.ts';
import type { AuditActor, AuditAnchor, AuditFilter, AuditPage, AuditRecord } from './entry.ts';
import { readRecord } from './entry-input.ts';
import { csvHeader, csvLine, jsonLine } from './export-entries.ts';
import { subjectOf } from './personal.ts';
import { invalid } from './plain-json.ts';
import { readAfter } from './read-after.ts';
import { type AfterEntry, erasePersonal, insertEntries, selectEntries } from './store.ts';
import type { TrailTables } from './trail-tables.ts';
import { type AuditVerification, verifyChain } from './verify.ts';

/** What a trail is made from. */
export interface TrailDeps {
  readonly db: AnyDatabase;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly tables: TrailTables;
  /** Who acts now, as far as somebody said so. */
  readonly acting: () => Acting | undefined;
}

const system: AuditActor = { type: 'system' };
const pageSize = 1000;

/** What is done with a trail, whosever it is. The ids of tenants were checked. */
export function createTrail({ db, clock, ids, tables, acting }: TrailDeps) {
  /** Calls at the same moment for the same tenant are one. */
  const chaining = new Map<string, Promise<number>>();

  async function record(
    tenantId: string,
    told: AuditRecord,
    options?: CallOptions,
    id: string = ids(),
  ): Promise<{ readonly id: string }> {
    const present = acting();
    const actor = told.actor ?? present?.actor ?? system;
    // The event says who by an id alone; who is known to act adds the name.
    const isPresent = present !== undefined && present.actor.type === actor.type && present.actor.id === actor.id;
    const known = isPresent ? present.actor : undefined;
    const whole = { ...told, actor: { ...known, ...actor } };
    const context = present?.context ?? {};
    const entry = readRecord(whole, { tenantId, id, actor, context, now: clock() });
    try {
      await insertEntries(options?.db ?? db, tables, [entry]);
    } catch (error) {
      if (sqlstateOf(error) !== '23503') throw error;
      throw new TenantryError('tenant_not_found', { tenant: tenantId }, { cause: error });
    }
    return { id };
  }

  function chain(tenantId: string, options?: CallOptions): Promise<number> {
    if (options?.db !== undefined || db.isTransaction) return chainTenant(options?.db ?? db, tables, tenantId);
    const running = chaining.get(tenantId);
    if (running !== undefined) return running;
    const started = chainTenant(db, tables, tenantId).finally(() => chaining.delete(tenantId));
    chaining.set(tenantId, started);
    return started;
  }

  /** In a transaction the head of the chain would stay locked until its end, so nothing is taken in there. */
  async function chainFirst(tenantId: string, options?: CallOptions): Promise<void> {
    if ((options?.db ?? db).isTransaction) return;
    try {
      // One that runs already may have begun before the newest entry was committed.
      await chaining.get(tenantId);
      await chain(tenantId, options);
    } catch (error) {
      // The places that the head gives are taken: somebody was at the tables, which a verification tells.
      if (sqlstateOf(error) !== '23505') throw error;
    }
  }

  return {
    record,
    chain,

    async chainAll(options?: CallOptions): Promise<number> {
      const handle = options?.db ?? db;
      let taken = 0;
      for (;;) {
        const waiting = await waitingTenants(handle, tables, pageSize);
        let now = 0;
        for (const tenantId of waiting) now += await chain(tenantId, options);
        taken += now;
        if (now === 0) return taken;
      }
    },

    async list(
      tenantId: string,
      { cursor, limit, order = 'newest', ...filter }: AuditListInput,
      options?: CallOptions,
    ): Promise<AuditPage> {
      const after = readAfter(cursor);
      const most = readLimit(limit);
      checkFilter(filter);
      await chainFirst(tenantId, options);
      const selection = { tenantId, filter, after, limit: most + 1, order, canonical: false };
      const found = await selectEntries(options?.db ?? db, tables, selection);
      const { items, nextCursor } = pageOf(found, most, ({ place: { moment, id } }) => cursorOf([moment, id]));
      return { items: items.map(({ entry }) => entry), nextCursor };
    },

    async *export(
      tenantId: string,
      { format, order = 'oldest', proof = false, ...filter }: AuditExportInput,
      options?: CallOptions,
    ): AsyncGenerator<string, void> {
      if (format !== 'csv' && format !== 'jsonl') throw invalid('format', 'must be "csv" or "jsonl"');
      checkFilter(filter);
      await chainFirst(tenantId, options);
      if (format === 'csv') yield csvHeader;
      const write = format === 'csv' ? csvLine : jsonLine;
      let after: AfterEntry | null = null;
      for (;;) {
        const selection = { tenantId, filter, after, limit: pageSize, order, canonical: proof };
        const found = await selectEntries(options?.db ?? db, tables, selection);
        if (found.length > 0) yield found.map(write).join('');
        after = found.at(-1)?.place ?? null;
        if (found.length < pageSize) return;
      }
    },

    async verify(tenantId: string, input: AuditVerifyInput, options?: CallOptions): Promise<AuditVerification> {
      checkAnchor('anchor', input.anchor);
      checkAnchor('since', input.since);
      await chainFirst(tenantId, options);
      return verifyChain(options?.db ?? db, tables, { tenantId, ...input });
    },

    async anchor(tenantId: string, options?: CallOptions): Promise<AuditAnchor | null> {
      await chainFirst(tenantId, options);
      return readHead(options?.db ?? db, tables, tenantId);
    },

    erase: (tenantId: string, whose: ErasureSubject, options?: CallOptions): Promise<{ readonly entries: number }> =>
      inTransaction(db, options?.db, async (tx) => {
        const entries = await erasePersonal(tx, tables, { tenantId, subject: subjectOf(whose), now: clock() });
        const targets = 'userId' in whose ? [{ type: 'user', id: whose.userId }] : [];
        await record(tenantId, { action: 'audit.personal_erased', targets, metadata: { entries } }, { db: tx });
        return { entries };
      }),
  };
}

function checkFilter({ actions, from, to }: AuditFilter): void {
  if (actions !== undefined && (!Array.isArray(actions) || actions.some((action) => typeof action !== 'string'))) {
    throw invalid('actions', 'must be a list of actions');
  }
  for (const [path, moment] of Object.entries({ from, to })) {
    if (moment !== undefined && Number.isNaN(moment.getTime())) throw invalid(path, 'is no moment');
  }
}

function checkAnchor(path: string, anchor: AuditAnchor | undefined): void {
  if (anchor === undefined) return;
  if (!Number.isSafeInteger(anchor.sequence) || anchor.sequence < 1 || !/^[0-9a-f]{64}$/.test(anchor.hash)) {
    throw invalid(path, 'is none that audit.anchor gave');
  }
}
