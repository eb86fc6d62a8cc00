import { CompiledQuery } from 'kysely';
import { type AnyDatabase, libraryOf } from './handle.ts';
import { run } from './run.ts';

/** A message that came in and is worked on later. */
export interface QueuedMessage {
  readonly source: string;
  readonly id: string;
  /** What the work needs to know of it. */
  readonly signal: Readonly<Record<string, unknown>>;
}

/** A message that somebody works on. */
export interface ClaimedMessage {
  readonly id: string;
  readonly signal: Readonly<Record<string, unknown>>;
  /** How often it was worked on, this time included. */
  readonly attempts: number;
  readonly receivedAt: Date;
}

const enqueueOneText = `
  insert into tenantry.webhook_inbox (source, message_id, received_at, state, signal, due_at)
  values ($2::text, $3::text, $1::timestamptz, 'waiting', $4::jsonb, $1::timestamptz) on conflict do nothing`;

const enqueueText = `
  insert into tenantry.webhook_inbox (source, message_id, received_at, state, signal, due_at)
  select m.source, m.id, $1::timestamptz, 'waiting', m.signal::jsonb, $1::timestamptz
  from unnest($2::text[], $3::text[], $4::text[]) as m (source, id, signal)
  on conflict do nothing returning source, message_id`;

/**
 * Puts messages into the inbox, in one statement, and tells of each whether it is new. Once this has answered they are
 * stored, and only then may the sender be told so.
 */
export async function enqueueMessages(
  db: AnyDatabase,
  messages: readonly QueuedMessage[],
  now: Date,
): Promise<readonly boolean[]> {
  const [only, another] = messages;
  if (only !== undefined && another === undefined) {
    // A message alone, most of the time: the plain statement is the faster one.
    const parameters = [now, only.source, only.id, JSON.stringify(only.signal)];
    const { numAffectedRows } = await libraryOf(db).executeQuery(CompiledQuery.raw(enqueueOneText, parameters));
    return [numAffectedRows === 1n];
  }
  const rows = await run<{ source: string; message_id: string }>(db, enqueueText, [
    now,
    messages.map(({ source }) => source),
    messages.map(({ id }) => id),
    messages.map(({ signal }) => JSON.stringify(signal)),
  ]);
  const made = new Set(rows.map((row) => `${row.source} ${row.message_id}`));
  // Twice the same in one statement: the first is new.
  return messages.map(({ source, id }) => made.delete(`${source} ${id}`));
}

const claimText = `
  with due as materialized (
    select source, message_id from tenantry.webhook_inbox
    where source = $1::text and state = 'waiting' and due_at <= $2::timestamptz
    order by due_at, message_id limit $3::integer for update skip locked
  )
  update tenantry.webhook_inbox i set claim = $4::uuid, due_at = $5::timestamptz, attempts = i.attempts + 1
  from due where i.source = due.source and i.message_id = due.message_id
  returning i.message_id as id, i.signal, i.attempts, i.received_at`;

/** Takes messages whose time has come, so that for a while nobody else does. One of a process that ended comes back. */
export async function claimMessages(
  db: AnyDatabase,
  claim: {
    readonly source: string;
    readonly token: string;
    readonly now: Date;
    readonly until: Date;
    readonly limit: number;
  },
): Promise<readonly ClaimedMessage[]> {
  const { source, token, now, until, limit } = claim;
  const rows = await run<{ id: string; signal: Record<string, unknown>; attempts: number; received_at: Date }>(
    db,
    claimText,
    [source, now, limit, token, until],
  );
  return rows.map(({ received_at, ...row }) => ({ ...row, receivedAt: received_at }));
}

const settleText = `
  update tenantry.webhook_inbox set state = $4::text, due_at = $5::timestamptz, error = $6::text, claim = null,
    attempts = attempts - $7::integer
  where source = $1::text and message_id = any($2::text[]) and claim = $3::uuid and state = 'waiting'`;

/** What becomes of messages that were claimed; what somebody else claimed since stays theirs. */
export async function settleMessages(
  db: AnyDatabase,
  messages: { readonly source: string; readonly ids: readonly string[]; readonly token: string },
  outcome:
    | { readonly state: 'done'; readonly error?: string }
    | { readonly state: 'dead'; readonly error: string }
    | {
        readonly state: 'waiting';
        readonly dueAt: Date;
        readonly error?: string;
        /** True where nothing was tried. */
        readonly untried?: boolean;
      },
): Promise<void> {
  if (messages.ids.length === 0) return;
  await run(db, settleText, [
    messages.source,
    [...messages.ids],
    messages.token,
    outcome.state,
    outcome.state === 'waiting' ? outcome.dueAt : null,
    outcome.error ?? null,
    outcome.state === 'waiting' && outcome.untried === true ? 1 : 0,
  ]);
}

/** A message that was given up. */
export interface DeadMessage {
  readonly id: string;
  readonly signal: Readonly<Record<string, unknown>>;
  readonly attempts: number;
  readonly receivedAt: Date;
  readonly error: string | null;
}

/** Lists messages that were given up, the newest first. */
export async function deadMessages(db: AnyDatabase, source: string, limit: number): Promise<readonly DeadMessage[]> {
  const rows = await libraryOf(db)
    .selectFrom('tenantry.webhook_inbox')
    .select(['message_id', 'signal', 'attempts', 'received_at', 'error'])
    .where('source', '=', source)
    .where('state', '=', 'dead')
    .orderBy('received_at', 'desc')
    .orderBy('message_id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.message_id,
    signal: row.signal ?? {},
    attempts: row.attempts,
    receivedAt: row.received_at,
    error: row.error,
  }));
}

/** Has messages that were given up, or were worked on, worked on once more; all that were given up where none is named. */
export async function replayMessages(
  db: AnyDatabase,
  { source, ids, now }: { readonly source: string; readonly ids?: readonly string[] | undefined; readonly now: Date },
): Promise<number> {
  const result = await libraryOf(db)
    .updateTable('tenantry.webhook_inbox')
    .set({ state: 'waiting', due_at: now, attempts: 0 })
    .where('source', '=', source)
    .$if(ids === undefined, (query) => query.where('state', '=', 'dead'))
    .$if(ids !== undefined, (query) =>
      query.where('state', 'in', ['dead', 'done']).where('message_id', 'in', ids ?? []),
    )
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}
