import { isUuid, opaqueId, TenantryError } from '../core/index.ts';
import type { AuditActor, AuditChange, AuditContext, AuditRecord, AuditTarget, JsonValue } from './entry.ts';
import { type EntryParts, type PersonalPart, takePersonal } from './personal.ts';
import { invalid, plainObject } from './plain-json.ts';

/** An entry as it is written, with its personal data apart. */
export interface NewEntry {
  readonly tenantId: string;
  readonly id: string;
  readonly action: string;
  readonly occurredAt: Date;
  readonly version: number;
  readonly entry: EntryParts;
  readonly commitments: Readonly<Record<string, string>>;
  readonly personal: readonly PersonalPart[];
}

/** The most bytes of JSON that an entry may hold. */
const mostBytes = 65_536;
const mostTargets = 100;
const mostFacts = 50;
const actionForm = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i;
const typeForm = /^[a-z][a-z0-9_.:-]{0,62}$/i;
const earliest = Date.UTC(1, 0, 1);
const latest = Date.UTC(9999, 11, 31);

/** Returns the id of a tenant, or throws what any other call says of what is none. */
export function checkedTenantId(operation: string, tenantId: unknown): string {
  if (tenantId === undefined || tenantId === null || tenantId === '') {
    throw new TenantryError('tenant_required', { operation });
  }
  if (!isUuid(tenantId)) throw new TenantryError('tenant_not_found', { tenant: String(tenantId).slice(0, 80) });
  return tenantId.toLowerCase();
}

/**
 * Checks what is to be recorded, and parts it.
 *
 * @throws TenantryError `audit_entry_invalid`.
 */
export function readRecord(
  record: AuditRecord,
  {
    tenantId,
    id,
    actor,
    context,
    now,
  }: {
    readonly tenantId: string;
    readonly id: string;
    /** Who acts when the record does not tell. */
    readonly actor: AuditActor;
    /** Where it comes from, as far as the record does not tell. */
    readonly context: AuditContext;
    readonly now: Date;
  },
): NewEntry {
  if (typeof record.action !== 'string' || record.action.length > 200 || !actionForm.test(record.action)) {
    throw invalid('action', 'must be words of letters, digits, "_" and "-", parted by dots, at most 200 characters');
  }
  const occurredAt = record.occurredAt ?? now;
  if (!(occurredAt instanceof Date) || !(occurredAt.getTime() >= earliest && occurredAt.getTime() <= latest)) {
    throw invalid('occurredAt', 'must be a moment between the years 1 and 9999');
  }
  const { version = 1 } = record;
  if (!Number.isInteger(version) || version < 1 || version > 2 ** 31 - 1) {
    throw invalid('version', 'must be a whole number from 1');
  }
  const targets = record.targets ?? [];
  if (!Array.isArray(targets) || targets.length > mostTargets) {
    throw invalid('targets', `must be a list of at most ${mostTargets}`);
  }
  const metadata = plainObject('metadata', record.metadata ?? {});
  if (Object.keys(metadata).length > mostFacts) throw invalid('metadata', `must have at most ${mostFacts} facts`);
  const whole: EntryParts = {
    actor: readParty('actor', record.actor ?? actor),
    targets: targets.map((target, index) => readParty(`targets[${index}]`, target)),
    context: plainObject('context', { ...context, ...record.context }),
    changes: readChanges(record.changes ?? {}),
    metadata,
  };
  const { entry, parts, commitments } = takePersonal(whole, record.personal ?? []);
  const bytes = Buffer.byteLength(JSON.stringify([entry, parts]));
  if (bytes > mostBytes) throw invalid('(whole)', `has ${bytes} bytes of JSON; at most ${mostBytes} are taken`);
  return { tenantId, id, action: record.action, occurredAt, version, entry, commitments, personal: parts };
}

function readParty(path: string, party: AuditActor | AuditTarget): AuditActor {
  if (typeof party !== 'object' || party === null) throw invalid(path, 'must be an object with a type');
  const { type, id, name, metadata } = party;
  if (typeof type !== 'string' || !typeForm.test(type)) {
    throw invalid(`${path}.type`, 'must be a letter, then letters, digits, "_", ".", ":" and "-", at most 63');
  }
  return {
    type,
    ...(id !== undefined && { id: opaqueId(`${path}.id`, id) }),
    ...(name !== undefined && { name: readName(`${path}.name`, name) }),
    ...(metadata !== undefined && { metadata: plainObject(`${path}.metadata`, metadata) }),
  };
}

function readName(path: string, name: unknown): string {
  if (typeof name !== 'string' || name.length > 500) throw invalid(path, 'must be a text of at most 500 characters');
  return String(plainObject(path, { name }).name);
}

function readChanges(changes: Readonly<Record<string, AuditChange>>): Record<string, AuditChange> {
  const read = Object.entries(plainObject('changes', changes)).map(([field, change]): [string, AuditChange] => {
    if (!isPair(change)) throw invalid(`changes.${field}`, 'must be an old and a new value');
    return [field, { old: change.old ?? null, new: change.new ?? null }];
  });
  return Object.fromEntries(read);
}

function isPair(change: JsonValue): change is { readonly [key: string]: JsonValue } {
  return (
    typeof change === 'object' && change !== null && !Array.isArray(change) && ('old' in change || 'new' in change)
  );
}
