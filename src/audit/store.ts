import { type RawBuilder, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { canonicalSql } from './canonical.ts';
import type { AuditActor, AuditContext, AuditEntry, AuditFilter } from './entry.ts';
import type { NewEntry } from './entry-input.ts';
import { type EntryParts, putPersonal } from './personal.ts';
import type { TrailTables } from './trail-tables.ts';

/**
 * Writes entries and what they tell of persons, in one statement. They take their places in the chain later, so that
 * nobody waits here for another. An entry that is there already stays as it is.
 */
export async function insertEntries(db: AnyDatabase, tables: TrailTables, entries: readonly NewEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map(({ tenantId, id, action, occurredAt, version, entry, commitments }) => ({
    tenant_id: tenantId,
    id,
    action,
    occurred_at: occurredAt,
    version,
    actor_type: entry.actor.type,
    actor_id: entry.actor.id ?? null,
    actor_metadata: entry.actor.metadata ?? {},
    targets: entry.targets,
    context: entry.context,
    changes: entry.changes,
    metadata: entry.metadata,
    commitments,
  }));
  const parts = entries.flatMap(({ tenantId, id, personal }) =>
    personal.map((part) => ({ tenant_id: tenantId, entry_id: id, ...part })),
  );
  await sql`
    with made as (
      insert into ${tables.entries} (tenant_id, id, action, occurred_at, version, actor_type, actor_id, actor_metadata,
        targets, context, changes, metadata, commitments)
      select r.tenant_id, r.id, r.action, r.occurred_at, r.version, r.actor_type, r.actor_id, r.actor_metadata,
        r.targets, r.context, r.changes, r.metadata, r.commitments
      from json_to_recordset(${JSON.stringify(rows)}::json) as r (tenant_id uuid, id uuid, action text,
        occurred_at timestamptz, version integer, actor_type text, actor_id text, actor_metadata jsonb, targets jsonb,
        context jsonb, changes jsonb, metadata jsonb, commitments jsonb)
      on conflict (tenant_id, id) do nothing
      returning tenant_id, id
    )
    insert into ${tables.personal} (tenant_id, entry_id, part, subject, salt, data)
    select p.tenant_id, p.entry_id, p.part, p.subject, decode(p.salt, 'hex'), p.data
    from made m join json_to_recordset(${JSON.stringify(parts)}::json) as p (tenant_id uuid, entry_id uuid,
      part smallint, subject text, salt text, data text) on p.tenant_id = m.tenant_id and p.entry_id = m.id`.execute(
    libraryOf(db),
  );
}

interface EntryRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly sequence: string | number | null;
  readonly hash: string | null;
  readonly action: string;
  readonly occurred_at: Date;
  readonly moment: string;
  readonly version: number;
  readonly actor_type: string;
  readonly actor_id: string | null;
  readonly actor_metadata: Record<string, never>;
  readonly targets: EntryParts['targets'];
  readonly context: AuditContext;
  readonly changes: EntryParts['changes'];
  readonly metadata: EntryParts['metadata'];
  readonly personal: readonly string[];
  readonly erased: boolean;
  readonly canonical: string | null;
}

/** Where a list goes on: behind the entry of this moment, in microseconds, and id. */
export interface AfterEntry {
  readonly moment: string;
  readonly id: string;
}

/** Which part of a trail is read. */
export interface Selection {
  readonly tenantId: string;
  readonly filter: AuditFilter;
  readonly after: AfterEntry | null;
  readonly limit: number;
  readonly order: 'newest' | 'oldest';
  /** Whether the canonical text is read too. */
  readonly canonical: boolean;
}

/** An entry that was read, with what a list needs to go on and what a proof shows. */
export interface ReadEntry {
  readonly entry: AuditEntry;
  readonly place: AfterEntry;
  readonly canonical: string | null;
}

