import { type EventSink, opaqueId, platformId, systemClock, TenantryError, uuidv7 } from '../core/index.ts';
import type { AnyDatabase, CallOptions, ModuleDeps } from '../database/index.ts';
import { type Acting, createActing } from './acting.ts';
import type { AuditAnchor, AuditFilter, AuditPage, AuditRecord } from './entry.ts';
import { checkedTenantId } from './entry-input.ts';
import { type AnyEvent, recordOf } from './event-record.ts';
import type { ExportFormat } from './export-entries.ts';
import { createTrail } from './trail.ts';
import { platformTrail, tenantTrail } from './trail-tables.ts';
import type { AuditVerification } from './verify.ts';

/** Which part of a trail is wanted. */
export interface AuditListInput extends AuditFilter {
  /** The `nextCursor` of the part before. */
  readonly cursor?: string | null;
  /** How many entries at most, 1 to 1,000; 100 when absent. */
  readonly limit?: number;
  /** `newest` first when absent. */
  readonly order?: 'newest' | 'oldest';
}

/** What is to be written out of a trail, and how. */
export interface AuditExportInput extends AuditFilter {
  readonly format: ExportFormat;
  /** `oldest` first when absent. */
  readonly order?: 'newest' | 'oldest';
  /** Of `jsonl`: adds to each line the text that its hash covers, so that the chain can be verified without a database. */
  readonly proof?: boolean;
}

/** Against what a chain is verified. */
export interface AuditVerifyInput {
  /** A place that was kept elsewhere: the chain must still go through it. */
  readonly anchor?: AuditAnchor;
  /** A place from which on the chain is looked at; what is before it was verified earlier. */
  readonly since?: AuditAnchor;
}

/** Of whom the personal data is to be erased: a user, or somebody with an address who never became one. */
export type ErasureSubject = { readonly userId: string } | { readonly email: string };

/** The trail of the platform, which no tenant reads. */
export interface PlatformTrail {
  /** Records what happened. See {@link Audit.record}. */
  record(record: AuditRecord, options?: CallOptions): Promise<{ readonly id: string }>;
  /** Lists entries. See {@link Audit.list}. */
  list(input?: AuditListInput, options?: CallOptions): Promise<AuditPage>;
  /** Writes the trail out. See {@link Audit.export}. */
  export(input: AuditExportInput, options?: CallOptions): AsyncIterable<string>;
  /** Verifies the chain. See {@link Audit.verify}. */
  verify(input?: AuditVerifyInput, options?: CallOptions): Promise<AuditVerification>;
  /** Gives the end of the chain. See {@link Audit.anchor}. */
  anchor(options?: CallOptions): Promise<AuditAnchor | null>;
  /** Erases personal data. See {@link Audit.erase}. */
  erase(input: ErasureSubject, options?: CallOptions): Promise<{ readonly entries: number }>;
}

/** The audit trails: what happened in each tenant, chained by hashes. */
export interface Audit {
  /**
   * Takes the events of all modules into the trail, in the transaction that caused them: hand it as `events` to each.
   * `createTenantry` has done so.
   */
  readonly sink: EventSink<AnyEvent, AnyDatabase>;
  /**
   * Runs work as somebody: everything that is recorded meanwhile tells of them, unless it tells of another itself. Wrap
   * the handling of a request in it.
   */
  as<Result>(acting: Acting | (() => Acting), work: () => Result): Result;
  /**
   * Records what happened, in one statement. With `db` it joins the caller's transaction and stands or falls with it.
   *
   * @throws TenantryError `audit_entry_invalid`, `name_invalid` for an id, `tenant_not_found`.
   */
  record(record: AuditRecord & { readonly tenantId: string }, options?: CallOptions): Promise<{ readonly id: string }>;
  /**
   * Lists entries in the order in which things happened. Outside of a transaction entries that wait are taken into the
   * chain first.
   *
   * @throws TenantryError `tenant_not_found` for an id that is no UUID; `amount_invalid` for a limit, `name_invalid` for
   * a cursor that is none.
   */
  list(input: AuditListInput & { readonly tenantId: string }, options?: CallOptions): Promise<AuditPage>;
  /**
   * Writes a trail out in pieces, a thousand entries at a time. In CSV what a spreadsheet would run as a formula is made
   * harmless.
   */
  export(input: AuditExportInput & { readonly tenantId: string }, options?: CallOptions): AsyncIterable<string>;
  /**
   * Takes committed entries into their chains: of one tenant, or of all in which some wait. Call it every few seconds in
   * one process or in many; it takes no lock that a writer would wait for. Gives how many this call took in.
   */
  chain(input?: { readonly tenantId?: string }, options?: CallOptions): Promise<number>;
  /**
   * Computes the whole chain of a tenant anew and compares it with what is stored, a thousand entries at a time. Each
   * entry that was changed, removed or moved is named. Only an anchor that was kept elsewhere finds a chain that was made
   * anew from some entry on, or cut off at its end together with its head.
   */
  verify(input: AuditVerifyInput & { readonly tenantId: string }, options?: CallOptions): Promise<AuditVerification>;
  /** Gives the end of a tenant's chain, to be kept where an administrator of the database cannot reach it. */
  anchor(input: { readonly tenantId: string }, options?: CallOptions): Promise<AuditAnchor | null>;
  /**
   * Erases what the trail tells of a person: names, addresses, values that were marked as personal. The chain stays
   * whole, since it covers salted hashes of them; the salts go too. Ids of users stay, which the application alone can
   * turn into a person. The erasure is recorded.
   */
  erase(
    input: { readonly tenantId: string } & ErasureSubject,
    options?: CallOptions,
  ): Promise<{ readonly entries: number }>;
  /** The trail of the platform: who looked across tenants, and which tenants were purged. */
  readonly platform: PlatformTrail;
}