/** Reads a part of a trail, in the order of the moments at which things happened. */
export async function selectEntries(
  db: AnyDatabase,
  tables: TrailTables,
  { tenantId, filter, after, limit, order, canonical }: Selection,
): Promise<ReadEntry[]> {
  const direction = order === 'newest' ? sql`desc` : sql`asc`;
  const behind = order === 'newest' ? sql`<` : sql`>`;
  const place = after === null ? null : sql`(${after.moment}::timestamptz, ${after.id}::uuid)`;
  const { rows } = await sql<EntryRow>`
    select e.tenant_id, e.id, e.sequence, encode(e.hash, 'hex') as hash, e.action, e.occurred_at,
      to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as moment, e.version, e.actor_type,
      e.actor_id, e.actor_metadata, e.targets, e.context, e.changes, e.metadata,
      p.told as personal, p.erased, ${canonical ? canonicalSql : sql`null`} as canonical
    from ${tables.entries} e cross join lateral (
      select coalesce(json_agg(p.data order by p.part) filter (where p.data is not null), '[]') as told,
        coalesce(bool_or(p.erased_at is not null), false) as erased
      from ${tables.personal} p where p.tenant_id = e.tenant_id and p.entry_id = e.id
    ) p
    where e.tenant_id = ${tenantId}::uuid ${conditions(filter)}
      ${place === null ? sql`` : sql`and (e.occurred_at, e.id) ${behind} ${place}`}
    order by e.occurred_at ${direction}, e.id ${direction} limit ${limit}`.execute(libraryOf(db));
  return rows.map((row) => ({
    entry: entryOf(row),
    place: { moment: row.moment, id: row.id },
    canonical: row.canonical,
  }));
}

function conditions({ actions, actorType, actorId, target, from, to }: AuditFilter): RawBuilder<unknown> {
  const below = actions?.filter((action) => action.endsWith('.*')).map((action) => action.slice(0, -1));
  const parts = [
    actions === undefined
      ? null
      : sql`(e.action = any (${sql.val([...actions])}::text[])
          or exists (select 1 from unnest(${sql.val(below)}::text[]) as b (start) where starts_with(e.action, b.start)))`,
    actorType === undefined ? null : sql`e.actor_type = ${actorType}`,
    actorId === undefined ? null : sql`e.actor_id = ${actorId}`,
    target === undefined ? null : sql`e.targets @> ${JSON.stringify([target])}::jsonb`,
    from === undefined ? null : sql`e.occurred_at >= ${from}::timestamptz`,
    to === undefined ? null : sql`e.occurred_at < ${to}::timestamptz`,
  ];
  return sql.join(
    parts.filter((part) => part !== null).map((part) => sql`and ${part}`),
    sql` `,
  );
}

function entryOf(row: EntryRow): AuditEntry {
  const bare: AuditActor = {
    type: row.actor_type,
    ...(row.actor_id !== null && { id: row.actor_id }),
    ...(Object.keys(row.actor_metadata).length > 0 && { metadata: row.actor_metadata }),
  };
  const { targets, context, changes, metadata } = row;
  return {
    id: row.id,
    tenantId: row.tenant_id,
    sequence: row.sequence === null ? null : Number(row.sequence),
    hash: row.hash,
    action: row.action,
    occurredAt: row.occurred_at,
    version: row.version,
    ...putPersonal({ actor: bare, targets, context, changes, metadata }, row.personal),
    erased: row.erased,
  };
}

/** Erases what is told of a person in a trail, and counts the entries that told it. What is erased is gone for ever. */
export async function erasePersonal(
  db: AnyDatabase,
  tables: TrailTables,
  { tenantId, subject, now }: { readonly tenantId: string; readonly subject: string; readonly now: Date },
): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    with gone as (
      update ${tables.personal} set subject = null, salt = null, data = null, erased_at = ${now}::timestamptz
      where tenant_id = ${tenantId}::uuid and subject = ${subject}
      returning entry_id
    )
    select count(distinct entry_id)::integer as n from gone`.execute(libraryOf(db));
  return rows[0]?.n ?? 0;
}