/**
 * Makes the audit module. Entries are written in the transaction of the change that they tell of and can neither be
 * changed nor deleted by the application's roles. Shortly after it was committed each takes its place in the chain of
 * its tenant: a sequence, and a SHA-256 over the hash before and the entry.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { createAudit } from 'tenantry/audit';
 * import { installSchema } from 'tenantry/database';
 * import { createTenancy, perUser } from 'tenantry/tenancy';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const audit = createAudit({ db });
 * const tenancy = createTenancy({ db, strategy: perUser(), events: audit.sink });
 *
 * const { tenantId } = await audit.as({ actor: { type: 'user', id: 'ada' } }, () => tenancy.provision({ userId: 'ada' }));
 * await audit.record({ tenantId, action: 'invoice.paid', targets: [{ type: 'invoice', id: '42' }] });
 * const { items } = await audit.list({ tenantId }); // invoice.paid, tenant.created
 * const { ok } = await audit.verify({ tenantId }); // true
 * ```
 */
export function createAudit({ db, clock = systemClock, ids = uuidv7 }: Omit<ModuleDeps, 'events'>): Audit {
  const acting = createActing();
  const deps = { db, clock, ids, acting: acting.now };
  const tenants = createTrail({ ...deps, tables: tenantTrail });
  const platform = createTrail({ ...deps, tables: platformTrail });

  function trailOf(tenantId: string) {
    return tenantId === platformId ? platform : tenants;
  }

  async function erase(tenantId: string, subject: ErasureSubject, options?: CallOptions) {
    if ('userId' in subject) opaqueId('userId', subject.userId);
    else opaqueId('email', subject.email);
    return trailOf(tenantId).erase(tenantId, subject, options);
  }

  return {
    as: acting.as,

    async sink(event, tx) {
      await trailOf(event.tenantId).record(event.tenantId, recordOf(event), { db: tx }, event.id);
    },

    record: async ({ tenantId, ...record }, options) =>
      tenants.record(tenantOf('audit.record', tenantId), record, options),

    list: async ({ tenantId, ...input }, options) => tenants.list(tenantOf('audit.list', tenantId), input, options),

    export: ({ tenantId, ...input }, options) => tenants.export(tenantOf('audit.export', tenantId), input, options),

    async chain({ tenantId } = {}, options) {
      if (tenantId !== undefined) return tenants.chain(tenantOf('audit.chain', tenantId), options);
      return (await tenants.chainAll(options)) + (await platform.chainAll(options));
    },

    verify: async ({ tenantId, ...input }, options) =>
      tenants.verify(tenantOf('audit.verify', tenantId), input, options),

    anchor: async ({ tenantId }, options) => tenants.anchor(tenantOf('audit.anchor', tenantId), options),

    erase: async ({ tenantId, ...subject }, options) => erase(tenantOf('audit.erase', tenantId), subject, options),

    platform: {
      record: (record, options) => platform.record(platformId, record, options),
      list: (input = {}, options) => platform.list(platformId, input, options),
      export: (input, options) => platform.export(platformId, input, options),
      verify: (input = {}, options) => platform.verify(platformId, input, options),
      anchor: (options) => platform.anchor(platformId, options),
      erase: (subject, options) => erase(platformId, subject, options),
    },
  };
}

/** The platform's trail is reached by `audit.platform` alone: its id is no tenant's. */
function tenantOf(operation: string, tenantId: unknown): string {
  const checked = checkedTenantId(operation, tenantId);
  if (checked === platformId) throw new TenantryError('tenant_not_found', { tenant: checked });
  return checked;
}
